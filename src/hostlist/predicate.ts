import { ForcedFailure } from '../errors.js';
import { assertPeer, type Peer } from '../peer.js';
import type { HostMatch } from './host-match.js';
import { isTimedOut, unlessAborted, within } from './names.js';
import type { HostMatcher, HostPredicate } from './options.js';

/** Puts a callback in the place of a list. */
export function predicateMatcher(predicate: HostPredicate, timeoutMs: number): HostMatcher {
  return { match: (peer, options) => askPredicate(predicate, peer, timeoutMs, options?.signal) };
}

/**
 * Asks a callback. It is undecided (`defer`) where it throws, gives no boolean or takes longer than `timeoutMs`; only a
 * `ForcedFailure` means that the option is not set.
 *
 * @throws {OptionError} for what is no peer; the reason of `signal`, where the caller aborts it
 */
async function askPredicate(
  predicate: HostPredicate,
  peer: Peer,
  timeoutMs: number,
  outer: AbortSignal | undefined,
): Promise<HostMatch> {
  assertPeer(peer);
  return within(timeoutMs, outer, async (signal) => {
    try {
      const said: unknown = await unlessAborted(signal, async () => predicate(peer));
      if (typeof said !== 'boolean') return told('defer', 'the callback gave neither true nor false');
      return told(said ? 'yes' : 'no', `the callback says ${said ? 'yes' : 'no'}`);
    } catch (error) {
      if (isTimedOut(signal)) return told('defer', `the callback took longer than ${timeoutMs} ms`);
      if (signal.aborted) throw signal.reason;
      if (error instanceof ForcedFailure) return { ...told('no', 'the callback leaves the option unset'), unset: true };
      return told('defer', 'the callback failed');
    }
  });
}

function told(result: HostMatch['result'], reason: string): HostMatch {
  return { result, item: null, index: -1, reason, unknown: false };
}
