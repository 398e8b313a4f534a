import { inTime, isThenable } from '../callback-answer.js';
import type { TlsSmtpError } from '../errors.js';
import { SmtpRejection } from '../smtp/rejection.js';
import { fixedReply, type Reply } from '../smtp/reply.js';
import { HandlerFailedError, HandlerTimeoutError } from './starttls-errors.js';

const PROHIBITED = fixedReply(550, '5.7.1', 'Administrative prohibition');
const LOCAL_PROBLEM = fixedReply(451, '4.7.1', 'Local problem, try again later');

/**
 * Asks the application whether this client may have TLS. Whatever it throws, the answer is a reply and never its text.
 *
 * @param failed - told where it failed or was too slow
 * @returns the reply that refuses, or `null`: go on
 */
export async function askApplication(
  call: () => unknown,
  timeoutMs: number,
  failed: (error: TlsSmtpError) => void,
): Promise<Reply | null> {
  try {
    const given = call();
    const late = (): HandlerTimeoutError => new HandlerTimeoutError('onStartTls', timeoutMs);
    const answer = isThenable(given) ? await inTime(given, timeoutMs, late) : given;
    if (answer instanceof Error) throw answer; // `return reject(...)` is meant as a refusal
    return answer === false ? PROHIBITED : null;
  } catch (thrown) {
    if (thrown instanceof SmtpRejection) return thrown.reply;
    failed(thrown instanceof HandlerTimeoutError ? thrown : new HandlerFailedError('onStartTls', thrown));
    return LOCAL_PROBLEM;
  }
}
