import { isAscii, type MailAddress, NO_PARAMETERS } from '../smtp/path.js';
import { fixedReply, type Reply } from '../smtp/reply.js';
import type { AuthSettings } from './auth.js';
import type { Conversation } from './conversation.js';
import type { Limits } from './limits.js';
import { replies } from './replies.js';

/** What the parameters are judged by. */
interface MailRules {
  readonly limits: Limits;
  readonly hidden: ReadonlySet<string>;
  readonly auth: AuthSettings | null;
  readonly conversation: Conversation;
}

const BAD_SIZE = fixedReply(501, '5.5.4', 'SIZE needs a number of octets');
const BAD_BODY = fixedReply(501, '5.5.4', 'BODY is 7BIT or 8BITMIME');
const BAD_AUTH = fixedReply(501, '5.5.4', 'AUTH needs a mailbox as xtext, or <>');
const NO_VALUE = fixedReply(501, '5.5.4', 'SMTPUTF8 takes no value');

/** RFC 3461 §4: `=`, `+` and what cannot be printed stand as `+3D`. */
const XTEXT = /^(?:[!-*,-<>-~]|\+[0-9A-F]{2})+$/;

/**
 * Judges the parameters of MAIL. One of an extension that is not offered is not accepted either (RFC 5321 §4.1.1.11).
 *
 * @returns the reply that refuses; `null` where all may stand
 */
export function badMailParameter(
  { address, parameters }: MailAddress,
  { limits, hidden, auth, conversation }: MailRules,
): Reply | null {
  const utf8 = parameters['SMTPUTF8'] !== undefined;
  if (!utf8 && !isAscii(address)) return replies.asciiOnly; // RFC 6531 §3.5
  if (parameters === NO_PARAMETERS) return null;
  for (const keyword in parameters) {
    const value = parameters[keyword];
    if (keyword === 'SIZE' && !hidden.has('SIZE')) {
      if (typeof value !== 'string' || !/^\d{1,20}$/.test(value)) return BAD_SIZE; // RFC 1870 §5
      if (Number(value) > limits.maxMessageBytes) return replies.tooLarge; // RFC 1870 §6.1
    } else if (keyword === 'BODY' && !hidden.has('8BITMIME')) {
      if (typeof value !== 'string' || !/^(7BIT|8BITMIME)$/i.test(value)) return BAD_BODY; // RFC 6152 §2
    } else if (keyword === 'SMTPUTF8' && conversation.esmtp && !hidden.has('SMTPUTF8')) {
      if (value !== true) return NO_VALUE; // RFC 6531 §3.4
    } else if (keyword === 'AUTH' && conversation.esmtp && auth !== null) {
      if (typeof value !== 'string' || !(value === '<>' || XTEXT.test(value))) return BAD_AUTH; // RFC 4954 §5
    } else return replies.unknownParameter;
  }
  return null;
}

/**
 * Whom a client names as the author is believed of one that has authenticated; of others the server MUST behave as if
 * `AUTH=<>` had been said (RFC 4954 §5).
 */
export function withTrustedAuthor(address: MailAddress, user: string | null): MailAddress {
  const { parameters } = address;
  if (user !== null || parameters['AUTH'] === undefined) return address;
  return { ...address, parameters: Object.freeze(Object.assign(Object.create(null), parameters, { AUTH: '<>' })) };
}
