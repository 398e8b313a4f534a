import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { peerCertificate } from '../../../src/inspect/peer-certificate.js';
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
});
