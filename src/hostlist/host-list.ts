import { OptionError } from '../errors.js';
import { itemsOf } from '../exim-list.js';
import { assertPeer, type Peer } from '../peer.js';
import { voice } from '../trace.js';
import { type Address, readAddress } from './address.js';
import { FileList } from './files.js';
import type { Decided, HostMatch } from './host-match.js';
import type { UnknownRule } from './item-index.js';
import { type HostListWarning, lintItems } from './lint.js';
import { evaluate, type FileItems, type Known, type Need, type Step, type Subject, subjectOf } from './match.js';
import { NamedLists } from './named-lists.js';
import { isTimedOut, Lookups, unlessAborted, within } from './names.js';
import {
  type HostListOptions,
  type HostListSource,
  type HostMatcher,
  type HostMatchOptions,
  isMatcher,
  type Settings,
  settingsOf,
} from './options.js';
import { type ListItem, parseItems } from './parse.js';
import type { Pattern, PatternContext } from './pattern.js';
import { predicateMatcher } from './predicate.js';
import { type HostListStats, statsOf, stepsOf } from './steps.js';

/** The answer of {@link HostList.matchSync} where DNS, a file or a callback would have to be asked, and by which item. */
export interface HostMatchUnknown {
  readonly result: 'needs-names' | 'needs-addresses' | 'needs-file' | 'needs-callback';
  readonly item: string;
}

/** On the channel `tls-smtp:hostlist`. */
export type HostListVoiceEvent = { readonly type: 'warning'; readonly warning: HostListWarning };

const say = voice<HostListVoiceEvent>('hostlist');

/**
 * Decides whether a host belongs: compiled once, asked many times, shared by all connections.
 *
 * @see Exim manual, "Host lists"; docs/guide/host-lists.md says where this departs from it
 */
export class HostList implements HostMatcher {
  /** How many items it has; markers are none. */
  readonly size: number;
  /** Items by kind, files not read and named lists not counted. */
  readonly stats: HostListStats;
  readonly #items: readonly ListItem[];
  readonly #steps: readonly Step[];
  readonly #files = new Map<number, FileList>();
  readonly #lists = new Map<string, HostMatcher>();
  readonly #settings: Settings;
  readonly #atHand: Readonly<Record<UnknownRule, Known>>;

  private constructor(source: string | readonly string[], settings: Settings, lists: NamedLists) {
    if (!(lists instanceof NamedLists))
      throw new OptionError('new HostList()', 'is private: HostList.parse() makes one');
    this.#settings = settings;
    this.#atHand = { require: this.#knownAtOnce('require'), other: this.#knownAtOnce('other') };
    const context: PatternContext = {
      primaryHostname: () => settings.primaryHostname,
      hasList: (name) => lists.has(name),
    };
    this.#items = parseItems(itemsOf('host list', source), context, settings.maxGlobs);
    this.#steps = stepsOf(this.#items);
    this.size = this.#items.length;
    this.stats = statsOf(this.#items);
    for (const item of this.#items) {
      const { pattern } = item;
      if (pattern.kind === 'list') this.#lists.set(pattern.name, lists.matcher(item, pattern.name));
      if (pattern.kind !== 'file') continue;
      const warn = (message: string): void => this.#warn({ kind: 'file', item: item.text, index: item.index, message });
      this.#files.set(item.index, new FileList(pattern.path, item, context, settings.maxGlobs, warn));
    }
  }

  /**
   * Compiles a list. Nothing is looked up or read yet.
   *
   * @param source - a string in Exim's syntax, or an array of items
   * @throws {HostListSyntaxError} that names the item, where it stands and what was expected
   * @throws {OptionError} for a source or an option of the wrong kind
   */
  static parse(source: string | readonly string[], options?: HostListOptions): HostList {
    const settings = settingsOf(options);
    const lists = new NamedLists(
      settings.named,
      settings.timeoutMs,
      (inner, others) => new HostList(inner, settings, others),
    );
    return new HostList(source, settings, lists);
  }

  /**
   * Asks the list, and DNS, files and callbacks where an item needs them.
   *
   * It does not reject for what a peer, DNS or a file does: that is `defer`.
   *
   * @param peer - `name` makes it the client side: the host that is being delivered to
   * @throws {OptionError} for what is no peer; the reason of `signal`, where the caller aborts it
   */
  async match(peer: Peer, options?: HostMatchOptions): Promise<HostMatch> {
    assertPeer(peer);
    const { signal, use = 'other' } = options ?? {};
    signal?.throwIfAborted();
    const subject = subjectOf(peer);
    if (subject === null) return UNREADABLE_ADDRESS;
    if (this.#files.size === 0) {
      const answer = this.#atOnce(subject, use);
      if (answer.kind === 'decided') return answer.match;
    }
    return within(this.#settings.timeoutMs, signal, (inner) => {
      const { address } = subject;
      const lookups = address === null ? null : new Lookups(this.#settings.resolver, address, inner);
      return this.#inquire({ peer, subject, use, lookups, signal: inner });
    });
  }

  /**
   * Asks the list without waiting for anything.
   *
   * @returns what would have to be asked, where the answer needs it; a file that was read by an earlier {@link match} and has
   *   not changed since is at hand
   * @throws {OptionError} for what is no peer
   */
  matchSync(peer: Peer, options?: Pick<HostMatchOptions, 'use'>): HostMatch | HostMatchUnknown {
    assertPeer(peer);
    const subject = subjectOf(peer);
    if (subject === null) return UNREADABLE_ADDRESS;
    const answer = this.#atOnce(subject, options?.use ?? 'other');
    if (answer.kind === 'decided') return answer.match;
    return { result: `needs-${answer.need === 'list' ? 'callback' : answer.need}`, item: answer.item.text };
  }

  /** Warns of what the list says and perhaps does not mean. Files are not read for it. */
  lint(): readonly HostListWarning[] {
    return lintItems(this.#items);
  }

  #ask(subject: Subject, known: Known): Decided | Need {
    try {
      return evaluate(this.#steps, subject, known);
    } catch (error) {
      if (error instanceof NoOwnAddresses) return { kind: 'decided', match: undecided(error.message), stopped: true };
      throw error;
    }
  }

  /** Asks for what is needed, one thing at a time, until the list can tell. */
  async #inquire(inquiry: Inquiry): Promise<HostMatch> {
    const files = new Map<number, FileItems>();
    const lists = new Map<number, HostMatch>();
    const known: Known = {
      rule: inquiry.use,
      names: () => inquiry.lookups?.names,
      addresses: (name) => inquiry.lookups?.addresses(name),
      file: (item) => files.get(item.index),
      list: (item) => lists.get(item.index) ?? { kind: 'need', need: 'list', item },
      ownAddresses: () => this.#ownAddresses(),
    };
    for (;;) {
      const answer = this.#ask(inquiry.subject, known);
      if (answer.kind === 'decided') return answer.match;
      const { item } = answer;
      if (answer.need === 'names') await inquiry.lookups?.askNames();
      else if (answer.need === 'addresses') await inquiry.lookups?.askAddresses(answer.name);
      else if (answer.need === 'file') files.set(item.index, await this.#readFile(item, inquiry.signal));
      else lists.set(item.index, await this.#askList(item, inquiry));
    }
  }

  async #readFile(item: ListItem, signal: AbortSignal): Promise<FileItems> {
    const unreadable: FileItems = { kind: 'unreadable', reason: `${nameOf(item.pattern)} could not be read in time` };
    try {
      return await unlessAborted(signal, async () => this.#files.get(item.index)?.current() ?? unreadable);
    } catch (error) {
      if (isTimedOut(signal)) return unreadable;
      throw error;
    }
  }

  /** A list of the same resolver shares what has been looked up; any other is asked as anybody would. */
  async #askList(item: ListItem, inquiry: Inquiry): Promise<HostMatch> {
    const inner = this.#lists.get(nameOf(item.pattern));
    const { peer, use, signal } = inquiry;
    if (inner instanceof HostList && inner.#settings.resolver === this.#settings.resolver) {
      return inner.#inquire(inquiry);
    }
    return inner === undefined ? undecided('there is no such list') : inner.match(peer, { signal, use });
  }

  #atOnce(subject: Subject, rule: UnknownRule): Decided | Need {
    return this.#ask(subject, this.#atHand[rule]);
  }

  /** What is known without waiting. */
  #knownAtOnce(rule: UnknownRule): Known {
    return {
      rule,
      names: () => undefined,
      addresses: () => undefined,
      file: (item) => this.#files.get(item.index)?.unchanged(),
      list: (item, subject) => {
        const inner = this.#lists.get(nameOf(item.pattern));
        const answer = inner instanceof HostList ? inner.#atOnce(subject, rule) : undefined;
        if (answer === undefined) return { kind: 'need', need: 'callback', item };
        return answer.kind === 'need' ? { ...answer, item } : answer.match;
      },
      ownAddresses: () => this.#ownAddresses(),
    };
  }

  #ownAddresses(): readonly Address[] {
    try {
      const addresses = this.#settings.localAddresses().map((text) => readAddress(text));
      return addresses.filter((address) => address !== null);
    } catch {
      throw new NoOwnAddresses('the addresses of this machine cannot be had');
    }
  }

  #warn(warning: HostListWarning): void {
    say({ type: 'warning', warning });
    try {
      this.#settings.onWarning?.(warning);
    } catch {
      // A callback that fails must not turn a good answer into an error.
    }
  }
}

/**
 * Makes one thing of whatever an option for hosts holds.
 *
 * @throws {HostListSyntaxError} and {OptionError} as {@link HostList.parse} does
 */
export function hostMatcher(source: HostListSource, options?: HostListOptions): HostMatcher {
  if (isMatcher(source)) return source;
  if (typeof source === 'function') return predicateMatcher(source, settingsOf(options).timeoutMs);
  return HostList.parse(source, options);
}

/** One match under way, with the lists inside it. */
interface Inquiry {
  readonly peer: Peer;
  readonly subject: Subject;
  readonly use: UnknownRule;
  readonly lookups: Lookups | null;
  readonly signal: AbortSignal;
}

/** The callback for `@[]` failed. */
class NoOwnAddresses extends Error {}

const UNREADABLE_ADDRESS: HostMatch = Object.freeze(undecided("the peer's address cannot be read"));

function undecided(reason: string): HostMatch {
  return { result: 'defer', item: null, index: -1, reason, unknown: false };
}

/** What a `/file` or a `+list` names. */
function nameOf(pattern: Pattern): string {
  return pattern.kind === 'file' ? pattern.path : pattern.kind === 'list' ? pattern.name : '';
}
