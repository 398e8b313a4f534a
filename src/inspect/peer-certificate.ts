import type { X509Certificate } from 'node:crypto';
import { DistinguishedName } from './distinguished-name.js';

/** What is known of the peer's leaf certificate. Names are the peer's claims until the certificate is verified. */
export interface PeerCertificate {
  readonly subject: DistinguishedName;
  readonly issuer: DistinguishedName;
  /** As OpenSSL prints them: `DNS:mx.example.com`, `IP Address:192.0.2.1`. */
  readonly subjectAltNames: readonly string[];
  /** Hexadecimal. */
  readonly serialNumber: string;
  readonly validFrom: Date;
  readonly validTo: Date;
  /** SHA-256 over the DER, upper case with colons: what to pin, where a name is not enough. */
  readonly fingerprint256: string;
  readonly der: Buffer;
}

export function peerCertificate(certificate: X509Certificate): PeerCertificate {
  return Object.freeze({
    subject: DistinguishedName.fromX509(certificate.subject ?? ''),
    issuer: DistinguishedName.fromX509(certificate.issuer ?? ''),
    subjectAltNames: Object.freeze(splitAltNames(certificate.subjectAltName ?? '')),
    serialNumber: certificate.serialNumber,
    validFrom: new Date(certificate.validFrom),
    validTo: new Date(certificate.validTo),
    fingerprint256: certificate.fingerprint256,
    der: certificate.raw,
  });
}

/** Node quotes a name that holds a comma or a control character as JSON does (CVE-2021-44532): such quotes stay whole. */
function splitAltNames(text: string): string[] {
  return [...text.matchAll(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g)].map((match) => match[0].trim());
}
