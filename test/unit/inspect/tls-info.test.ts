import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { type ConnectionOptions, connect, createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { TlsInfo } from '../../../src/inspect/tls-info.js';
import { TestAuthority } from '../../../src/testing/authority.js';

const authority = await TestAuthority.create();
const server = await authority.issue({ name: 'mx.test' });
const client = await authority.issue({ name: 'client one', names: [], kind: 'client' });

/** One handshake; the facts on both sides. */
async function handshake(
  serverOptions: TlsOptions,
  clientOptions: ConnectionOptions,
): Promise<{ ours: TlsInfo; theirs: TlsInfo }> {
  const listener = createServer({ cert: server.cert, key: server.key, ALPNProtocols: ['smtp'], ...serverOptions });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const accepted = once(listener, 'secureConnection') as Promise<[TLSSocket]>;
  const socket = connect({
    host: '127.0.0.1',
    port,
    servername: 'MX.test',
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
    ALPNProtocols: ['smtp'],
    ...clientOptions,
  });
  await once(socket, 'secureConnect');
  const theirs = TlsInfo.from(socket, {
    mode: 'starttls',
    checkIdentity: (leaf) => (leaf.checkHost('mx.test') ? null : 'NAME'),
  });
  const [peer] = await accepted;
  peer.on('error', () => {});
  const ours = TlsInfo.from(peer, { mode: 'on-connect' });
  socket.destroy();
  peer.destroy();
  listener.close();
  return { ours, theirs };
}

describe('TlsInfo', () => {
  it('tells the facts of a handshake on both sides', async () => {
    const { ours, theirs } = await handshake({}, { ca: authority.ca });
    assert.deepEqual(
      [
        ours.protocol,
        ours.cipher,
        ours.bits,
        ours.sni,
        ours.alpn,
        ours.mode,
        ours.certificate,
        ours.peerDn,
        ours.keyExchangeGroup,
      ],
      ['TLSv1.3', 'TLSv1.3:TLS_AES_256_GCM_SHA384:256', 256, 'mx.test', 'smtp', 'on-connect', 'none', '', undefined],
    );
    assert.deepEqual(
      [theirs.certificate, theirs.certificateVerified, theirs.peerDn, theirs.peerDnRfc4514, theirs.resumed],
      ['verified', true, '/CN=mx.test', 'CN=mx.test', false],
    );
    assert.equal(theirs.receivedClause({ style: 'exim' }), '(TLSv1.3:TLS_AES_256_GCM_SHA384:256)');
    assert.ok(Object.isFrozen(theirs));
    assert.doesNotMatch(JSON.stringify(theirs), /"der"/);
  });

  it('calls a certificate unverified with the code that says why', async () => {
    const untrusted = await handshake({}, {});
    assert.deepEqual(
      [untrusted.theirs.certificate, untrusted.theirs.verifyError],
      ['unverified', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    );
    const wrong = await authority.issue({ name: 'mx.test', flaw: 'wrong-name' });
    const misnamed = await handshake({ cert: wrong.cert, key: wrong.key }, { ca: authority.ca });
    assert.deepEqual([misnamed.theirs.certificate, misnamed.theirs.verifyError], ['unverified', 'NAME']);
  });

  it('tells on the server whether a client certificate came and verified', async () => {
    const ask = { requestCert: true, rejectUnauthorized: false, ca: authority.ca };
    const good = await handshake(ask, { cert: client.cert, key: client.key });
    const stranger = await (await TestAuthority.create()).issue({ name: 'x', kind: 'client' });
    const bad = await handshake(ask, { cert: stranger.cert, key: stranger.key });
    const none = await handshake(ask, {});
    assert.deepEqual(
      [good, bad, none].map(({ ours }) => ours.certificate),
      ['verified', 'unverified', 'none'],
    );
    assert.equal(good.ours.peerDn, '/CN=client one');
  });
});
