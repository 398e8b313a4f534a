import { inTime, isThenable } from '../callback-answer.js';
import type { TlsSmtpError } from '../errors.js';
import type { Eventual } from '../eventual.js';
import type { Reply } from '../smtp/reply.js';
import { refusal, returnedRefusal } from './handler-answer.js';
import { HandlerTimeoutError } from './starttls-errors.js';

const HANDLER = 'onStartTls';

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
  try {
    const answer = call();
    if (!isThenable(answer)) return returnedRefusal(HANDLER, answer, failed);
    return inTime(answer, timeoutMs, () => new HandlerTimeoutError(HANDLER, timeoutMs)).then(
      (value) => returnedRefusal(HANDLER, value, failed),
      (thrown: unknown) => refusal(HANDLER, thrown, failed),
    );
  } catch (thrown) {
    return refusal(HANDLER, thrown, failed);
  }
}
