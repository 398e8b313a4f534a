import type { TlsSmtpError } from '../errors.js';
import { DENIED } from '../policy/acl.js';
import { SmtpRejection } from '../smtp/rejection.js';
import { fixedReply, type Reply } from '../smtp/reply.js';
import { HandlerFailedError } from './starttls-errors.js';

/** What is said where a handler of the application has no words of its own. */
export interface Words {
  /** It said no. */
  readonly denied: Reply;
  /** It failed. */
  readonly problem: Reply;
}

export const WORDS: Words = {
  denied: DENIED,
  problem: fixedReply(451, '4.3.0', 'Local problem, try again later'),
};

/**
 * What is said where a handler threw: a rejection's own reply, or that there is a problem and never its text.
 *
 * @param handler - its name
 * @param failed - gets what is no refusal
 */
export function refusal(
  handler: string,
  thrown: unknown,
  failed: (error: TlsSmtpError) => void,
  { problem }: Words = WORDS,
): Reply {
  if (thrown instanceof SmtpRejection) return thrown.reply;
  failed(new HandlerFailedError(handler, thrown));
  return problem;
}

/**
 * What is said where a handler returned something that cannot mean yes: `return reject(...)` in place of `throw`, `return new
 * Error(...)` as one hands it to a callback elsewhere, and a test such as `known.has(address)` whose answer is no.
 *
 * @returns `null`: it is no refusal
 */
export function returnedRefusal(
  handler: string,
  value: unknown,
  failed: (error: TlsSmtpError) => void,
  words: Words = WORDS,
): Reply | null {
  if (value === undefined) return null; // most say nothing
  if (value === false) return words.denied;
  return value instanceof Error ? refusal(handler, value, failed, words) : null;
}
