import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { createSecureContext } from 'node:tls';
import { upgradeClient } from '../../../src/net/client-upgrade.js';
import { Engine, type Fate } from '../../../src/net/engine.js';
import { HandshakeFailedError, HandshakeTimeoutError } from '../../../src/net/handshake-failure.js';
import { serverTlsSettings } from '../../../src/net/server-tls-options.js';
import { SocketUnusableError } from '../../../src/net/socket-check.js';
import { Boundary, upgrade } from '../../../src/net/upgrade.js';
import { EmptyBuffer } from '../../../src/smtp/empty-buffer.js';
import { TestAuthority } from '../../../src/testing/authority.js';
import { clientHello, sleep, within } from '../../support/raw-client.js';

const authority = await TestAuthority.create();
const { cert, key } = await authority.issue({ name: 'mx.test' });
const engine = new Engine({ id: 'test', tls: { cert, key } }, serverTlsSettings({ handshakeTimeoutMs: 300 }));
const context = createSecureContext({ ca: authority.ca });

/** Two ends of one connection. */
async function pair(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [near] = (await once(server, 'connection')) as [Socket];
  far.on('error', () => {});
  if (far.connecting) await once(far, 'connect');
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

/** Both ends of one connection whose near end, as a mail server's may, stays open behind a FIN. */
async function halfOpenPair(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const far = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  const [[near]] = (await Promise.all([once(server, 'connection'), once(far, 'connect')])) as [[Socket], unknown];
  far.on('error', () => {}).resume();
  server.close();
  return { near, far };
}

/** What an upgrade ended with, how often it settled, and how long it took. */
async function ending(work: Promise<unknown>): Promise<{ error: unknown; settled: number; tookMs: number }> {
  const begun = performance.now();
  let settled = 0;
  let error: unknown = null;
  await within(
    work.then(
      () => void settled++,
      (reason: unknown) => {
        settled++;
        error = reason;
      },
    ),
    'the upgrade settles',
  );
  const tookMs = performance.now() - begun;
  await sleep(30);
  return { error, settled, tookMs };
}

describe('upgrade, SPEC §5: every end of a handshake, on a half-open socket', () => {
  const patient = new Engine({ id: 'test', tls: { cert, key } }, serverTlsSettings({}));

  const breaks: [string, string, (far: Socket) => Promise<void>][] = [
    ['garbage', 'not-tls', async (far) => void far.write('MAIL FROM:<a@x.test>\r\n')],
    ['an HTTP request', 'not-tls', async (far) => void far.write('GET / HTTP/1.1\r\n\r\n')],
    ['FIN at once', 'peer-closed', async (far) => void far.end()],
    ['RST at once', 'peer-closed', async (far) => void far.resetAndDestroy()],
    [
      'FIN behind half a ClientHello',
      'peer-closed',
      async (far) => void far.end((await clientHello()).subarray(0, 99)),
    ],
    ['FIN behind a ClientHello', 'peer-closed', async (far) => void far.end(await clientHello())],
    [
      'RST behind a ClientHello',
      'peer-closed',
      async (far) => {
        far.write(await clientHello());
        await sleep(30);
        far.resetAndDestroy();
      },
    ],
  ];
  for (const [title, reason, act] of breaks) {
    it(`${title}: rejected once, ${reason}, no socket left`, async () => {
      const { near, far } = await halfOpenPair();
      const work = ending(upgrade(patient, near, proof(), 5_000));
      await act(far);
      const { error, settled, tookMs } = await work;
      assert.ok(error instanceof HandshakeFailedError, String(error));
      assert.deepEqual([error.reason, settled, near.destroyed, near.closed], [reason, 1, true, true]);
      assert.ok(tookMs < 2_000, `${tookMs} ms: not before its deadline`);
      far.destroy();
    });
  }

  it('silence: rejected at the deadline of the engine', async () => {
    const { near, far } = await halfOpenPair();
    const { error, tookMs } = await ending(upgrade(engine, near, proof(), 300));
    assert.deepEqual(error, new HandshakeTimeoutError(300));
    assert.ok(tookMs > 250 && tookMs < 900 && near.destroyed, `${tookMs} ms`);
    far.destroy();
  });

  it('silence: rejected at its own deadline where the engine has none so early', async () => {
    const { near, far } = await halfOpenPair();
    const { error, settled, tookMs } = await ending(upgrade(patient, near, proof(), 150));
    assert.deepEqual([error, settled, near.destroyed], [new HandshakeTimeoutError(150), 1, true]);
    assert.ok(tookMs > 140 && tookMs < 900, `${tookMs} ms`);
    far.destroy();
  });

  it('one octet at a time: the deadline is absolute and no octet prolongs it', async () => {
    const { near, far } = await halfOpenPair();
    const hello = await clientHello();
    let sent = 0;
    const drip = setInterval(() => far.write(hello.subarray(sent, ++sent)), 25);
    const { error, tookMs } = await ending(upgrade(engine, near, proof(), 300));
    clearInterval(drip);
    assert.deepEqual([error, near.destroyed], [new HandshakeTimeoutError(300), true]);
    assert.ok(sent > 4 && tookMs < 900, `${sent} octets, ${tookMs} ms`);
    far.destroy();
  });

  it('the socket is destroyed from our side meanwhile: rejected at once', async () => {
    const { near, far } = await halfOpenPair();
    const work = ending(upgrade(patient, near, proof(), 5_000));
    near.destroy();
    const { error, settled, tookMs } = await work;
    assert.ok(error instanceof HandshakeFailedError && settled === 1 && tookMs < 1_000);
    far.destroy();
  });

  it('clear octets that were read into the socket are never used: the handshake fails closed', async () => {
    const { near, far } = await halfOpenPair();
    far.write('NOOP\r\n');
    near.read(0);
    await once(near, 'readable');
    near.removeAllListeners('readable');
    const { error } = await ending(upgrade(patient, near, 'on-connect', 5_000));
    assert.ok(error instanceof HandshakeFailedError && error.reason === 'not-tls', String(error));
    assert.ok(near.destroyed);
    far.destroy();
  });

  it('nothing is said in clear behind a failure: what the peer hears is an alert or nothing', async () => {
    const { near, far } = await halfOpenPair();
    const heard: Buffer[] = [];
    far.on('data', (chunk) => heard.push(chunk));
    far.write('garbage, garbage\r\n');
    await ending(upgrade(patient, near, proof(), 5_000));
    far.destroy();
    const all = Buffer.concat(heard);
    assert.ok(all.length === 0 || (all[0] === 21 && all.length === 7), all.toString('hex')); // 21: an alert record
  });
});

describe('upgrade, SPEC §5: success', () => {
  it('outlives its own deadline: no timer is left behind', async () => {
    const { near, far } = await pair();
    const [ours, theirs] = await Promise.all([
      upgrade(engine, near, proof(), 300),
      upgradeClient(far, 'on-connect', { host: 'mx.test', context, timeoutMs: 300 }),
    ]);
    await sleep(650);
    ours.write('still here');
    const [said] = (await within(once(theirs, 'data'), 'data')) as [Buffer];
    assert.deepEqual([said.toString(), ours.destroyed, near.destroyed], ['still here', false, false]);
    theirs.destroy();
    ours.destroy();
  });

  it('a later reset by the peer ends the socket and not the process (nodejs/node#33330)', async () => {
    const { near, far } = await pair();
    const [ours, theirs] = await Promise.all([
      upgrade(engine, near, proof(), 300),
      upgradeClient(far, 'on-connect', { host: 'mx.test', context, timeoutMs: 300 }),
    ]);
    theirs.on('error', () => {});
    ours.resume();
    far.resetAndDestroy();
    await within(new Promise((resolve) => ours.once('close', resolve)), 'close');
    assert.ok(ours.destroyed && near.destroyed);
  });

  it('an alert that is read together with the end of the handshake is a failed handshake, with the reason', async () => {
    class Alerted extends Engine {
      override handshake(socket: Duplex, fate: Fate): void {
        const secured: Fate['secured'] = (tls) => {
          fate.secured(tls);
          const error = Object.assign(new Error('alert'), { code: 'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE' });
          process.nextTick(() => tls.destroy(error));
        };
        super.handshake(socket, { ...fate, secured });
      }
    }
    const { near, far } = await pair();
    const alerted = new Alerted({ id: 'test', tls: { cert, key } }, serverTlsSettings({ handshakeTimeoutMs: 300 }));
    upgradeClient(far, 'on-connect', { host: 'mx.test', context, timeoutMs: 300 }).catch(() => {});
    await assert.rejects(upgrade(alerted, near, proof(), 300), {
      code: 'ERR_TLS_SMTP_HANDSHAKE_FAILED',
      reason: 'our-certificate-refused',
    });
    assert.ok(near.destroyed);
  });

  it('takes a ClientHello that waits in the socket already (TLS-on-connect)', async () => {
    const { near, far } = await pair();
    const client = upgradeClient(far, 'on-connect', { host: 'mx.test', context, timeoutMs: 2_000 });
    near.read(0);
    await once(near, 'readable');
    near.removeAllListeners('readable');
    assert.ok(near.readableLength > 0);
    const ours = await upgrade(engine, near, 'on-connect', 300);
    (await client).destroy();
    ours.destroy();
  });
});

describe('upgrade, SPEC §5: sockets that are refused, each with SocketUnusableError and before anything is sent', () => {
  const odd: [string, (near: Socket) => void | Promise<void>][] = [
    ['destroyed', (near) => void near.destroy()],
    ['with an encoding (nodejs/node#58756)', (near) => void near.setEncoding('utf8')],
    ['with a data listener', (near) => void near.on('data', () => {})],
    ['with a readable listener', (near) => void near.on('readable', () => {})],
    ['ended by us', (near) => void near.end()],
  ];
  for (const [title, make] of odd) {
    it(title, async () => {
      const { near, far } = await halfOpenPair();
      let heard = 0;
      far.on('data', (chunk: Buffer) => {
        heard += chunk.length;
      });
      await make(near);
      const { error, settled } = await ending(upgrade(engine, near, proof(), 300));
      assert.ok(error instanceof SocketUnusableError, String(error));
      assert.deepEqual([settled, heard], [1, 0]);
      near.destroy();
      far.destroy();
    });

    it(`${title}: the boundary refuses it too, before the 220`, async () => {
      const { near, far } = await halfOpenPair();
      await make(near);
      assert.throws(() => new Boundary(near, Buffer.alloc(0), false), SocketUnusableError);
      near.destroy();
      far.destroy();
    });
  }
});

/** Two streams of this process, joined: what one writes the other reads. No descriptor, no address. */
function duplexPair(): { near: Duplex; far: Duplex } {
  const ends: Duplex[] = [];
  const make = (other: 0 | 1): Duplex =>
    new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        ends[other]?.push(chunk);
        setImmediate(done);
      },
      final(done) {
        ends[other]?.push(null);
        done();
      },
    });
  const [far, near] = [make(1), make(0)];
  ends.push(far, near);
  return { near, far };
}

describe('upgrade of a Duplex that is no socket', () => {
  it('secures it, and what is said goes through in both directions', async () => {
    const { near, far } = duplexPair();
    const [ours, theirs] = await within(
      Promise.all([
        upgrade(engine, near, proof(), 300),
        upgradeClient(far, 'on-connect', { host: 'mx.test', context, timeoutMs: 2_000 }),
      ]),
      'handshake',
    );
    ours.write('to you');
    theirs.write('to me');
    const heard = (await within(Promise.all([once(theirs, 'data'), once(ours, 'data')]), 'data')) as [
      [Buffer],
      [Buffer],
    ];
    assert.deepEqual(
      heard.map(([chunk]) => chunk.toString()),
      ['to you', 'to me'],
    );
    assert.equal(theirs.authorized, true);
    theirs.destroy();
    ours.destroy();
  });

  for (const [title, act] of [
    ['garbage', (far: Duplex) => void far.write('garbage, garbage\r\n')],
    ['its end', (far: Duplex) => void far.end()],
    ['silence', () => {}],
    ['its destruction', (_far: Duplex, near: Duplex) => void near.destroy()],
  ] as const) {
    it(`${title}: rejected once, and the stream is destroyed`, async () => {
      const { near, far } = duplexPair();
      far.on('error', () => {}).resume();
      const work = ending(upgrade(engine, near, proof(), 300));
      act(far, near);
      const { error, settled } = await work;
      assert.ok(error instanceof HandshakeFailedError || error instanceof HandshakeTimeoutError, String(error));
      assert.deepEqual([settled, near.destroyed], [1, true]);
    });
  }
});

describe('Boundary, RFC 3207 §6', () => {
  it('gives a proof where nothing waits in either place, and counts both together where something does', async () => {
    const { near, far } = await pair();
    assert.ok(EmptyBuffer.is(new Boundary(near, Buffer.alloc(0), false).prove()));
    far.write('12345');
    near.read(0);
    await once(near, 'readable');
    near.removeAllListeners('readable');
    assert.deepEqual(new Boundary(near, Buffer.from('abc'), false).prove(), { unread: 8 });
    near.destroy();
    far.destroy();
  });

  it('blames the network, not the program, for a reset that the write of a reply has met', async () => {
    const { near, far } = await pair();
    far.resetAndDestroy();
    await sleep(20); // near does not read, and so does not know of it
    near.write('250 OK\r\n');
    assert.throws(
      () => new Boundary(near, Buffer.alloc(0), false),
      (error) => error instanceof HandshakeFailedError && error.reason === 'peer-closed' && error.fault === 'network',
    );
    near.destroy();
  });

  it('survives a reset, also when the session goes on in clear, and however often STARTTLS is refused', async () => {
    const { near, far } = await pair();
    for (let refused = 0; refused < 20; refused++) new Boundary(near, Buffer.alloc(0), false);
    assert.equal(near.listenerCount('error'), 1); // Node warns of the eleventh
    near.resume();
    far.resetAndDestroy();
    await within(new Promise((resolve) => near.once('close', resolve)), 'close');
  });
});
