import { inTime, isThenable } from '../callback-answer.js';
import { ForcedFailure, OptionError } from '../errors.js';
import { type ExpansionError, ExpansionFailedError, ExpansionTimeoutError } from './errors.js';
import type { ServerConnectionFacts, WatchedFacts } from './facts.js';

/**
 * A value, or a callback that is asked for it before each handshake (Exim expands its TLS options per connection).
 * `undefined` and `new ForcedFailure()` mean *as if the option were not set*; any other throw is an error.
 */
export type Expandable<T, C> = T | ((connection: C) => T | undefined | Promise<T | undefined>);

/**
 * What became of an option for one connection.
 * The tag travels with the result: no flag of an earlier expansion can be mistaken for this one's.
 */
export type Expanded =
  /** `byPeer`: a callback gave it that had looked at a name which the peer chose. */
  | { readonly kind: 'value'; readonly value: unknown; readonly byPeer: boolean }
  /** Not configured, or a forced failure: as if the option were not there. */
  | { readonly kind: 'unset' }
  | { readonly kind: 'failed'; readonly error: ExpansionError };

const UNSET: Expanded = { kind: 'unset' };

const byServerName = new WeakSet<object>();

/**
 * Marks an expansion of `certificate` or `privateKey` as one that depends on the name that the client asks for. It runs
 * before the handshake, without `sni`, for the default; and again with `sni`, when the client has named one.
 * `undefined` then means the default certificate; an error fails the handshake.
 *
 * @throws {OptionError} for what is no function
 */
export function perSni<T>(
  expansion: (facts: ServerConnectionFacts) => T | undefined | Promise<T | undefined>,
): Expandable<T, ServerConnectionFacts> {
  if (typeof expansion !== 'function') throw new OptionError('perSni()', 'takes a function');
  const marked = (facts: ServerConnectionFacts): T | undefined | Promise<T | undefined> => expansion(facts);
  byServerName.add(marked);
  return marked;
}

export function isPerSni(option: unknown): boolean {
  return typeof option === 'function' && byServerName.has(option);
}

/**
 * Expands one option. Never throws, and never takes longer than the deadline; what comes later is ignored.
 *
 * @param option - its name with path, for errors
 */
export function expand(
  option: string,
  given: unknown,
  connection: WatchedFacts,
  timeoutMs: number,
): Expanded | Promise<Expanded> {
  if (typeof given !== 'function') return given === undefined ? UNSET : { kind: 'value', value: given, byPeer: false };
  try {
    const answer: unknown = given(connection.facts);
    if (!isThenable(answer)) return tagged(answer, connection);
    return inTime(answer, timeoutMs, () => new ExpansionTimeoutError(option, timeoutMs)).then(
      (value) => tagged(value, connection),
      (thrown: unknown) => failed(option, thrown),
    );
  } catch (thrown) {
    return failed(option, thrown);
  }
}

function tagged(value: unknown, connection: WatchedFacts): Expanded {
  return value === undefined ? UNSET : { kind: 'value', value, byPeer: connection.looked };
}

function failed(option: string, thrown: unknown): Expanded {
  if (thrown instanceof ForcedFailure) return UNSET;
  if (thrown instanceof ExpansionTimeoutError) return { kind: 'failed', error: thrown };
  return { kind: 'failed', error: new ExpansionFailedError(option, thrown) };
}
