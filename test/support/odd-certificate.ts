import { generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto';
import { type Asn1, loadAsn1 } from '../../src/testing/asn1.js';
import type { IssuedCertificate } from '../../src/testing/authority.js';
import type { AltName } from '../../src/testing/leaf-plan.js';
import { type Issuer, writeCertificate } from '../../src/testing/x509-writer.js';

/** `value` is written as it stands, line ends, NUL and all. */
interface OddAttribute {
  readonly type: keyof typeof TYPES | (string & {});
  readonly value: string;
  readonly as?: 'utf8String' | 'printableString' | 'teletexString' | 'bmpString';
}

/** One inner list for each part of the name; several attributes in it share the part. */
export type OddName = readonly (readonly OddAttribute[])[];

export interface OddLeaf {
  readonly subject?: OddName;
  readonly altNames?: readonly AltName[];
  readonly kind?: 'server' | 'client';
}

const TYPES = { CN: '2.5.4.3', C: '2.5.4.6', O: '2.5.4.10', OU: '2.5.4.11', UID: '0.9.2342.19200300.100.1.1' };
const HOUR_MS = 3_600_000;

/** An authority that signs what `TestAuthority` refuses: names that are made to do harm. */
export class OddAuthority {
  readonly ca: string;
  readonly #asn1: Asn1;
  readonly #issuer: Issuer;

  static async create(): Promise<OddAuthority> {
    return new OddAuthority(await loadAsn1());
  }

  private constructor(asn1: Asn1) {
    this.#asn1 = asn1;
    this.#issuer = { commonName: 'odd authority', ...newKeys() };
    this.ca = writeCertificate(asn1, { ...this.#content(), kind: 'authority', altNames: [] }, this.#issuer);
  }

  issue({ subject, altNames = [], kind = 'client' }: OddLeaf): IssuedCertificate {
    const { publicKey, privateKey } = newKeys();
    const plain = writeCertificate(this.#asn1, { ...this.#content(), publicKey, kind, altNames }, this.#issuer);
    const cert = subject === undefined ? plain : this.#renamed(plain, subject);
    return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
  }

  #content() {
    const now = Date.now();
    return {
      serial: Uint8Array.of(0x41, ...randomBytes(8)),
      commonName: this.#issuer.commonName,
      publicKey: this.#issuer.publicKey,
      notBefore: new Date(now - HOUR_MS),
      notAfter: new Date(now + 24 * HOUR_MS),
    };
  }

  /** The same certificate with another subject, signed again. */
  #renamed(cert: string, subject: OddName): string {
    const { x509, schema } = this.#asn1;
    const certificate = schema.AsnConvert.parse(new X509Certificate(cert).raw, x509.Certificate);
    const parts = subject.map((part) => {
      const attributes = part.map(({ type, value, as = 'utf8String' }) => {
        const oid = (TYPES as Readonly<Record<string, string>>)[type] ?? type;
        return new x509.AttributeTypeAndValue({ type: oid, value: new x509.AttributeValue({ [as]: value }) });
      });
      return new x509.RelativeDistinguishedName(attributes);
    });
    certificate.tbsCertificate.subject = new x509.Name(parts);
    const content = new Uint8Array(schema.AsnConvert.serialize(certificate.tbsCertificate));
    certificate.signatureValue = Uint8Array.from(sign('sha256', content, this.#issuer.privateKey)).buffer;
    const der = Buffer.from(schema.AsnConvert.serialize(certificate));
    return new X509Certificate(der).toString();
  }
}

function newKeys() {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}
