import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ServerCredentialSource } from '../../../src/net/server-credentials.js';
import { type ServerTlsOptions, serverTlsSettings } from '../../../src/net/server-tls-options.js';
import { TestAuthority } from '../../../src/testing/authority.js';

const authority = await TestAuthority.create();
const { cert, key } = await authority.issue({ name: 'mx.test' });

function source(options: ServerTlsOptions): ServerCredentialSource {
  return new ServerCredentialSource(serverTlsSettings(options));
}

describe('ServerCredentialSource', () => {
  it('gives one engine to all who are held to the same, and another to those who are not', async () => {
    const from = source({ certificate: cert, privateKey: key, verifyCertificates: authority.ca, verifyHosts: '*' });
    const [one, same, other] = [
      await from.for({}, null, 'verify'),
      await from.for({ address: '192.0.2.1' }, 'x.test', 'verify'),
      await from.for({}, null, 'none'),
    ];
    assert.equal(one.engine, same.engine);
    assert.notEqual(one.engine, other.engine);
    assert.deepEqual([one.rule, other.rule, one.contextFor], ['verify', 'none', null]);
  });

  it('tells callbacks what is known of the client, and no HELO name that is none', async () => {
    const asked: object[] = [];
    const certificate = (facts: object): string => {
      asked.push({ ...facts });
      return `${cert}${key}`;
    };
    const from = source({ certificate });
    const peer = { address: '192.0.2.1', port: 5_000, localAddress: '192.0.2.9', localPort: 25 };
    const known = { senderHostAddress: '192.0.2.1', receivedPort: 25, localAddress: '192.0.2.9' };
    await from.for(peer, 'client.test', 'none');
    await from.for(peer, '../../etc', 'none');
    assert.deepEqual(asked, [{ ...known, heloName: 'client.test' }, known]);
  });

  it('fails where there is no certificate', async () => {
    const code = 'ERR_TLS_SMTP_CREDENTIAL_MISSING';
    await assert.rejects(async () => source({}).for({}, null, 'none'), { code });
    await assert.rejects(async () => source({ verifyCertificates: authority.ca }).for({}, null, 'none'), { code });
  });

  it('what OpenSSL refuses of any rule that is in use is found by the check', async () => {
    const requireCiphers = 'NONSENSE';
    await assert.rejects(source({ certificate: cert, privateKey: key, requireCiphers }).store.check());
  });
});
