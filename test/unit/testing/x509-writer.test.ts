import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { before, describe, it } from 'node:test';
import type * as X509 from '@peculiar/asn1-x509';
import { type Asn1, loadAsn1 } from '../../../src/testing/asn1.js';
import {
  type CertificateContent,
  type CrlContent,
  type Issuer,
  writeCertificate,
  writeCrl,
} from '../../../src/testing/x509-writer.js';

const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ISSUER: Issuer = { commonName: 'an authority', ...EC };
const SERIAL = Uint8Array.from({ length: 16 }, (_, index) => 0x40 + index);
const SERIAL_HEX = '404142434445464748494A4B4C4D4E4F';

const SERVER: CertificateContent = {
  serial: SERIAL,
  commonName: 'mx.example',
  publicKey: EC.publicKey,
  notBefore: new Date('2030-06-15T11:00:00.999Z'),
  notAfter: new Date('2060-06-15T11:00:00.999Z'),
  kind: 'server',
  altNames: [],
};
const CRL: CrlContent = {
  number: 7,
  thisUpdate: new Date('2030-06-15T11:00:00Z'),
  nextUpdate: new Date('2030-07-15T11:00:00Z'),
  revoked: [],
};

let asn1: Asn1;
before(async () => {
  asn1 = await loadAsn1();
});

function der(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');
}
function parsed(changes: Partial<CertificateContent>): X509.TBSCertificate {
  const pem = writeCertificate(asn1, { ...SERVER, ...changes }, ISSUER);
  return asn1.schema.AsnConvert.parse(der(pem), asn1.x509.Certificate).tbsCertificate;
}
function parsedCrl(changes: Partial<CrlContent>): X509.TBSCertList {
  const pem = writeCrl(asn1, { ...CRL, ...changes }, ISSUER);
  return asn1.schema.AsnConvert.parse(der(pem), asn1.x509.CertificateList).tbsCertList;
}
/** `oid` or `oid!` for a critical one, and the value in hexadecimal. */
function extensions(list: readonly X509.Extension[] | undefined): Record<string, string> {
  return Object.fromEntries(
    (list ?? []).map(({ extnID, critical, extnValue }) => [
      `${extnID}${critical ? '!' : ''}`,
      Buffer.from(extnValue.buffer).toString('hex'),
    ]),
  );
}
function keyUsage(kind: CertificateContent['kind'], publicKey: KeyObject): string | undefined {
  return extensions(parsed({ kind, publicKey }).extensions)['2.5.29.15!'];
}

describe('certificates', () => {
  it('RFC 7468 §2: PEM has lines of 64 characters and ends with a line end', () => {
    const lines = writeCertificate(asn1, SERVER, ISSUER).split('\n');
    assert.deepEqual(
      [lines[0], lines.at(-2), lines.at(-1)],
      ['-----BEGIN CERTIFICATE-----', '-----END CERTIFICATE-----', ''],
    );
    assert.deepEqual(new Set(lines.slice(1, -3).map((line) => line.length)), new Set([64]));
  });

  it('says who, by whom, for how long', () => {
    const certificate = new X509Certificate(writeCertificate(asn1, SERVER, ISSUER));
    const { subject, issuer, serialNumber, validFrom, validTo, ca } = certificate;
    assert.deepEqual(
      { subject, issuer, serialNumber, validFrom, validTo, ca },
      {
        subject: 'CN=mx.example',
        issuer: 'CN=an authority',
        serialNumber: SERIAL_HEX,
        validFrom: 'Jun 15 11:00:00 2030 GMT',
        validTo: 'Jun 15 11:00:00 2060 GMT',
        ca: false,
      },
    );
  });

  it('RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050', () => {
    const { notBefore, notAfter } = parsed({}).validity;
    assert.ok(notBefore.utcTime !== undefined && notAfter.generalTime !== undefined);
  });

  for (const [title, pair, algorithm, parameters] of [
    ['ECDSA, without parameters (RFC 5758 §3.2)', EC, '1.2.840.10045.4.3.2', undefined],
    ['RSA, with NULL parameters (RFC 4055 §5)', RSA, '1.2.840.113549.1.1.11', null],
  ] as const) {
    it(`is signed with ${title}`, () => {
      const pem = writeCertificate(asn1, SERVER, { commonName: 'an authority', ...pair });
      const { signatureAlgorithm } = asn1.schema.AsnConvert.parse(der(pem), asn1.x509.Certificate);
      assert.deepEqual([signatureAlgorithm.algorithm, signatureAlgorithm.parameters], [algorithm, parameters]);
      assert.equal(new X509Certificate(pem).verify(pair.publicKey), true);
    });
  }

  it('RFC 5280 §4.2.1: a leaf has these extensions, constraints and usage critical', () => {
    assert.deepEqual(Object.keys(extensions(parsed({ altNames: [{ type: 'dns', value: 'a' }] }).extensions)), [
      '2.5.29.19!',
      '2.5.29.15!',
      '2.5.29.14',
      '2.5.29.35',
      '2.5.29.37',
      '2.5.29.17',
    ]);
  });

  it('RFC 5280 §4.2.1.9: CA:TRUE for an authority, the DER default left out for a leaf', () => {
    const constraints = (['authority', 'server', 'client'] as const).map(
      (kind) => extensions(parsed({ kind }).extensions)['2.5.29.19!'],
    );
    assert.deepEqual(constraints, ['30030101ff', '3000', '3000']);
  });

  it('RFC 5280 §4.2.1.3: usage by kind and key, no bit more', () => {
    assert.deepEqual(
      [keyUsage('authority', EC.publicKey), keyUsage('server', EC.publicKey), keyUsage('server', RSA.publicKey)],
      ['03020106', '03020780', '030205a0'],
    );
  });

  it('RFC 5280 §4.2.1.12: serverAuth or clientAuth', () => {
    const purposes = (['server', 'client'] as const).map((kind) => {
      return new X509Certificate(writeCertificate(asn1, { ...SERVER, kind }, ISSUER)).keyUsage;
    });
    assert.deepEqual(purposes, [['1.3.6.1.5.5.7.3.1'], ['1.3.6.1.5.5.7.3.2']]);
  });

  it('RFC 5280 §4.2.1.1: the authority key identifier is the subject key identifier of the issuer', () => {
    const root = extensions(parsed({ kind: 'authority' }).extensions);
    const leaf = extensions(parsed({ publicKey: RSA.publicKey }).extensions);
    const identifier = root['2.5.29.14']?.slice(4);
    assert.equal(identifier?.length, 40);
    assert.equal(leaf['2.5.29.35'], `30168014${identifier}`);
    assert.notEqual(leaf['2.5.29.14'], root['2.5.29.14']);
  });

  it('RFC 5280 §4.2.1.6: host names and addresses, IPv6 in 16 octets', () => {
    const altNames = [
      { type: 'dns', value: '*.example.com' },
      { type: 'ip', value: '192.0.2.1' },
      { type: 'ip', value: '::ffff:c000:201' },
    ] as const;
    const { subjectAltName } = new X509Certificate(writeCertificate(asn1, { ...SERVER, altNames }, ISSUER));
    assert.equal(subjectAltName, 'DNS:*.example.com, IP Address:192.0.2.1, IP Address:0:0:0:0:0:FFFF:C000:201');
  });
});

describe('revocation lists', () => {
  it('RFC 5280 §5.1.2.6: without entries the list is absent', () => {
    // In the octets, since parsers take an empty SEQUENCE for none: nextUpdate, and [0] for the extensions at once.
    assert.ok(der(writeCrl(asn1, CRL, ISSUER)).includes('\x17\x0d300715110000Z\xa0', 'latin1'));
  });

  it('RFC 5280 §5.2: version 2, with issuer key and number, and each serial as it was issued', () => {
    const revokedAt = new Date('2030-06-14T00:00:00Z');
    const list = parsedCrl({ revoked: [{ serial: SERIAL, revokedAt }] });
    const entries = (list.revokedCertificates ?? []).map(({ userCertificate, revocationDate }) => [
      Buffer.from(userCertificate).toString('hex').toUpperCase(),
      revocationDate.getTime(),
    ]);
    assert.deepEqual(entries, [[SERIAL_HEX, revokedAt]]);
    assert.equal(list.version, asn1.x509.Version.v2);
    const found = extensions(list.crlExtensions);
    assert.deepEqual(Object.keys(found), ['2.5.29.35', '2.5.29.20']);
    assert.equal(found['2.5.29.20'], '020107');
  });
});
