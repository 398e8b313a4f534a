import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readCertificates, readIdentity } from '../../../src/credentials/pem.js';
import { TestAuthority } from '../../../src/testing/authority.js';

describe('PEM', () => {
  it('keeps the chain in the order of the file, the leaf first', async () => {
    const authority = await TestAuthority.create();
    const { cert, key } = await authority.issue({ name: 'mx.test' });
    const source = { option: 'tls.certificate', source: 'PEM text', text: `${key}\n${cert}\ncomment\n${authority.ca}` };
    const identity = readIdentity(source, null);
    assert.equal(identity.leaf.subject, 'CN=mx.test');
    assert.equal(identity.certificate.match(/BEGIN CERTIFICATE/g)?.length, 2);
    assert.equal(readCertificates(source).length, 2);
  });
});
