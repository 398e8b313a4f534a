import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { trustContext } from '../../../src/credentials/trust.js';
import { TestAuthority } from '../../../src/testing/authority.js';

describe('trustContext', () => {
  it('takes certificates, and says which block is none', async () => {
    const { ca } = await TestAuthority.create();
    assert.ok(await trustContext('tls.verifyCertificates', ca));
    await assert.rejects(
      trustContext('tls.verifyCertificates', `${ca}\n${ca.replace(/\n.{30}/, '\n!')}`),
      /tls\.verifyCertificates: PEM text: CERTIFICATE block 2 does not parse/,
    );
    await assert.rejects(trustContext('tls.verifyCertificates', '-----BEGIN x-----'), /holds no CERTIFICATE block/);
  });
});
