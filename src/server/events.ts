import type { TlsSmtpError } from '../errors.js';
import type { Peer } from '../peer.js';
import type { SmtpSession } from './conversation.js';

/** Events, for logs and statistics; nothing of it needs an answer. A listener that throws is an `uncaughtException`. */
export interface SmtpServerEvents {
  session: [session: SmtpSession];
  /** A connection was answered 421 and closed, for want of room. It has no session, and no handler hears of it. */
  turnedAway: [peer: Peer, limit: 'maxConnections' | 'maxConnectionsPerAddress'];
  /** Each failed upgrade once, with the reason in words. */
  tlsError: [error: TlsSmtpError, session: SmtpSession];
  /**
   * For the operator. A handler that failed or did not answer comes with its error, whose `cause` is what it threw, and its
   * session. Where nobody listens, the first of each kind is a process warning.
   */
  warning: [message: string, error?: TlsSmtpError, session?: SmtpSession];
  close: [];
}
