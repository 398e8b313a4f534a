import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { checkIdentity } from '../../../src/inspect/identity.js';
import { TestAuthority } from '../../../src/testing/authority.js';

const authority = await TestAuthority.create();

describe('checkIdentity (RFC 9525 §6.3, RFC 8461 §4.1)', () => {
  it('goes by SAN alone: no CN, whole-label wildcards only, addresses by iPAddress', async () => {
    const of = async (options: object, host: string): Promise<string | null> =>
      checkIdentity(new X509Certificate((await authority.issue(options)).cert), host);
    const no = 'ERR_TLS_CERT_ALTNAME_INVALID';
    assert.deepEqual(
      [
        await of({ name: 'mx.test' }, 'MX.test.'),
        await of({ name: 'mx.test' }, 'other.test'),
        await of({ name: 'mx.test', flaw: 'cn-only' }, 'mx.test'),
        await of({ names: ['*.x.test'] }, 'mx.x.test'),
        await of({ names: ['*.x.test'] }, 'a.mx.x.test'),
        await of({ name: 'mx1.x.test', flaw: 'partial-wildcard' }, 'mx1.x.test'),
        await of({ names: ['192.0.2.1'] }, '192.0.2.1'),
        await of({ names: ['mx.test'] }, '192.0.2.1'),
      ],
      [null, no, no, null, no, no, null, no],
    );
  });
});
