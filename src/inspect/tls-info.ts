import type { X509Certificate } from 'node:crypto';
import type { CipherNameAndProtocol, TLSSocket } from 'node:tls';
import { OptionError } from '../errors.js';
import { checkedOptions, oneOf } from '../options.js';
import { peerOf } from '../peer.js';
import { bitsOf, eximCipher } from './cipher.js';
import { CipherList } from './cipher-list.js';
import { hostName } from './host-name.js';
import { checkIdentity } from './identity.js';
import { type LogSelectors, logFields } from './log-fields.js';
import { certificateJson, type PeerCertificate, peerCertificate } from './peer-certificate.js';
import { printable } from './printable.js';
import { type ReceivedOptions, readStyle, type Transmission, tlsClause, transmissionType } from './received.js';

const FLAGS = ['esmtp', 'authenticated', 'utf8'] as const;

export type ReceivedClauseOptions = ReceivedOptions & Partial<Pick<Transmission, (typeof FLAGS)[number]>>;

/** What only the one who ran the handshake knows. */
export interface HandshakeContext {
  /** By default `on-connect`, which is what a plain `tls.connect()` or `tls.Server` does. */
  readonly mode?: 'starttls' | 'on-connect';
  /**
   * Whether the leaf names whom we meant: `null`, or a code, and the certificate counts as unverified. By default a
   * client checks the name that it asked for with SNI, without one the address that it is connected to; a server checks
   * no name. `() => null` trusts every name that the authority has signed.
   */
  readonly checkIdentity?: (leaf: X509Certificate) => string | null;
}

/** One handshake, as it was when it ended: immutable, the same on server and client. */
export class TlsInfo {
  /** `TLSv1.3` */
  readonly protocol: string;
  /** Exim's `$tls_cipher`: `TLSv1.3:TLS_AES_256_GCM_SHA384:256` */
  readonly cipher: string;
  /** OpenSSL's name of the suite. */
  readonly cipherName: string;
  /** IANA's name of the suite. */
  readonly cipherStandardName: string;
  readonly bits: number;
  /** `X25519`; only a client can know it. Absent where it is not known, as all optional fields: hence `declare`. */
  declare readonly keyExchangeGroup?: string;
  /** Exim's `$tls_peerdn`, always the leaf's; empty where no certificate came. */
  readonly peerDn: string;
  readonly peerDnRfc4514: string;
  declare readonly peerCertificate?: PeerCertificate;
  readonly certificate: 'none' | 'unverified' | 'verified';
  /** Why it is not verified: `CERT_HAS_EXPIRED`. */
  declare readonly verifyError?: string;
  /** The name that the client asked for (RFC 6066 §3): a host name in lower case, without a dot at its end. */
  declare readonly sni?: string;
  declare readonly alpn?: string;
  readonly resumed: boolean;
  readonly mode: 'starttls' | 'on-connect';

  /**
   * Takes the snapshot. Call it once, when the handshake has just ended: on a client the peer's certificate can be had
   * only once (nodejs/node#65579).
   *
   * @throws {OptionError} `ERR_TLS_SMTP_OPTION` for a socket without TLS, whose handshake has not begun or that is destroyed,
   *   for an unknown option, and for a mode that is none
   */
  static from(socket: TLSSocket, context?: HandshakeContext): TlsInfo {
    return new TlsInfo(socket, context);
  }

  private constructor(socket: TLSSocket, given: HandshakeContext | undefined) {
    const context = checkedOptions<HandshakeContext>('', given, ['mode', 'checkIdentity']);
    if (typeof socket?.getCipher !== 'function') throw new OptionError('socket', 'must be a TLSSocket');
    const suite: CipherNameAndProtocol | null | undefined = socket.getCipher();
    if (suite === null || suite === undefined) throw new OptionError('socket', 'has no TLS, not yet or not any more');
    const x509 = socket.getPeerX509Certificate();
    const group = (socket.getEphemeralKeyInfo() as { readonly name?: string } | null)?.name;
    const { alpnProtocol } = socket as { alpnProtocol?: unknown };
    const asked = nameAskedFor(socket);
    const sni = asked === '' ? null : hostName(asked);
    this.protocol = socket.getProtocol() ?? 'unknown';
    this.cipherName = suite.name;
    this.cipherStandardName = suite.standardName;
    this.bits = bitsOf(suite.name);
    this.cipher = eximCipher(this.protocol, suite.name);
    if (group !== undefined && group !== '') this.keyExchangeGroup = printable(group, 64);
    this.resumed = socket.isSessionReused();
    this.mode = oneOf('mode', context.mode, 'on-connect', ['starttls', 'on-connect']);
    if (sni !== null) this.sni = sni;
    if (typeof alpnProtocol === 'string' && alpnProtocol !== '') this.alpn = printable(alpnProtocol, 255);
    if (x509 === undefined) {
      // "None" is the absence of a certificate, never an error text: a resumed session can be `authorized` without one.
      this.certificate = 'none';
      this.peerDn = '';
      this.peerDnRfc4514 = '';
    } else {
      this.peerCertificate = peerCertificate(x509);
      this.peerDn = this.peerCertificate.subject.toOneline();
      this.peerDnRfc4514 = this.peerCertificate.subject.toRfc4514();
      const error = this.resumed ? 'SESSION_RESUMED' : verifyError(socket, x509, context);
      this.certificate = error === null ? 'verified' : 'unverified';
      if (error !== null) this.verifyError = error;
    }
    Object.freeze(this);
  }

  get certificateVerified(): boolean {
    return this.certificate === 'verified';
  }

  /**
   * Exim's `encrypted` condition: whether the suite is one of these. A list that is asked often is compiled once, with
   * `CipherList.parse()`. Without TLS there is no `TlsInfo`, and the answer is false: `session.tls?.encrypted('*') ?? false`.
   *
   * @throws {CipherListSyntaxError} `ERR_TLS_SMTP_CIPHER_LIST_SYNTAX` for a list that cannot be read
   */
  encrypted(list: string | readonly string[] | CipherList): boolean {
    return (list instanceof CipherList ? list : CipherList.parse(list)).matches(this);
  }

  /**
   * For a `Received:` header: `tls TLS_AES_256_GCM_SHA384` (RFC 8314 §4.3), or `(TLSv1.3:TLS_AES_256_GCM_SHA384:256)` in
   * the style of Exim 4.30. With `esmtp` (EHLO, not HELO), `authenticated` or `utf8` given, the keyword of RFC 3848 is put
   * in front: `with ESMTPSA tls TLS_AES_256_GCM_SHA384`.
   *
   * @throws {OptionError} `ERR_TLS_SMTP_OPTION` for an unknown option or style
   */
  receivedClause(options?: ReceivedClauseOptions): string {
    const { style, esmtp, authenticated, utf8 } = checkedOptions('', options, ['style', ...FLAGS]);
    const clause = tlsClause(this, readStyle(style));
    if (esmtp === undefined && authenticated === undefined && utf8 === undefined) return clause;
    const keyword = transmissionType({
      esmtp: esmtp ?? true,
      tls: true,
      authenticated: authenticated ?? false,
      utf8: utf8 ?? false,
    });
    return `with ${keyword} ${clause}`;
  }

  /**
   * For a log line, as Exim writes it: `X=TLSv1.3:TLS_AES_256_GCM_SHA384:256 CV=yes DN="/CN=client one" SNI=mx.test`.
   *
   * @param selectors - Exim's `log_selector`, by default `+tls_cipher +tls_certificate_verified`: `'+tls_peerdn -tls_cipher'`
   *   or an array of such words
   * @throws {OptionError} `ERR_TLS_SMTP_OPTION` for a selector that is unknown
   */
  logFields(selectors?: LogSelectors): string {
    return logFields(this, selectors);
  }

  /** Plain, bounded and printable: names as text (RFC 4514), the certificate without its DER. */
  toJSON(): Record<string, unknown> {
    const { peerCertificate: leaf, ...facts } = this;
    const json = { ...facts, certificateVerified: this.certificateVerified };
    return leaf === undefined ? json : { ...json, peerCertificate: certificateJson(leaf) };
  }
}

/** Verified means: OpenSSL said so in this very handshake, and our own name check had no objection. */
function verifyError(socket: TLSSocket, leaf: X509Certificate, context: HandshakeContext): string | null {
  const given: unknown = socket.authorizationError;
  const code = given instanceof Error ? (given as NodeJS.ErrnoException).code : given;
  if (!socket.authorized) return typeof code === 'string' ? printable(code, 100) : 'NOT_REQUESTED';
  return context.checkIdentity ? context.checkIdentity(leaf) : checkDialledHost(socket, leaf);
}

/** Only a client knows whom it dialled; only a client has key information, if but an empty object. */
function checkDialledHost(socket: TLSSocket, leaf: X509Certificate): string | null {
  if (socket.getEphemeralKeyInfo() === null) return null;
  return checkIdentity(leaf, nameAskedFor(socket) || (peerOf(socket).address ?? ''));
}

/** Node says `false` where there is none. */
function nameAskedFor(socket: TLSSocket): string {
  const { servername } = socket as { servername?: unknown };
  return typeof servername === 'string' ? servername : '';
}
