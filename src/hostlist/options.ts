import { hostname, networkInterfaces } from 'node:os';
import { OptionError } from '../errors.js';
import { checkedOptions, wholeNumber } from '../options.js';
import type { Peer } from '../peer.js';
import type { HostMatch } from './host-match.js';
import { hostName } from './host-name.js';
import type { UnknownRule } from './item-index.js';
import type { HostListWarning } from './lint.js';
import { dnsResolver, type HostResolver } from './names.js';

/** A callback in place of a list. */
export type HostPredicate = (peer: Peer) => boolean | Promise<boolean>;

/** What is accepted wherever a host list is: Exim's syntax, an array of items, a list that is compiled already, a callback. */
export type HostListSource = string | readonly string[] | HostMatcher | HostPredicate;

export interface HostListOptions {
  /** The lists that `+name` means. Those that are named are compiled with these same options. */
  readonly named?: Readonly<Record<string, HostListSource>>;
  /** Default: the system's name servers, through node:dns. */
  readonly resolver?: HostResolver;
  /** What `@` means; default: the name of this machine. */
  readonly primaryHostname?: string;
  /** What `@[]` means; default: the addresses of the interfaces. It is asked when such an item is reached. */
  readonly localAddresses?: () => readonly string[];
  /** How many globs and regular expressions a list and each of its files may have; default 1,000. */
  readonly maxGlobs?: number;
  /** How long a match may wait for DNS, files and callbacks together; default 5,000. Then it is undecided. */
  readonly timeoutMs?: number;
  /** Told when a file that was read once goes bad. The same goes to the channel `tls-smtp:hostlist`. */
  readonly onWarning?: (warning: HostListWarning) => void;
}

export interface HostMatchOptions {
  /** Aborted: the match rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** `require` for lists of those who must do something: what cannot be decided for lack of a name is skipped. */
  readonly use?: UnknownRule;
}

/** What stands behind any option that takes hosts. */
export interface HostMatcher {
  match(peer: Peer, options?: HostMatchOptions): Promise<HostMatch>;
}

/** Whether it is a compiled list, or something that answers like one. */
export function isMatcher(source: HostListSource): source is HostMatcher {
  return typeof source === 'object' && source !== null && 'match' in source && typeof source.match === 'function';
}

/** The options with their defaults. */
export type Settings = Required<Omit<HostListOptions, 'onWarning'>> & Pick<HostListOptions, 'onWarning'>;

const OPTIONS = [
  'named',
  'resolver',
  'primaryHostname',
  'localAddresses',
  'maxGlobs',
  'timeoutMs',
  'onWarning',
] as const;

/** One for all lists: lists of one resolver share what they have looked up. */
const SYSTEM_RESOLVER = dnsResolver();

/** @throws {OptionError} for an option that is unknown or of the wrong kind */
export function settingsOf(options: HostListOptions | undefined): Settings {
  const given = checkedOptions<HostListOptions>('', options, OPTIONS);
  const {
    named = {},
    resolver = SYSTEM_RESOLVER,
    primaryHostname = hostname(),
    localAddresses = interfaceAddresses,
  } = given;
  if (typeof named !== 'object' || named === null) throw new OptionError('named', 'must be an object of host lists');
  if (typeof resolver?.reverse !== 'function' || typeof resolver.forward !== 'function') {
    throw new OptionError('resolver', 'must have the methods reverse and forward');
  }
  if (
    given.primaryHostname !== undefined &&
    (typeof primaryHostname !== 'string' || hostName(primaryHostname) === null)
  ) {
    throw new OptionError('primaryHostname', 'must be a host name');
  }
  if (typeof localAddresses !== 'function') throw new OptionError('localAddresses', 'must be a function');
  if (given.onWarning !== undefined && typeof given.onWarning !== 'function') {
    throw new OptionError('onWarning', 'must be a function');
  }
  return {
    named,
    resolver,
    primaryHostname,
    localAddresses,
    maxGlobs: wholeNumber('maxGlobs', given.maxGlobs, 1_000, 0, 100_000),
    timeoutMs: wholeNumber('timeoutMs', given.timeoutMs, 5_000, 1, 600_000),
    ...(given.onWarning !== undefined && { onWarning: given.onWarning }),
  };
}

function interfaceAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
}
