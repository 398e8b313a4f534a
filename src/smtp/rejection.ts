import { OptionError } from '../errors.js';
import { assertReply, type Reply } from './reply.js';

/**
 * What a handler throws to refuse: the reply is sent to the client as it stands. It is a decision, not a failure, and
 * so no `TlsSmtpError`.
 */
export class SmtpRejection extends Error {
  readonly reply: Reply;

  /**
   * @param reply - a refusal: its code is from 400 to 599. 421 also ends the session (RFC 5321 §3.8).
   * @throws {OptionError} where code, enhanced code or lines could not stand in a refusal
   */
  constructor(reply: Reply) {
    assertReply(reply);
    const { code, enhanced, lines } = reply;
    if (!Number.isInteger(code) || code < 400 || code > 599) {
      throw wrong(`takes a code from 400 to 599, not ${code}`);
    }
    if (enhanced !== undefined && !(isEnhancedCode(enhanced) && enhanced[0] === String(code)[0])) {
      throw wrong(`takes an enhanced code that fits ${code}: for instance '${code < 500 ? 4 : 5}.7.1'`);
    }
    if (lines.length === 0) throw wrong('takes a text');
    super(`${code} ${enhanced ?? ''} ${lines.join(' / ')}`);
    this.name = 'SmtpRejection';
    this.reply = Object.freeze({ code, ...(enhanced !== undefined && { enhanced }), lines: Object.freeze([...lines]) });
  }
}

/**
 * Makes a refusal for a handler to throw: `throw reject(550, '5.7.1', 'no relaying')`.
 *
 * @param code - 400 to 599; 421 also ends the session
 * @param enhanced - its first digit is that of `code` (RFC 3463 §2), `5.7.1`
 * @param text - one line; what is not printable ASCII is replaced when it is sent
 * @throws {OptionError} where code, enhanced code or text could not stand in a refusal
 */
export function reject(code: number, enhanced: string, text: string): SmtpRejection {
  return new SmtpRejection({ code, enhanced, lines: [text] });
}

function wrong(problem: string): OptionError {
  return new OptionError('reject()', problem);
}

function isEnhancedCode(text: unknown): text is string {
  return typeof text === 'string' && /^[45]\.\d{1,3}\.\d{1,3}$/.test(text);
}
