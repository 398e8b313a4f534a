import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import type { TlsInfo } from '../../../src/inspect/tls-info.js';
import { authRequest } from '../../../src/server/auth-request.js';

const claim = { method: 'PLAIN', username: 'tim', password: 'hunter2' } as const;

describe('authRequest', () => {
  it('has the password for whoever asks for it, and shows it to nobody else', () => {
    const request = authRequest(claim, null);
    const { username, password } = request;
    assert.deepEqual([username, password], ['tim', 'hunter2']);
    for (const shown of [
      inspect(request),
      JSON.stringify(request),
      inspect({ ...request }),
      String(Object.values(request)),
    ])
      assert.ok(!shown.includes('hunter2'), shown);
    assert.ok(Object.isFrozen(request));
  });

  it('has the certificate where it has verified, and no other', () => {
    const peerCertificate = { serialNumber: '01' };
    const tls = (certificateVerified: boolean): TlsInfo =>
      ({ certificateVerified, peerCertificate }) as unknown as TlsInfo;
    assert.equal(authRequest(claim, tls(true)).certificate, peerCertificate);
    assert.ok(!('certificate' in authRequest(claim, tls(false))));
    assert.ok(!('password' in authRequest({ method: 'EXTERNAL', username: '' }, tls(true))));
  });
});
