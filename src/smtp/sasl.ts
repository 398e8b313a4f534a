import { isUtf8 } from 'node:buffer';
import { isHarmless } from '../inspect/printable.js';

/** The mechanisms of AUTH that are spoken here: RFC 4616, what the field calls LOGIN, RFC 4422 appendix A. */
export type SaslMechanism = 'PLAIN' | 'LOGIN' | 'EXTERNAL';

/** In the order in which they are offered. */
export const SASL_MECHANISMS: readonly SaslMechanism[] = ['PLAIN', 'LOGIN', 'EXTERNAL'];

/** What a client claims. EXTERNAL has no password: the certificate speaks. */
export interface SaslClaim {
  readonly method: SaslMechanism;
  /** EXTERNAL: whom the client wants to act for; empty where the certificate is to say it. */
  readonly username: string;
  readonly password?: string;
}

/** An exchange between a challenge and its response. No state ever holds a password. */
export type SaslState =
  | { readonly awaits: 'message'; readonly method: 'PLAIN' | 'EXTERNAL' }
  | { readonly awaits: 'username' }
  | { readonly awaits: 'password'; readonly username: string };

export type SaslStep =
  /** `challenge` is in base64 already. */
  | { readonly next: 'challenge'; readonly challenge: string; readonly state: SaslState }
  | { readonly next: 'judge'; readonly claim: SaslClaim }
  /** `malformed`: it is base64, but of no message of the mechanism. `proxy`: one user wants to act as another. */
  | { readonly next: 'fail'; readonly why: 'cancelled' | 'not-base64' | 'malformed' | 'proxy' };

/** `Username:` and `Password:`, as every server of the field says them; some clients wait for these very words. */
const ASK_USERNAME = Buffer.from('Username:').toString('base64');
const ASK_PASSWORD = Buffer.from('Password:').toString('base64');

const MALFORMED: SaslStep = { next: 'fail', why: 'malformed' };

/**
 * Begins an exchange.
 *
 * @param initial - what stood behind the mechanism's name; `null` where nothing did. `=` is an empty response (RFC 4954 §4)
 */
export function beginSasl(method: SaslMechanism, initial: string | null): SaslStep {
  const state: SaslState = method === 'LOGIN' ? { awaits: 'username' } : { awaits: 'message', method };
  if (initial === null) return { next: 'challenge', challenge: method === 'LOGIN' ? ASK_USERNAME : '', state };
  return stepSasl(state, initial === '=' ? '' : initial);
}

/** One response of the client, as it stood in its line. Total: any text leads on or fails. */
export function stepSasl(state: SaslState, response: string): SaslStep {
  if (response === '*') return { next: 'fail', why: 'cancelled' }; // RFC 4954 §4
  const octets = Buffer.from(response, 'base64');
  // Node skips what is not base64; to write it again and compare refuses that, and bits that nobody would read.
  if (octets.toString('base64') !== response) return { next: 'fail', why: 'not-base64' };
  if (!isUtf8(octets)) return MALFORMED; // RFC 4616 §2
  const text = octets.toString('utf8');
  switch (state.awaits) {
    case 'username':
      if (!isName(text)) return MALFORMED;
      return { next: 'challenge', challenge: ASK_PASSWORD, state: { awaits: 'password', username: text } };
    case 'password':
      return isPassword(text) ? judge({ method: 'LOGIN', username: state.username, password: text }) : MALFORMED;
    case 'message':
      return state.method === 'PLAIN' ? plain(text) : external(text);
    default:
      return state satisfies never;
  }
}

/** `[authzid] NUL authcid NUL passwd` (RFC 4616 §2). */
function plain(message: string): SaslStep {
  const [actFor, username, password, ...more] = message.split('\0');
  if (actFor === undefined || username === undefined || password === undefined || more.length > 0) return MALFORMED;
  if (!isName(username) || !isPassword(password)) return MALFORMED;
  // Whoever judges is told one name. Nobody acts as another, so that nobody is mistaken for another.
  return actFor === '' || actFor === username
    ? judge({ method: 'PLAIN', username, password })
    : { next: 'fail', why: 'proxy' };
}

function external(actFor: string): SaslStep {
  return actFor === '' || isName(actFor) ? judge({ method: 'EXTERNAL', username: actFor }) : MALFORMED;
}

function judge(claim: SaslClaim): SaslStep {
  return { next: 'judge', claim };
}

/** No control and no other invisible character (RFC 4013 §2.3): a name is printed in logs, and is to be what it looks like. */
function isName(text: string): boolean {
  return text !== '' && isHarmless(text);
}

/** An empty one is nobody's: a directory takes it for an anonymous bind, which succeeds (RFC 4513 §5.1.2). */
function isPassword(text: string): boolean {
  return text !== '' && !text.includes('\0');
}
