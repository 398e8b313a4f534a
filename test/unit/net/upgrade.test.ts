import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { createSecureContext } from 'node:tls';
import { upgradeClient } from '../../../src/net/client-upgrade.js';
import { Engine } from '../../../src/net/engine.js';
import { serverTlsSettings } from '../../../src/net/server-tls-options.js';
import { Boundary, upgrade } from '../../../src/net/upgrade.js';
import { EmptyBuffer } from '../../../src/smtp/empty-buffer.js';
import { TestAuthority } from '../../../src/testing/authority.js';

const authority = await TestAuthority.create();
const { cert, key } = await authority.issue({ name: 'mx.test' });
const engine = new Engine({ cert, key }, serverTlsSettings({ handshakeTimeoutMs: 300 }));
const context = createSecureContext({ ca: authority.ca });

/** Two ends of one connection. */
async function pair(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [near] = (await once(server, 'connection')) as [Socket];
  far.on('error', () => {});
  server.close();
  return { near, far };
}

function proof(): EmptyBuffer {
  const found = EmptyBuffer.prove(0);
  assert.ok(EmptyBuffer.is(found));
  return found;
}

describe('upgrade', () => {
  it('secures a socket, and what is said goes through', async () => {
    const { near, far } = await pair();
    const [ours, theirs] = await Promise.all([
      upgrade(engine, near, proof(), 300),
      upgradeClient(far, 'on-connect', { host: 'mx.test', context, timeoutMs: 300 }),
    ]);
    ours.end('hello');
    const [said] = (await once(theirs, 'data')) as [Buffer];
    assert.deepEqual([said.toString(), theirs.authorized], ['hello', true]);
    theirs.destroy();
  });

  it('secures a Duplex that is no socket', async () => {
    const { near, far } = await pair();
    const shim = Duplex.from({ readable: near.resume(), writable: near });
    const [ours, theirs] = await Promise.all([
      upgrade(engine, shim, proof(), 300),
      upgradeClient(far, 'on-connect', { host: 'mx.test', context, timeoutMs: 300 }),
    ]);
    assert.ok(ours.encrypted && theirs.encrypted);
    theirs.destroy();
    ours.destroy();
    near.destroy();
  });

  it('takes no value for a proof that is none', async () => {
    const { near, far } = await pair();
    assert.throws(() => upgrade(engine, near, {} as EmptyBuffer, 300), TypeError);
    near.destroy();
    far.destroy();
  });

  it('settles once and leaves no socket, however it fails', async () => {
    const ends: [string, (far: Socket) => void][] = [
      ['ERR_TLS_SMTP_HANDSHAKE_FAILED', (far) => far.write('garbage, garbage\r\n')],
      ['ERR_TLS_SMTP_HANDSHAKE_FAILED', (far) => far.end()],
      ['ERR_TLS_SMTP_HANDSHAKE_FAILED', (far) => far.resetAndDestroy()],
      ['ERR_TLS_SMTP_HANDSHAKE_TIMEOUT', () => {}],
    ];
    for (const [code, act] of ends) {
      const { near, far } = await pair();
      setTimeout(() => act(far), 20);
      await assert.rejects(upgrade(engine, near, proof(), 300), { code });
      assert.ok(near.destroyed);
      far.destroy();
    }
  });
});

describe('Boundary', () => {
  it('pauses at once, and counts what the parser and the socket hold', async () => {
    const { near, far } = await pair();
    const boundary = new Boundary(near, Buffer.from('ab'), false);
    assert.deepEqual([near.isPaused(), boundary.prove()], [true, { unread: 2 }]);
    const clean = new Boundary(near, Buffer.alloc(0), false);
    assert.ok(EmptyBuffer.is(clean.prove()));
    near.read(0);
    far.write('late');
    await once(near, 'readable');
    near.removeAllListeners('readable');
    assert.deepEqual(clean.prove(), { unread: 4 });
    near.destroy();
    far.destroy();
  });
});
