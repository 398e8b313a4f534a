import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionOptions, connect, type SecureContextOptions, type TLSSocket } from 'node:tls';
import { Engine, type EnginePolicy } from '../../../src/net/engine.js';
import { serverTlsSettings } from '../../../src/net/server-tls-options.js';
import { TestAuthority } from '../../../src/testing/authority.js';
import { eventually, within } from '../../support/raw-client.js';

const authority = await TestAuthority.create();
const { cert, key } = await authority.issue({ name: 'mx.test' });

describe('Engine', () => {
  it('finds the raw socket of each TLS socket, and tells its own fate and no other', { timeout: 10_000 }, async () => {
    const engine = new Engine({ id: 'test', tls: { cert, key } }, serverTlsSettings({}));
    const fates: string[] = [];
    let next = 0;
    const server = createServer((raw) => {
      const id = next++;
      raw.on('error', () => {});
      engine.handshake(raw, {
        secured: (socket: TLSSocket) => {
          socket.on('error', () => {});
          fates.push(`${id} secured ${socket.remotePort === raw.remotePort}`);
        },
        failed: () => fates.push(`${id} failed`),
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    for (const good of [true, false, true]) {
      const raw = dial(port, '127.0.0.1');
      await once(raw, 'connect');
      if (good) {
        const secured = connect({ socket: raw, ca: authority.ca, servername: 'mx.test' });
        await once(secured, 'secureConnect');
        const known = fates.length;
        while (fates.length === known) await sleep(5); // TLS 1.3: the client is done before the server
        secured.destroy();
      } else {
        raw.write('no TLS\r\n');
        await once(raw, 'close');
      }
    }
    assert.deepEqual(fates, ['0 secured true', '1 failed', '2 secured true']);
    server.close();
  });
});

/** What a client saw of one handshake; TLS 1.3 tells it of a refusal only behind its own `secureConnect`. */
interface Seen {
  readonly error: string | null;
  readonly resumed: boolean;
  readonly alpn: string | false | null;
  readonly protocol: string | null;
  readonly cipher: string | null;
  readonly session: Buffer | undefined;
}

interface Running extends AsyncDisposable {
  readonly port: number;
  /** How each handshake ended, in order. */
  readonly fates: string[];
  readonly raws: Socket[];
  /** Handshakes, hears `hello`, and closes. */
  client(options?: ConnectionOptions): Promise<Seen>;
}

/** An engine behind a listener of its own; it says `hello` to whom it secured. */
async function serve(policy: Partial<EnginePolicy> = {}, more: SecureContextOptions = {}): Promise<Running> {
  const engine = new Engine({ id: 'test', tls: { cert, key, ...more } }, { ...serverTlsSettings({}), ...policy });
  const fates: string[] = [];
  const raws: Socket[] = [];
  const server = createServer((raw) => {
    raws.push(raw.on('error', () => {}));
    engine.handshake(raw, {
      secured: (socket) => {
        fates.push('secured');
        socket.on('error', () => {}).write('hello');
      },
      failed: (cause) => fates.push((cause as { code?: string }).code ?? 'no code'),
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    fates,
    raws,
    client: (options = {}) => within(handshake(port, options), 'one handshake'),
    async [Symbol.asyncDispose]() {
      for (const raw of raws) raw.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function handshake(port: number, options: ConnectionOptions): Promise<Seen> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', ca: authority.ca, servername: 'mx.test', ...options });
    let session: Buffer | undefined;
    const end = (error: string | null): void => {
      // Only a live socket is asked: on Node 20, isSessionReused() and its kin abort the process behind 'close'.
      if (error === null && !socket.destroyed) {
        resolve({
          error,
          resumed: socket.isSessionReused(),
          alpn: socket.alpnProtocol,
          protocol: socket.getProtocol(),
          cipher: socket.getCipher().name,
          session: session ?? socket.getSession(),
        });
      } else resolve({ error: error ?? 'closed', resumed: false, alpn: null, protocol: null, cipher: null, session });
      socket.destroy();
    };
    socket.on('session', (ticket) => {
      session = ticket;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    socket.on('close', () => end('closed'));
    socket.on('data', () => setImmediate(end, null));
  });
}

describe('Engine, SPEC §5, TLS hygiene', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`resumes a second session (${version}): all connections share it`, async () => {
      await using running = await serve();
      const first = await running.client({ maxVersion: version });
      assert.ok(first.session);
      const second = await running.client({ maxVersion: version, session: first.session });
      assert.deepEqual([first.resumed, second.resumed, second.protocol], [false, true, version]);
      assert.deepEqual(running.fates, ['secured', 'secured']);
    });

    it(`resumes no session of another policy (${version}): the sessionIdContext differs`, async () => {
      const ticketKeys = randomBytes(48); // shared, so that nothing but the sessionIdContext can tell them apart
      await using one = await serve({}, { ticketKeys });
      await using same = await serve({}, { ticketKeys });
      const { session } = await one.client({ maxVersion: version });
      assert.ok(session);
      assert.equal((await same.client({ maxVersion: version, session })).resumed, true);
      for (const policy of [{ handshakeTimeoutMs: 29_999 }, { alpn: ['smtp'] }, { ciphers: 'HIGH' }]) {
        await using other = await serve(policy, { ticketKeys });
        const seen = await other.client({ maxVersion: version, session });
        assert.deepEqual([seen.error, seen.resumed], [null, false], Object.keys(policy).join());
      }
    });
  }

  it('refuses renegotiation on TLS 1.2, and goes on serving others', async () => {
    await using running = await serve();
    const socket = connect({
      port: running.port,
      host: '127.0.0.1',
      ca: authority.ca,
      servername: 'mx.test',
      maxVersion: 'TLSv1.2',
    });
    await within(once(socket, 'data'), 'hello');
    const refused = await within(
      new Promise<boolean>((resolve) => {
        socket.on('error', () => resolve(true));
        socket.on('close', () => resolve(true));
        socket.renegotiate({}, (error) => resolve(error !== null));
      }),
      'an end of the renegotiation',
    );
    socket.destroy();
    assert.equal(refused, true);
    assert.equal((await running.client()).error, null);
  });

  it('ALPN: refuses a client that offers only foreign protocols (RFC 7301 §3.2)', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      await using running = await serve();
      const { error } = await running.client({ ALPNProtocols: ['h2', 'http/1.1'], maxVersion: version });
      assert.match(error ?? '', /NO_APPLICATION_PROTOCOL/);
      await eventually('the fate is known', () => running.fates.length === 1);
      assert.match(running.fates[0] ?? '', /NO_APPLICATION_PROTOCOL/);
      await eventually('the raw socket is closed', () => running.raws[0]?.destroyed === true);
    }
  });

  it('ALPN: serves a client that offers none, and takes ours where it is among others', async () => {
    await using running = await serve();
    const alpn = async (offer: string[]): Promise<unknown> => (await running.client({ ALPNProtocols: offer })).alpn;
    assert.equal((await running.client()).alpn, false);
    assert.deepEqual(
      [await alpn(['smtp']), await alpn(['esmtp']), await alpn(['h2', 'smtp'])],
      ['smtp', 'esmtp', 'smtp'],
    );
  });

  it('ALPN: an empty list of ours refuses nobody', async () => {
    await using running = await serve({ alpn: [] });
    const seen = await running.client({ ALPNProtocols: ['h2'] });
    assert.deepEqual([seen.error, running.fates], [null, ['secured']]);
  });

  it('refuses TLS 1.1 and older by default (RFC 9325 §3.1.1)', async () => {
    await using running = await serve();
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
    assert.notEqual((await running.client(old)).error, null);
    await eventually('the fate is known', () => running.fates.length === 1);
    assert.deepEqual(running.fates, ['ERR_SSL_UNSUPPORTED_PROTOCOL']);
  });

  it('keeps to its versions', async () => {
    await using newest = await serve({ minVersion: 'TLSv1.3' });
    assert.notEqual((await newest.client({ maxVersion: 'TLSv1.2' })).error, null);
    await using older = await serve({ maxVersion: 'TLSv1.2' });
    assert.equal((await older.client()).protocol, 'TLSv1.2');
  });

  it('chooses the suite by its own order, not by the client’s', async () => {
    await using running = await serve({ maxVersion: 'TLSv1.2', ciphers: serverTlsSettings({}).ciphers });
    const ciphers = 'ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384';
    assert.equal((await running.client({ ciphers })).cipher, 'ECDHE-ECDSA-AES256-GCM-SHA384');
  });

  it('has no suite for a client without forward secrecy', async () => {
    const rsa = await authority.issue({ name: 'mx.test', key: 'rsa' });
    await using running = await serve({}, rsa);
    const { error } = await running.client({ maxVersion: 'TLSv1.2', ciphers: 'AES256-GCM-SHA384' });
    assert.notEqual(error, null);
    await eventually('the fate is known', () => running.fates.length === 1);
    assert.deepEqual(running.fates, ['ERR_SSL_NO_SHARED_CIPHER']);
  });

  it('serves a client that asks for an unknown name, or for none', async () => {
    await using running = await serve();
    const checkServerIdentity = (): undefined => undefined;
    assert.equal((await running.client({ servername: 'unknown.test', checkServerIdentity })).error, null);
    assert.equal((await running.client({ servername: '', checkServerIdentity })).error, null);
  });

  it('ends a silent handshake at its timeout, tells it once, and closes the raw socket', async () => {
    await using running = await serve({ handshakeTimeoutMs: 150 });
    const raw = dial(running.port, '127.0.0.1').on('error', () => {});
    const begun = performance.now();
    await within(once(raw.resume(), 'close'), 'close', 2_000);
    const tookMs = performance.now() - begun;
    assert.ok(tookMs > 100 && tookMs < 1_000, `${tookMs} ms`);
    assert.deepEqual(running.fates, ['ERR_TLS_HANDSHAKE_TIMEOUT']);
  });

  it('tells many handshakes at once apart', async () => {
    await using running = await serve();
    const seen = await Promise.all(Array.from({ length: 20 }, () => running.client()));
    assert.ok(seen.every(({ error }) => error === null));
    assert.deepEqual(running.fates, Array(20).fill('secured'));
  });
});
