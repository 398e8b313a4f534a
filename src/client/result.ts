import type { TlsSmtpError } from '../errors.js';
import { harmless } from '../inspect/printable.js';
import type { TlsInfo } from '../inspect/tls-info.js';
import type { Reply } from '../smtp/reply.js';

/** What became of one recipient. */
export interface RecipientResult {
  readonly address: string;
  /**
   * `deferred`: no host took or refused it for good, a later delivery may succeed. `failed`: a host refused it for good
   * (5xx). `unknown`: the reply to the final dot was lost; it may have been accepted.
   */
  readonly status: 'delivered' | 'deferred' | 'failed' | 'unknown';
  /** The last reply that it got, safe to print: control characters are `\u{1b}`. `null` where none came. */
  readonly reply: Reply | null;
}

/** One TCP connection of a delivery. None was made where `error` is a {@link MessageNotReplayableError}. */
export interface DeliveryAttempt {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly security: 'tls' | 'none';
  readonly tls: TlsInfo | null;
  /** `accepted`: for one recipient at least. `next-host`: it ended early, and `error` says why. */
  readonly outcome: 'accepted' | 'next-host' | 'deferred' | 'failed' | 'unknown';
  /** Why it ended early; `null` where it did not, and in a rejection's `result`: then the rejection is the reason. */
  readonly error: TlsSmtpError | null;
}

export interface DeliveryResult {
  /** The one word for all recipients; `partial` where they differ. */
  readonly status: 'delivered' | 'partial' | 'deferred' | 'failed' | 'unknown';
  /** One for each of `envelope.to`, in its order, also where an address stands there twice. */
  readonly recipients: readonly RecipientResult[];
  readonly attempts: readonly DeliveryAttempt[];
}

/** Before anything is known of it. */
export function untried(address: string): RecipientResult {
  return { address, status: 'deferred', reply: null };
}

/** A reply to a recipient or to the message, as that recipient's fate. */
export function recipientResult(address: string, reply: Reply): RecipientResult {
  const status = reply.code < 300 ? 'delivered' : reply.code < 500 ? 'deferred' : 'failed';
  return { address, status, reply: harmlessReply(reply) };
}

/** A server's words as they are handed on: in results and errors, which are logged and printed. */
export function harmlessReply(reply: Reply): Reply {
  return { ...reply, lines: reply.lines.map((line) => harmless(line)) };
}

/**
 * @param before - all recipients
 * @param news - what an attempt made of those that were deferred, in their order; where it learned nothing, the earlier
 *   reply stays
 */
export function merged(before: readonly RecipientResult[], news: readonly RecipientResult[]): RecipientResult[] {
  const learned = news.values();
  return before.map((one) => {
    if (one.status !== 'deferred') return one;
    const now: RecipientResult | undefined = learned.next().value;
    return now === undefined || (now.status === 'deferred' && now.reply === null) ? one : now;
  });
}

/** The one word for all recipients; `partial` where they differ. */
export function statusOf(recipients: readonly RecipientResult[]): DeliveryResult['status'] {
  const words = new Set(recipients.map((one) => one.status));
  const [only] = words;
  return words.size === 1 && only !== undefined ? only : 'partial';
}

/** The one word for an attempt. @param results - of the recipients that it was made for, as far as it came */
export function outcomeOf(results: readonly RecipientResult[], error: TlsSmtpError | null): DeliveryAttempt['outcome'] {
  const has = (status: RecipientResult['status']): boolean => results.some((one) => one.status === status);
  if (has('delivered')) return 'accepted';
  if (has('unknown')) return 'unknown';
  if (error !== null) return 'next-host';
  return has('failed') && !has('deferred') ? 'failed' : 'deferred';
}
