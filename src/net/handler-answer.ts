import type { TlsSmtpError } from '../errors.js';
import { DENIED } from '../policy/acl.js';
import { SmtpRejection } from '../smtp/rejection.js';
import { fixedReply, type Reply } from '../smtp/reply.js';
import { HandlerFailedError, HandlerTimeoutError } from './starttls-errors.js';

const PROBLEM = 'Local problem, try again later';
const LOCAL_PROBLEM = fixedReply(451, '4.3.0', PROBLEM);
/** Whether a client may have TLS is a matter of policy (RFC 3463 §3.8). */
const NO_TLS_NOW = fixedReply(451, '4.7.1', PROBLEM);

/**
 * What is said where a handler of the application threw: a rejection's own reply, or a 451 and never its text.
 *
 * @param handler - its name
 * @param failed - gets what is no refusal
 */
export function refusal(handler: string, thrown: unknown, failed: (error: TlsSmtpError) => void): Reply {
  if (thrown instanceof SmtpRejection) return thrown.reply;
  failed(thrown instanceof HandlerTimeoutError ? thrown : new HandlerFailedError(handler, thrown));
  return handler === 'onStartTls' ? NO_TLS_NOW : LOCAL_PROBLEM;
}

/**
 * `return reject(...)` in place of `throw`, `return new Error(...)` as one hands it to a callback elsewhere, and a test such
 * as `known.has(address)` whose answer is no: whoever writes that does not mean to accept.
 *
 * @param denied - what `false` says
 * @returns `null`: it is no refusal
 */
export function returnedRefusal(
  handler: string,
  value: unknown,
  failed: (error: TlsSmtpError) => void,
  denied: Reply = DENIED,
): Reply | null {
  if (value === undefined) return null;
  if (value === false) return denied;
  return value instanceof Error ? refusal(handler, value, failed) : null;
}
