import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { certificateJson, peerCertificate } from '../../../src/inspect/peer-certificate.js';
import { TestAuthority } from '../../../src/testing/authority.js';

describe('peerCertificate', () => {
  it('reads a certificate once, into plain facts', async () => {
    const authority = await TestAuthority.create();
    const x509 = new X509Certificate(
      (await authority.issue({ name: 'mx.test', names: ['mx.test', '192.0.2.1'] })).cert,
    );
    const facts = peerCertificate(x509);
    assert.deepEqual(
      [
        facts.subject.toRfc4514(),
        facts.subjectAltNames,
        facts.serialNumber,
        facts.fingerprint256,
        facts.der.equals(x509.raw),
      ],
      ['CN=mx.test', ['DNS:mx.test', 'IP Address:192.0.2.1'], x509.serialNumber, x509.fingerprint256, true],
    );
    assert.ok(facts.validFrom < facts.validTo);
  });
});

describe('peerCertificate, SPEC §4', () => {
  const facts = async (names: readonly string[]): Promise<ReturnType<typeof peerCertificate>> =>
    peerCertificate(new X509Certificate((await (await TestAuthority.create()).issue({ name: 'cn', names })).cert));

  it('lists no alternative names where there are none, and IPv6 among them where there are', async () => {
    assert.deepEqual((await facts([])).subjectAltNames, []);
    assert.deepEqual((await facts(['2001:db8::1', '*.x.test'])).subjectAltNames, [
      'IP Address:2001:DB8:0:0:0:0:0:1',
      'DNS:*.x.test',
    ]);
  });

  it('splits no name that Node has quoted: a comma in a value makes no second name (CVE-2021-44532)', () => {
    const forged = {
      subjectAltName: 'DNS:"good.test, DNS:evil.test", DNS:"a\\"b, DNS:c", DNS:mx.test',
      subject: '',
      issuer: undefined,
      serialNumber: '1',
      validFrom: 'Jan  1 00:00:00 2026 GMT',
      validTo: 'Jan  1 00:00:00 2027 GMT',
    } as unknown as X509Certificate;
    const { subjectAltNames, subject, issuer } = peerCertificate(forged);
    assert.deepEqual(subjectAltNames, ['DNS:"good.test, DNS:evil.test"', 'DNS:"a\\"b, DNS:c"', 'DNS:mx.test']);
    assert.deepEqual([subject.toOneline(), issuer.toRfc4514()], ['', '']);
  });

  it('cannot be changed', async () => {
    const certificate = await facts(['mx.test']);
    assert.ok(Object.isFrozen(certificate) && Object.isFrozen(certificate.subjectAltNames));
    assert.equal(certificate.issuer.toRfc4514(), 'CN=tls-smtp test authority');
  });

  it('shows a bidi override in a name as JSON does, and reads nothing of a text that is not made as Node makes it', () => {
    const names = (subjectAltName: string): readonly string[] =>
      peerCertificate({ subjectAltName, serialNumber: '', raw: Buffer.alloc(0) } as unknown as X509Certificate)
        .subjectAltNames;
    assert.deepEqual(names('othername:"a\u202e\u{e0041}b", DNS:c'), ['othername:"a\\u202e\\udb40\\udc41b"', 'DNS:c']);
    assert.deepEqual(names('DNS:"a, DNS:evil.test'), []);
    assert.deepEqual([names(`DNS:${'a'.repeat(2_000)}`)[0]?.length, names('')], [1_024, []]);
  });

  it('is bounded as JSON: fifty names, and how many more there are', async () => {
    const json = certificateJson(await facts(Array.from({ length: 60 }, (_, at) => `mx${at}.test`)));
    const names = json['subjectAltNames'] as readonly string[];
    assert.deepEqual([names.length, names[49], names[50]], [51, 'DNS:mx49.test', '... 10 more']);
    assert.deepEqual([json['subject'], json['issuer'], 'der' in json], ['CN=cn', 'CN=tls-smtp test authority', false]);
  });
});
