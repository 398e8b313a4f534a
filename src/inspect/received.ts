import { printable } from './printable.js';

/** What a `Received:` header tells of one arrival. Everything but `hostname`, `id` and `date` is the peer's word. */
export interface Reception {
  readonly heloName: string;
  readonly peerAddress?: string;
  readonly hostname: string;
  readonly transmissionType: string;
  readonly tls?: { readonly cipherStandardName: string; readonly keyExchangeGroup?: string };
  readonly id: string;
  /** Only where there is one: a header must not tell one recipient of another (RFC 5321 §7.2). */
  readonly recipient?: string;
  readonly date: Date;
}

/** The `with` keyword (RFC 3848, RFC 6531 §4.3). HELO inside TLS has none of its own and stays `SMTP`. */
export function transmissionType(session: {
  readonly esmtp: boolean;
  readonly tls: boolean;
  readonly authenticated: boolean;
  readonly utf8: boolean;
}): string {
  if (!session.esmtp) return 'SMTP';
  return `${session.utf8 ? 'UTF8SMTP' : 'ESMTP'}${session.tls ? 'S' : ''}${session.authenticated ? 'A' : ''}`;
}

/** `tls TLS_AES_256_GCM_SHA384 group X25519` (RFC 8314 §4.3); the group only where this side knows it. */
export function tlsClause(tls: { readonly cipherStandardName: string; readonly keyExchangeGroup?: string }): string {
  const group = tls.keyExchangeGroup === undefined ? '' : ` group ${atom(tls.keyExchangeGroup)}`;
  return `tls ${atom(tls.cipherStandardName)}${group}`;
}

/**
 * A whole header, folded at its clauses, CRLF at its end (RFC 5321 §4.4).
 * No peer text can end a line, a comment or the header: it is cut to characters that stand in an atom.
 */
export function receivedHeader(reception: Reception): string {
  const { peerAddress, tls, recipient } = reception;
  const literal =
    peerAddress === undefined ? '' : ` ([${peerAddress.includes(':') ? 'IPv6:' : ''}${atom(peerAddress)}])`;
  const clauses = [
    `from ${atom(reception.heloName)}${literal}`,
    `by ${atom(reception.hostname)} with ${atom(reception.transmissionType)}`,
    ...(tls === undefined ? [] : [tlsClause(tls)]),
    `id ${atom(reception.id)}${recipient === undefined ? '' : ` for <${atom(recipient)}>`};`,
    reception.date.toUTCString().replace('GMT', '+0000'),
  ];
  return `Received: ${clauses.join('\r\n\t')}\r\n`;
}

/** Keeps what RFC 5322 §3.2.3 allows in an atom, with the dot, the at sign and a literal's brackets and colons. */
function atom(text: string): string {
  return printable(text, 255).replace(/[^A-Za-z0-9!#$%&'*+/=?^_`{|}~.@:[\]-]/g, '_') || 'unknown';
}
