import { checkedOptions, oneOf } from '../options.js';
import { printable } from './printable.js';

/** How TLS is told: RFC 8314's `tls` clause, or the comment of Exim 4.30, `(TLSv1.3:TLS_AES_256_GCM_SHA384:256)`. */
export type ReceivedStyle = 'rfc8314' | 'exim';

export interface ReceivedOptions {
  /** Default `rfc8314`. */
  readonly style?: ReceivedStyle;
}

/** What a `Received:` header tells of a handshake. */
export interface ReceivedTls {
  readonly cipher: string;
  readonly cipherStandardName: string;
  readonly keyExchangeGroup?: string;
}

/** How a message came in; each word of RFC 3848 is made of these. */
export interface Transmission {
  /** EHLO, not HELO. */
  readonly esmtp: boolean;
  readonly tls: boolean;
  readonly authenticated: boolean;
  /** SMTPUTF8 was asked for. */
  readonly utf8: boolean;
}

/** What a `Received:` header tells of one arrival. Everything but `hostname`, `id` and `date` is the peer's word. */
export interface Reception {
  readonly heloName: string;
  readonly peerAddress?: string;
  readonly hostname: string;
  readonly transmissionType: string;
  readonly tls?: ReceivedTls;
  readonly id: string;
  /** Only where there is one: a header must not tell one recipient of another (RFC 5321 §7.2). */
  readonly recipient?: string;
  readonly date: Date;
}

/** The `with` keyword (RFC 3848, RFC 6531 §4.3). HELO inside TLS has none of its own and stays `SMTP`. */
export function transmissionType(session: Transmission): string {
  if (!session.esmtp) return 'SMTP';
  return `${session.utf8 ? 'UTF8SMTP' : 'ESMTP'}${session.tls ? 'S' : ''}${session.authenticated ? 'A' : ''}`;
}

/** `tls TLS_AES_256_GCM_SHA384 group X25519` (RFC 8314 §4.3); the group only where this side knows it. */
export function tlsClause(tls: ReceivedTls, style: ReceivedStyle = 'rfc8314'): string {
  if (style === 'exim') return `(${atom(tls.cipher)})`;
  const group = tls.keyExchangeGroup === undefined ? '' : ` group ${atom(tls.keyExchangeGroup)}`;
  return `tls ${atom(tls.cipherStandardName)}${group}`;
}

/**
 * A whole header, folded at its clauses, CRLF at its end (RFC 5321 §4.4).
 * No peer text can end a line, a comment or the header: it is cut to characters that stand in an atom.
 *
 * @throws {OptionError} `ERR_TLS_SMTP_OPTION` for an unknown option or style
 */
export function receivedHeader(reception: Reception, options?: ReceivedOptions): string {
  const style = readStyle(checkedOptions('', options, ['style']).style);
  const { peerAddress, tls, recipient } = reception;
  const literal =
    peerAddress === undefined ? '' : ` ([${peerAddress.includes(':') ? 'IPv6:' : ''}${atom(peerAddress)}])`;
  const told = tls === undefined ? null : tlsClause(tls, style);
  const clauses = [
    `from ${atom(reception.heloName)}${literal}`,
    `by ${atom(reception.hostname)} with ${atom(reception.transmissionType)}${told !== null && style === 'exim' ? ` ${told}` : ''}`,
    `id ${atom(reception.id)}${recipient === undefined ? '' : ` for <${atom(recipient)}>`}`,
    // RFC 5321 §4.4: additional registered clauses, of which `tls` is one, stand behind all others.
    ...(told !== null && style === 'rfc8314' ? [told] : []),
  ];
  return `Received: ${clauses.join('\r\n\t')};\r\n\t${reception.date.toUTCString().replace('GMT', '+0000')}\r\n`;
}

/** @throws {OptionError} where it is none of the two */
export function readStyle(style: ReceivedStyle | undefined): ReceivedStyle {
  return oneOf('style', style, 'rfc8314', ['rfc8314', 'exim']);
}

/** Keeps what RFC 5322 §3.2.3 allows in an atom, with the dot, the at sign and a literal's brackets and colons. */
function atom(text: string): string {
  return printable(text, 255).replace(/[^A-Za-z0-9!#$%&'*+/=?^_`{|}~.@:[\]-]/g, '_') || 'unknown';
}
