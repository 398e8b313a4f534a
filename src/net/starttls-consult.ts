import { inTime, isThenable } from '../callback-answer.js';
import type { TlsSmtpError } from '../errors.js';
import type { Eventual } from '../eventual.js';
import { fixedReply, type Reply } from '../smtp/reply.js';
import { refusal, returnedRefusal, WORDS, type Words } from './handler-answer.js';
import { HandlerTimeoutError } from './starttls-errors.js';

const HANDLER = 'onStartTls';

/** Whether a client may have TLS is a matter of policy (RFC 3463 §3.8). */
const TLS_WORDS: Words = { ...WORDS, problem: fixedReply(451, '4.7.1', 'Local problem, try again later') };

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
  const refused = (thrown: unknown): Reply => refusal(HANDLER, thrown, failed, TLS_WORDS);
  const said = (value: unknown): Reply | null => returnedRefusal(HANDLER, value, failed, TLS_WORDS);
  let answer: unknown;
  try {
    answer = call();
    if (!isThenable(answer)) return said(answer);
  } catch (thrown) {
    return refused(thrown);
  }
  let late: HandlerTimeoutError | null = null;
  const tooLate = (): HandlerTimeoutError => (late = new HandlerTimeoutError(HANDLER, timeoutMs));
  return inTime(answer, timeoutMs, tooLate)
    .then(said)
    .catch((thrown: unknown) => {
      if (late === null || thrown !== late) return refused(thrown);
      failed(late);
      return TLS_WORDS.problem;
    });
}
