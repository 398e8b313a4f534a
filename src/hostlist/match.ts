import type { Peer } from '../peer.js';
import { type Address, readAddress, sameAddress } from './address.js';
import type { Decided, HostMatch } from './host-match.js';
import { hostName } from './host-name.js';
import { type ItemIndex, stopsAt, type UnknownRule } from './item-index.js';
import type { ListItem } from './parse.js';
import { NOWHERE } from './range-index.js';

/** A list ready to be asked: runs of items, and between them what is a list itself. */
export type Step =
  | { readonly kind: 'items'; readonly index: ItemIndex }
  | { readonly kind: 'file'; readonly item: ListItem }
  | { readonly kind: 'list'; readonly item: ListItem };

/** Why an item cannot be decided: there is no name or address, or none for now. */
type Undecided =
  | { readonly kind: 'none'; readonly reason: string }
  | { readonly kind: 'defer'; readonly reason: string };

/** What has to be found out before the list can go on, and the item that asks for it. */
export type Need =
  | { readonly kind: 'need'; readonly need: 'names' | 'file' | 'list' | 'callback'; readonly item: ListItem }
  | { readonly kind: 'need'; readonly need: 'addresses'; readonly item: ListItem; readonly name: string };

/** The peer's own names. */
export type Names = { readonly kind: 'found'; readonly names: readonly string[] } | Undecided;

/** What a look-up of a name of the list says: the peer is among its addresses, or other addresses are, or there are none. */
export type Addresses = { readonly kind: 'peer' } | { readonly kind: 'other' } | Undecided;

/** The items of a file; `unreadable` where it never could be read. */
export type FileItems =
  | { readonly kind: 'items'; readonly index: ItemIndex }
  | { readonly kind: 'unreadable'; readonly reason: string };

/** What is known so far. What is `undefined` has not been asked yet. */
export interface Known {
  readonly rule: UnknownRule;
  names(): Names | undefined;
  addresses(name: string): Addresses | undefined;
  file(item: ListItem): FileItems | undefined;
  list(item: ListItem, subject: Subject): HostMatch | Need;
  ownAddresses(): readonly Address[];
}

/** A peer as a list sees it. */
export interface Subject {
  /** `local`: a session without a remote end. `client`: we deliver to a host whose name we know. */
  readonly side: 'local' | 'client' | 'server';
  readonly address: Address | null;
  /** Client side: the name that is delivered to; none where that is no host name but, say, an address. */
  readonly names: Names | undefined;
}

/** With more plain names than these still open, the peer's own names are asked first: one question may answer for all. */
const FEW_NAMES = 8;
/** What one match may cost in look-ups of plain names; a list that needs more is undecided, and lint() warns of it. */
export const MAX_LOOKUPS = 100;

/** @returns `null` where the peer's address is none */
export function subjectOf(peer: Peer): Subject | null {
  const address = peer.address === undefined ? null : readAddress(peer.address);
  if (address === null && peer.address !== undefined) return null;
  if (peer.name === undefined) return { side: address === null ? 'local' : 'server', address, names: undefined };
  const name = hostName(peer.name);
  return { side: 'client', address, names: { kind: 'found', names: name === null ? [] : [name] } };
}

/**
 * Asks a list: left to right, and the first item that matches decides. It is pure, and is called again with more known where it
 * says what it needs; it needs nothing that an earlier item makes idle.
 */
export function evaluate(steps: readonly Step[], subject: Subject, known: Known): Decided | Need {
  let unknown = false;
  let negated = false;
  for (const step of steps) {
    const found = step.kind === 'items' ? askItems(step.index, subject, known) : askStep(step, subject, known);
    if (found.kind === 'need') return found;
    if (found.kind === 'decided') return unknown ? { ...found, match: { ...found.match, unknown } } : found;
    unknown ||= found.unknown;
    negated = found.negated;
  }
  // Exim: a list that ends with a negated item goes on with an implied `*`.
  const match: HostMatch = negated
    ? { result: 'yes', item: null, index: -1, reason: 'no item matches, and the last one is negated', unknown }
    : { result: 'no', item: null, index: -1, reason: 'no item matches', unknown };
  return { kind: 'decided', match, stopped: false };
}

/** No item matches; `negated` is the sign of the last one looked at, which decides at the end of the list. */
interface Missed {
  readonly kind: 'missed';
  readonly negated: boolean;
  readonly unknown: boolean;
}

type Found = Decided | Missed;

/** What about the peer an item matches. */
type How = 'address' | 'name' | 'lookup';

function askItems(index: ItemIndex, subject: Subject, known: Known): Found | Need {
  let best = byAddress(index, subject, known);
  if (best < index.firstName || subject.side === 'local') return matched(index, best, 'address', false);
  let how: How = 'address';
  let stop: Undecided | null = null;
  const names = subject.names ?? known.names();
  if (names?.kind === 'found') {
    for (const name of names.names) {
      const position = index.findName(name);
      if (position >= best) continue;
      best = position;
      how = 'name';
    }
  } else if (names !== undefined) {
    const position = index.stop(names.kind === 'none' ? known.rule : 'defer');
    if (position < best) {
      best = position;
      stop = names;
    }
  }
  let unknown = false;
  for (const position of openNames(index, subject, best, how)) {
    if (position >= best) break;
    const item = index.items[position];
    if (item?.pattern.kind !== 'name') continue;
    const early = names === undefined && (index.firstPattern < position || manyAreOpen(index, best));
    if (early) return needNames(index, position);
    const { name } = item.pattern;
    const addresses = known.addresses(name);
    if (addresses === undefined) return { kind: 'need', need: 'addresses', item, name };
    if (addresses.kind === 'other') continue;
    if (addresses.kind === 'none') unknown = true;
    if (addresses.kind !== 'peer' && !stopsOn(addresses, item, known)) continue;
    best = position;
    how = 'lookup';
    stop = addresses.kind === 'peer' ? null : addresses;
  }
  if (names === undefined && index.firstPattern < best) return needNames(index, index.firstPattern);
  if (names?.kind === 'none' && index.firstPattern <= best && index.firstPattern !== NOWHERE) unknown = true;
  return stop === null ? matched(index, best, how, unknown) : stopped(index, best, stop, unknown);
}

function stopsOn(missing: Undecided, item: ListItem, known: Known): boolean {
  return missing.kind === 'none' ? stopsAt(item.onUnknown, known.rule) : item.onDefer !== 'ignore';
}

function byAddress(index: ItemIndex, subject: Subject, known: Known): number {
  const { address, side } = subject;
  if (address === null) return side === 'local' ? index.firstLocal : index.firstAny;
  const found = index.findAddress(address);
  const isOwn = index.ownAddresses < found && known.ownAddresses().some((own) => sameAddress(own, address));
  return isOwn ? index.ownAddresses : found;
}

/**
 * The plain names that have to be looked up. Where the peer's own name decides and no plain name before it says the opposite,
 * there are none: whatever their addresses are, the answer stays.
 */
function openNames(index: ItemIndex, { address }: Subject, best: number, how: How): readonly number[] {
  if (address === null || (how === 'name' && !index.isContested(best))) return [];
  return index.plainNames;
}

function manyAreOpen(index: ItemIndex, best: number): boolean {
  return (index.plainNames[FEW_NAMES] ?? NOWHERE) < best;
}

function needNames(index: ItemIndex, position: number): Need {
  const item = index.items[Math.min(position, index.firstPattern)];
  if (item === undefined) throw new RangeError('no item there');
  return { kind: 'need', need: 'names', item };
}

function matched(index: ItemIndex, position: number, how: How, unknown: boolean): Found {
  if (position === NOWHERE) return { kind: 'missed', negated: index.items.at(-1)?.negated ?? false, unknown };
  const found = index.answer(position);
  if (how !== 'lookup') return unknown ? { ...found, match: { ...found.match, unknown } } : found;
  const reason = `the address is one of those of ${found.match.item?.replace(/^!\s*/, '')}`;
  return { ...found, match: { ...found.match, reason, unknown } };
}

/** A list that stops at an item answers no, or what a marker says; the sign of the item does not matter (Exim). */
function stopped(index: ItemIndex, position: number, on: Undecided, unknown: boolean): Found {
  const item = index.items[position];
  if (item === undefined) throw new RangeError('no item there');
  const marker = on.kind === 'none' ? item.onUnknown : item.onDefer;
  const result = marker === 'include' ? 'yes' : on.kind === 'none' ? 'no' : 'defer';
  const reason = `the list ends at ${item.text}: ${on.reason}`;
  return {
    kind: 'decided',
    match: { result, item: item.text, index: item.index, reason, unknown },
    stopped: true,
  };
}

function askStep(step: Exclude<Step, { kind: 'items' }>, subject: Subject, known: Known): Found | Need {
  const { item } = step;
  if (step.kind === 'file') return askFile(item, subject, known);
  const inner = known.list(item, subject);
  if ('kind' in inner) return inner;
  if (inner.result === 'no') return { kind: 'missed', negated: item.negated, unknown: inner.unknown };
  // An inner list that cannot be decided for now leaves the outer undecided: markers do not reach in or out.
  return outer(item, { ...inner, reason: `${item.text}: ${inner.reason}` }, inner.result === 'defer');
}

/** The lines of a file stand in the place of its item; `!/file` turns each of them round. */
function askFile(item: ListItem, subject: Subject, known: Known): Found | Need {
  const file = known.file(item);
  if (file === undefined) return { kind: 'need', need: 'file', item };
  if (file.kind === 'unreadable') {
    return outer(item, { result: 'defer', item: null, index: 0, reason: file.reason, unknown: false }, true);
  }
  const found = askItems(file.index, subject, known);
  if (found.kind === 'need') return { ...found, item };
  if (found.kind === 'decided') {
    const { match, stopped } = found;
    return outer(item, { ...match, reason: `line ${match.index + 1} of ${item.text}: ${match.reason}` }, stopped);
  }
  return { ...found, negated: file.index.items.length === 0 ? item.negated : found.negated !== item.negated };
}

/** The answer of a list within the list, as that of the item that names it: its sign turns round what matched. */
function outer(item: ListItem, inner: HostMatch, stopped: boolean): Decided {
  const turned = item.negated && !stopped;
  const result = turned ? (inner.result === 'yes' ? 'no' : 'yes') : inner.result;
  const { reason, unknown } = inner;
  return { kind: 'decided', match: { result, item: item.text, index: item.index, reason, unknown }, stopped };
}
