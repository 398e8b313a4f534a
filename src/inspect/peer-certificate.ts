import type { X509Certificate } from 'node:crypto';
import { DistinguishedName } from './distinguished-name.js';
import { cut, harmless, printable } from './printable.js';

/** What is known of the peer's leaf certificate. Names are the peer's claims until the certificate is verified. */
export interface PeerCertificate {
  readonly subject: DistinguishedName;
  readonly issuer: DistinguishedName;
  /**
   * As OpenSSL prints them: `DNS:mx.example.com`, `IP Address:192.0.2.1`. A value with anything odd in it stays in quotes,
   * escaped as in JSON: it equals no name. To check a host name use `checkIdentity()`.
   */
  readonly subjectAltNames: readonly string[];
  /** Hexadecimal. */
  readonly serialNumber: string;
  readonly validFrom: Date;
  readonly validTo: Date;
  /** SHA-256 over the DER, upper case with colons: what to pin, where a name is not enough. */
  readonly fingerprint256: string;
  /** A copy of its own each time. */
  readonly der: Buffer;
}

/** RFC 5280 §4.1.2.2 allows twenty octets; OpenSSL takes any number. */
const MAX_SERIAL_LENGTH = 80;
const MAX_ALT_NAME_LENGTH = 1_024;
/** A stranger's certificate of 100 KiB must not make a log line of that length. */
const MAX_ALT_NAMES_IN_JSON = 50;

/** Reads a certificate once, into facts that cannot be changed. */
export function peerCertificate(certificate: X509Certificate): PeerCertificate {
  const [from, to, der] = [new Date(certificate.validFrom), new Date(certificate.validTo), certificate.raw];
  return Object.freeze({
    // Node gives no text at all for an empty name.
    subject: DistinguishedName.fromX509(certificate.subject ?? ''),
    issuer: DistinguishedName.fromX509(certificate.issuer ?? ''),
    subjectAltNames: Object.freeze(altNames(certificate.subjectAltName ?? '')),
    serialNumber: printable(certificate.serialNumber, MAX_SERIAL_LENGTH),
    fingerprint256: certificate.fingerprint256,
    get validFrom() {
      return new Date(from);
    },
    get validTo() {
      return new Date(to);
    },
    get der() {
      return Buffer.from(der);
    },
  });
}

/** For `JSON.stringify()`: no DER, names as text. */
export function certificateJson(certificate: PeerCertificate): Record<string, unknown> {
  const { der: _der, subject, issuer, subjectAltNames, ...rest } = certificate;
  const more = subjectAltNames.length - MAX_ALT_NAMES_IN_JSON;
  return {
    subject: subject.toRfc4514(),
    issuer: issuer.toRfc4514(),
    subjectAltNames: [...subjectAltNames.slice(0, MAX_ALT_NAMES_IN_JSON), ...(more > 0 ? [`... ${more} more`] : [])],
    ...rest,
  };
}

/**
 * Node puts a name that holds a comma, a quote or a control character in quotes, as JSON does (CVE-2021-44532): such quotes
 * stay whole. A text that is not made so is not read at all.
 */
function altNames(text: string): string[] {
  if (!/^(?:[^"]|"(?:[^"\\]|\\.)*")*$/s.test(text)) return [];
  return [...text.matchAll(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/gs)].map(([name]) =>
    cut(harmless(name.trim(), jsonEscape), MAX_ALT_NAME_LENGTH),
  );
}

function jsonEscape(character: string): string {
  return [...Array(character.length).keys()]
    .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
    .join('');
}
