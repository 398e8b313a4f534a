import type { Intake } from './intake.js';
import type { Limits } from './limits.js';

/**
 * What a session does now. Each phase has its deadline in {@link patienceMs}.
 *
 * `opening`: onConnect is asked, nothing has been said. `upgrading`: TLS has the socket, or is about to; not a word may be
 * said on it in clear. `commands`, `authenticating` (the next line answers a 334) and an {@link Intake} (a message or a
 * chunk, whose octets go there): it reads. `waiting`: a handler is awaited; what the client sends meanwhile is not run.
 * `ending`: the last words are said.
 */
export type Phase = 'opening' | 'upgrading' | 'commands' | 'authenticating' | 'waiting' | 'ending' | Intake;

/** How long a client may take to close its side behind our last words. */
const LINGER_MS = 2_000;

type Patience = Pick<Limits, 'handlerTimeoutMs' | 'commandTimeoutMs' | 'dataTimeoutMs'>;

/** How long a session may stay in a phase without progress. */
export function patienceMs(phase: Exclude<Phase, Intake> | Pick<Intake, 'full'>, limits: Patience): number {
  // Inside a message from chunk to chunk (RFC 5321 §4.5.3.2.5), while the client is the one who is waited for.
  if (typeof phase === 'object') return phase.full ? limits.handlerTimeoutMs : limits.dataTimeoutMs;
  switch (phase) {
    case 'opening':
    case 'waiting':
      return limits.handlerTimeoutMs;
    case 'upgrading': // the handshake has a deadline of its own
      return Number.POSITIVE_INFINITY;
    case 'authenticating':
    case 'commands': // for the whole of a command, or an octet every few minutes would hold a connection for days
      return limits.commandTimeoutMs;
    case 'ending':
      return LINGER_MS;
    default:
      return phase satisfies never;
  }
}
