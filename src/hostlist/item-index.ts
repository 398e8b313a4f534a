import type { Address } from './address.js';
import type { Decided } from './host-match.js';
import { NameIndex } from './name-index.js';
import type { ListItem, Marker } from './parse.js';
import { NOWHERE, type PlacedNetwork, RangeIndex } from './range-index.js';

/** How a list is asked: in a *require* list an item that cannot be decided is skipped where no marker says otherwise. */
export type UnknownRule = 'require' | 'other';

/**
 * A run of items that stand next to each other, with no file and no named list between them, ready to be asked.
 *
 * An item has a *position*, from 0, and the least position that matches decides. Each method gives one, or
 * {@link NOWHERE}.
 */
export class ItemIndex {
  readonly items: readonly ListItem[];
  /** The first `*`. */
  readonly firstAny: number;
  /** The first item that a session without a remote address matches: `*` or the empty item. */
  readonly firstLocal: number;
  /** The first `@[]`. */
  readonly ownAddresses: number;
  /** The plain names, ascending: each may be looked up and its addresses compared. */
  readonly plainNames: readonly number[];
  /** The first pattern of names: suffix, glob or regular expression. */
  readonly firstPattern: number;
  /** The first item of either kind: before it no name is needed. */
  readonly firstName: number;
  readonly #v4: RangeIndex | null;
  readonly #v6: RangeIndex | null;
  readonly #names: NameIndex;
  readonly #answers: (Decided | undefined)[];
  readonly #firstPlain: { readonly negated: number; readonly positive: number };
  /** Positions of patterns at which the list stops, by how it is asked and by what is missing. */
  readonly #stops: Readonly<Record<UnknownRule | 'defer', number>>;

  constructor(items: readonly ListItem[]) {
    this.items = items;
    this.#answers = new Array(items.length);
    const first = (isIt: (item: ListItem) => boolean): number => {
      const position = items.findIndex(isIt);
      return position === -1 ? NOWHERE : position;
    };
    this.firstAny = first(({ pattern }) => pattern.kind === 'any');
    this.firstLocal = first(({ pattern }) => pattern.kind === 'any' || pattern.kind === 'local');
    this.ownAddresses = first(({ pattern }) => pattern.kind === 'own-addresses');
    this.firstPattern = first(isPattern);
    this.firstName = first(isName);
    this.#stops = {
      require: first((item) => isPattern(item) && stopsAt(item.onUnknown, 'require')),
      other: first((item) => isPattern(item) && stopsAt(item.onUnknown, 'other')),
      defer: first((item) => isPattern(item) && item.onDefer !== 'ignore'),
    };
    const plain: number[] = [];
    const networks: Record<1 | 4, PlacedNetwork[]> = { 1: [], 4: [] };
    for (const [position, { pattern }] of items.entries()) {
      if (pattern.kind === 'name') plain.push(position);
      if (pattern.kind !== 'network') continue;
      networks[pattern.network.address.length === 1 ? 1 : 4].push({ network: pattern.network, position });
    }
    this.#names = new NameIndex(items.map(({ pattern }) => pattern));
    this.plainNames = plain;
    this.#firstPlain = {
      negated: first((item) => item.pattern.kind === 'name' && item.negated),
      positive: first((item) => item.pattern.kind === 'name' && !item.negated),
    };
    this.#v4 = networks[1].length === 0 ? null : new RangeIndex(1, networks[1]);
    this.#v6 = networks[4].length === 0 ? null : new RangeIndex(4, networks[4]);
  }

  /** By what needs nothing but the address. */
  findAddress(address: Address): number {
    const found = (address.length === 1 ? this.#v4 : this.#v6)?.find(address) ?? NOWHERE;
    return Math.min(found, this.firstAny);
  }

  /** By a name of the peer, in the form that hostName() gives. */
  findName(name: string): number {
    return this.#names.find(name);
  }

  /** The answer where the item at `position` matches. It is made once: most matches give nothing else. */
  answer(position: number): Decided {
    const known = this.#answers[position];
    if (known !== undefined) return known;
    const item = this.items[position];
    if (item === undefined) throw new RangeError('no item there');
    const { text, index, negated } = item;
    const reason = `the ${isName(item) ? 'name' : 'address'} matches ${text || 'the empty item'}`;
    const result = negated ? 'no' : 'yes';
    const match = Object.freeze({ result, item: text, index, reason, unknown: false } as const);
    const made: Decided = { kind: 'decided', match, stopped: false };
    this.#answers[position] = made;
    return made;
  }

  /** Where the list stops for a peer whose name is not known, or is not known for now. */
  stop(missing: UnknownRule | 'defer'): number {
    return this.#stops[missing];
  }

  /** Whether a plain name before `position` would say the opposite of the item there. */
  isContested(position: number): boolean {
    const { negated, positive } = this.#firstPlain;
    return (this.items[position]?.negated ? positive : negated) < position;
  }
}

/** Whether a list ends at an item that it cannot decide. Exim's rule, but for lists of those who must do something. */
export function stopsAt(marker: Marker, rule: UnknownRule): boolean {
  return marker === 'include' || (marker === null && rule === 'other');
}

function isPattern({ pattern }: ListItem): boolean {
  return pattern.kind === 'suffix' || pattern.kind === 'glob' || pattern.kind === 'regex';
}

function isName(item: ListItem): boolean {
  return isPattern(item) || item.pattern.kind === 'name';
}
