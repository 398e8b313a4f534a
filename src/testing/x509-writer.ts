import { createHash, type KeyObject, sign } from 'node:crypto';
import type { AlgorithmIdentifier, Extension, GeneralName, Name, SubjectPublicKeyInfo } from '@peculiar/asn1-x509';
import type { Asn1 } from './asn1.js';
import type { AltName } from './leaf-plan.js';

/** Who signs. Its certificate is not needed: name and key are what a verifier goes by. */
export interface Issuer {
  readonly commonName: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** What a certificate says; times are written in whole seconds, rounded down. */
export interface CertificateContent {
  /** 1 to 20 octets, the first from 0x01 to 0x7f: RFC 5280 §4.1.2.2 wants it positive. */
  readonly serial: Uint8Array;
  readonly commonName: string;
  readonly publicKey: KeyObject;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly kind: 'authority' | 'server' | 'client';
  readonly altNames: readonly AltName[];
}

/** What a revocation list says. */
export interface CrlContent {
  /** Grows from list to list, RFC 5280 §5.2.3. */
  readonly number: number;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly revoked: readonly RevokedEntry[];
}

export interface RevokedEntry {
  readonly serial: Uint8Array;
  readonly revokedAt: Date;
}

const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
const SHA256_WITH_RSA = '1.2.840.113549.1.1.11';
const COMMON_NAME = '2.5.4.3';
const DER_NULL: Uint8Array = Uint8Array.of(5, 0);
const KEY_IDENTIFIER_OCTETS = 20;

/**
 * Writes a version 3 certificate, signed with SHA-256 by the issuer's EC or RSA key.
 *
 * @returns PEM, with a line end behind the last line
 * @see RFC 5280 §4
 */
export function writeCertificate(asn1: Asn1, content: CertificateContent, issuer: Issuer): string {
  const { x509, schema } = asn1;
  const signature = signatureAlgorithm(asn1, issuer.privateKey);
  const tbsCertificate = new x509.TBSCertificate({
    version: x509.Version.v3,
    serialNumber: arrayBuffer(content.serial),
    signature,
    issuer: nameOf(asn1, issuer.commonName),
    validity: new x509.Validity({ notBefore: content.notBefore, notAfter: content.notAfter }),
    subject: nameOf(asn1, content.commonName),
    subjectPublicKeyInfo: publicKeyInfo(asn1, content.publicKey),
    extensions: new x509.Extensions(certificateExtensions(asn1, content, issuer)),
  });
  const signatureValue = signed(schema.AsnConvert.serialize(tbsCertificate), issuer);
  const certificate = new x509.Certificate({ tbsCertificate, signatureAlgorithm: signature, signatureValue });
  return pem('CERTIFICATE', schema.AsnConvert.serialize(certificate));
}

/**
 * Writes a version 2 certificate revocation list, complete and direct.
 *
 * @returns PEM, with a line end behind the last line
 * @see RFC 5280 §5
 */
export function writeCrl(asn1: Asn1, content: CrlContent, issuer: Issuer): string {
  const { x509, schema } = asn1;
  const signature = signatureAlgorithm(asn1, issuer.privateKey);
  const revoked = content.revoked.map(
    ({ serial, revokedAt }) =>
      new x509.RevokedCertificate({
        userCertificate: arrayBuffer(serial),
        revocationDate: new x509.Time(revokedAt),
      }),
  );
  const tbsCertList = new x509.TBSCertList({
    version: x509.Version.v2,
    signature,
    issuer: nameOf(asn1, issuer.commonName),
    thisUpdate: new x509.Time(content.thisUpdate),
    nextUpdate: new x509.Time(content.nextUpdate),
    // RFC 5280 §5.1.2.6: without entries the list itself must be absent.
    ...(revoked.length > 0 && { revokedCertificates: revoked }),
    crlExtensions: [
      authorityKeyIdentifier(asn1, issuer),
      extension(asn1, x509.id_ce_cRLNumber, false, new x509.CRLNumber(content.number)),
    ],
  });
  const crl = new x509.CertificateList({
    tbsCertList,
    signatureAlgorithm: signature,
    signature: signed(schema.AsnConvert.serialize(tbsCertList), issuer),
  });
  return pem('X509 CRL', schema.AsnConvert.serialize(crl));
}

function certificateExtensions(asn1: Asn1, content: CertificateContent, issuer: Issuer): Extension[] {
  const { x509 } = asn1;
  const isAuthority = content.kind === 'authority';
  const own = keyIdentifier(asn1, content.publicKey);
  const extensions = [
    extension(asn1, x509.id_ce_basicConstraints, true, new x509.BasicConstraints({ cA: isAuthority })),
    extension(asn1, x509.id_ce_keyUsage, true, new x509.KeyUsage(keyUsage(asn1, content))),
    extension(asn1, x509.id_ce_subjectKeyIdentifier, false, new x509.SubjectKeyIdentifier(own)),
  ];
  if (isAuthority) return extensions;
  const purpose = content.kind === 'server' ? x509.id_kp_serverAuth : x509.id_kp_clientAuth;
  extensions.push(
    authorityKeyIdentifier(asn1, issuer),
    extension(asn1, x509.id_ce_extKeyUsage, false, new x509.ExtendedKeyUsage([purpose])),
  );
  if (content.altNames.length > 0) {
    const names = new x509.SubjectAlternativeName(content.altNames.map((name) => generalName(asn1, name)));
    extensions.push(extension(asn1, x509.id_ce_subjectAltName, false, names));
  }
  return extensions;
}

function keyUsage({ x509: { KeyUsageFlags } }: Asn1, content: CertificateContent): number {
  if (content.kind === 'authority') return KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign;
  // RSA key exchange (TLS 1.2 and older) encrypts with the certificate's key; an EC key never does.
  const isRsa = content.publicKey.asymmetricKeyType === 'rsa';
  return KeyUsageFlags.digitalSignature | (isRsa ? KeyUsageFlags.keyEncipherment : 0);
}

function authorityKeyIdentifier(asn1: Asn1, issuer: Issuer): Extension {
  const { x509 } = asn1;
  const identifier = new x509.KeyIdentifier(keyIdentifier(asn1, issuer.publicKey));
  const value = new x509.AuthorityKeyIdentifier({ keyIdentifier: identifier });
  return extension(asn1, x509.id_ce_authorityKeyIdentifier, false, value);
}

/** RFC 7093 §2 (1): the leftmost 160 bits of SHA-256. RFC 5280 itself names SHA-1, which strict hosts switch off. */
function keyIdentifier(asn1: Asn1, key: KeyObject): ArrayBuffer {
  const { subjectPublicKey } = publicKeyInfo(asn1, key);
  const digest = createHash('sha256').update(new Uint8Array(subjectPublicKey)).digest();
  return arrayBuffer(digest.subarray(0, KEY_IDENTIFIER_OCTETS));
}

function extension({ x509, schema }: Asn1, extnID: string, critical: boolean, value: object): Extension {
  const extnValue = new schema.OctetString(schema.AsnConvert.serialize(value));
  return new x509.Extension({ extnID, critical, extnValue });
}

function generalName({ x509 }: Asn1, { type, value }: AltName): GeneralName {
  return new x509.GeneralName(type === 'ip' ? { iPAddress: value } : { dNSName: value });
}

function nameOf({ x509 }: Asn1, commonName: string): Name {
  const value = new x509.AttributeValue({ utf8String: commonName });
  const attribute = new x509.AttributeTypeAndValue({ type: COMMON_NAME, value });
  return new x509.Name([new x509.RelativeDistinguishedName([attribute])]);
}

function publicKeyInfo({ x509, schema }: Asn1, key: KeyObject): SubjectPublicKeyInfo {
  return schema.AsnConvert.parse(key.export({ type: 'spki', format: 'der' }), x509.SubjectPublicKeyInfo);
}

/** RFC 4055 §5 wants NULL parameters for RSA, RFC 5758 §3.2 none for ECDSA. */
function signatureAlgorithm({ x509 }: Asn1, key: KeyObject): AlgorithmIdentifier {
  return key.asymmetricKeyType === 'rsa'
    ? new x509.AlgorithmIdentifier({ algorithm: SHA256_WITH_RSA, parameters: arrayBuffer(DER_NULL) })
    : new x509.AlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA256 });
}

function signed(der: ArrayBuffer, issuer: Issuer): ArrayBuffer {
  return arrayBuffer(sign('sha256', new Uint8Array(der), issuer.privateKey));
}

/** The encoder takes a whole ArrayBuffer; a Buffer is most often a window of a shared one. */
function arrayBuffer(octets: Uint8Array): ArrayBuffer {
  return Uint8Array.from(octets).buffer;
}

/** RFC 7468 §2: lines of 64 characters. */
function pem(label: string, der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
