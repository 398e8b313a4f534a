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
