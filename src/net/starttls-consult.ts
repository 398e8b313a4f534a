import { inTime, isThenable } from '../callback-answer.js';
import type { TlsSmtpError } from '../errors.js';
import type { Eventual } from '../eventual.js';
import { DENIED } from '../policy/acl.js';
import { SmtpRejection } from '../smtp/rejection.js';
import { fixedReply, type Reply } from '../smtp/reply.js';
import { HandlerFailedError, HandlerTimeoutError } from './starttls-errors.js';

const LOCAL_PROBLEM = fixedReply(451, '4.7.1', 'Local problem, try again later');

/**
 * Asks the application whether this client may have TLS. Whatever it throws, the answer is a reply and never its text.
 *
 * @param failed - told where it failed or was too slow
 * @returns the reply that refuses, or `null`: go on
 */
export function askApplication(
  call: () => unknown,
  timeoutMs: number,
  failed: (error: TlsSmtpError) => void,
): Eventual<Reply | null> {
  const refusal = (thrown: unknown): Reply => {
    if (thrown instanceof SmtpRejection) return thrown.reply;
    failed(thrown instanceof HandlerTimeoutError ? thrown : new HandlerFailedError('onStartTls', thrown));
    return LOCAL_PROBLEM;
  };
  try {
    const answer = call();
    if (!isThenable(answer)) return refusalIn(answer);
    const late = (): HandlerTimeoutError => new HandlerTimeoutError('onStartTls', timeoutMs);
    return inTime(answer, timeoutMs, late).then(refusalIn).catch(refusal);
  } catch (thrown) {
    return refusal(thrown);
  }
}

/** @throws an error that was returned: `return reject(...)` is meant as a refusal */
function refusalIn(answer: unknown): Reply | null {
  if (answer instanceof Error) throw answer;
  return answer === false ? DENIED : null;
}
