import type { Reply } from './reply.js';

/**
 * What a handler throws to refuse: the reply is sent to the client as it stands. It is a decision, not a failure, and
 * so no `TlsSmtpError`.
 */
export class SmtpRejection extends Error {
  readonly reply: Reply;

  constructor(reply: Reply) {
    super(`${reply.code} ${reply.enhanced ?? ''} ${reply.lines.join(' / ')}`);
    this.name = 'SmtpRejection';
    this.reply = reply;
  }
}

/**
 * Makes a refusal for a handler to throw: `throw reject(550, '5.7.1', 'no relaying')`.
 *
 * @param code - 400 to 599
 * @param enhanced - its first digit is that of `code` (RFC 3463 §2), `5.7.1`
 * @param text - one line; what is not printable ASCII is replaced when it is sent
 * @throws {RangeError} where code or enhanced code could not stand in a refusal
 */
export function reject(code: number, enhanced: string, text: string): SmtpRejection {
  if (!Number.isInteger(code) || code < 400 || code > 599) {
    throw new RangeError(`reject(): code is ${code}, a refusal has one from 400 to 599`);
  }
  if (!/^[45]\.\d{1,3}\.\d{1,3}$/.test(enhanced) || enhanced[0] !== String(code)[0]) {
    throw new RangeError(
      `reject(): enhanced code '${enhanced}' does not fit ${code}; for instance '${code < 500 ? 4 : 5}.7.1'`,
    );
  }
  return new SmtpRejection({ code, enhanced, lines: [text] });
}
