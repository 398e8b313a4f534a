import type { TlsSmtpError } from '../errors.js';
import type { TlsInfo } from '../inspect/tls-info.js';
import type { Reply } from '../smtp/reply.js';

/** What became of one recipient. `unknown`: the reply to the final dot was lost; it may have been accepted. */
export interface RecipientResult {
  readonly address: string;
  readonly status: 'delivered' | 'deferred' | 'failed' | 'unknown';
  readonly reply: Reply | null;
}

/** One TCP connection of a delivery. */
export interface DeliveryAttempt {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly security: 'tls' | 'none';
  readonly tls: TlsInfo | null;
  readonly outcome: 'accepted' | 'next-host' | 'deferred' | 'failed' | 'unknown';
  readonly error: TlsSmtpError | null;
}

export interface DeliveryResult {
  readonly status: 'delivered' | 'partial' | 'deferred' | 'failed' | 'unknown';
  readonly recipients: readonly RecipientResult[];
  readonly attempts: readonly DeliveryAttempt[];
}

/** The one word for all recipients; `partial` where they differ. */
export function statusOf(recipients: readonly RecipientResult[]): DeliveryResult['status'] {
  const words = new Set(recipients.map((one) => one.status));
  const [only] = words;
  return words.size === 1 && only !== undefined ? only : 'partial';
}

/** A reply to a recipient or to the message, as that recipient's fate. */
export function recipientResult(address: string, reply: Reply): RecipientResult {
  const status = reply.code < 300 ? 'delivered' : reply.code < 500 ? 'deferred' : 'failed';
  return { address, status, reply };
}
