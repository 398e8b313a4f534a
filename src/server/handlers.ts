import { isThenable } from '../callback-answer.js';
import type { TlsSmtpError } from '../errors.js';
import type { Eventual } from '../eventual.js';
import type { TlsInfo } from '../inspect/tls-info.js';
import { refusal, returnedRefusal, WORDS, type Words } from '../net/handler-answer.js';
import type { MailAddress } from '../smtp/path.js';
import type { Reply } from '../smtp/reply.js';
import type { AuthRequest } from './auth-request.js';
import type { SmtpSession } from './conversation.js';
import type { IncomingMessage } from './message.js';
import { replies } from './replies.js';

/**
 * What the application decides. Each may be sync or async, and refuses by throwing `reject(...)`: its reply is sent as
 * it stands. Anything else that is thrown is a 451 and a `warning` event, and its text is never sent. An error that is
 * returned counts as thrown, and `false` refuses with 550 5.7.1 (`onConnect`: 554): a slip must not be an acceptance.
 */
export interface Handlers {
  /** Before the banner, and before the handshake of TLS-on-connect: a refusal there closes without a byte. */
  onConnect?(session: SmtpSession): unknown;
  /** Before a STARTTLS is accepted. */
  onStartTls?(session: SmtpSession): unknown;
  /** After each handshake. A refusal is said in place of the banner, or to the next command, and ends the session. */
  onSecure?(tls: TlsInfo, session: SmtpSession): unknown;
  onHelo?(name: string, session: SmtpSession): unknown;
  /**
   * Judges a password, or the certificate of an EXTERNAL, and returns `{ user }`: who the client is. `undefined`, `null` or
   * `false` refuses with 535 5.7.8. Without this handler AUTH is not offered.
   */
  onAuth?(auth: AuthRequest, session: SmtpSession): unknown;
  onMailFrom?(address: MailAddress, session: SmtpSession): unknown;
  onRcptTo?(address: MailAddress, session: SmtpSession): unknown;
  /** Called when DATA begins, or the first BDAT. The 250 goes out when it has resolved and the data has ended; a string is its text. */
  onMessage?(message: IncomingMessage, session: SmtpSession): unknown;
  /** The connection is over; `reason` says why in words. */
  onClose?(session: SmtpSession, reason: string): unknown;
}

/** Each handler, or `undefined`. */
export type SettledHandlers = { readonly [Name in keyof Handlers]-?: Handlers[Name] | undefined };

export const HANDLER_NAMES: readonly (keyof Handlers)[] = [
  'onConnect',
  'onStartTls',
  'onSecure',
  'onHelo',
  'onAuth',
  'onMailFrom',
  'onRcptTo',
  'onMessage',
  'onClose',
];

/** An object of a fixed shape: one without prototype is looked up slowly, at each command. */
export function settledHandlers({
  onConnect,
  onStartTls,
  onSecure,
  onHelo,
  onAuth,
  onMailFrom,
  onRcptTo,
  onMessage,
  onClose,
}: Handlers): SettledHandlers {
  return Object.freeze({ onConnect, onStartTls, onSecure, onHelo, onAuth, onMailFrom, onRcptTo, onMessage, onClose });
}

/** In place of a greeting (RFC 5321 §3.1). */
const GREETING_WORDS: Words = { ...WORDS, denied: replies.forbidden };

/**
 * Runs a handler. Where it answers at once, so does this: a promise is returned only where the handler returned one.
 *
 * @param accepted - makes the reply from what the handler returned, where that is not {@link returnedRefusal}
 * @param report - gets what the handler threw, where that is no refusal
 */
export function consult(
  handler: string,
  call: () => unknown,
  accepted: (value: unknown) => Reply,
  report: (error: TlsSmtpError) => void,
): Eventual<Reply> {
  try {
    const value = call();
    const words = handler === 'onConnect' ? GREETING_WORDS : WORDS;
    if (!isThenable(value)) return returnedRefusal(handler, value, report, words) ?? accepted(value);
    return Promise.resolve(value).then(
      (answer) => returnedRefusal(handler, answer, report, words) ?? accepted(answer),
      (thrown: unknown) => refusal(handler, thrown, report),
    );
  } catch (thrown) {
    return refusal(handler, thrown, report);
  }
}
