import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ConnectionOptions,
  connect,
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocket,
} from 'node:tls';
import { CredentialMissingError } from '../../../src/credentials/errors.js';
import { contextOptions, Engine, type EnginePolicy, type Fate, type Verify } from '../../../src/net/engine.js';
import { serverTlsSettings } from '../../../src/net/server-tls-options.js';
import { TICKET_KEY_MS, TicketKeys } from '../../../src/net/ticket-keys.js';
import { TestAuthority } from '../../../src/testing/authority.js';
import { eventually, within } from '../../support/raw-client.js';

const authority = await TestAuthority.create();
const { cert, key } = await authority.issue({ name: 'mx.test' });

describe('Engine', () => {
  it('finds the raw socket of each TLS socket, and tells its own fate and no other', { timeout: 120_000 }, async () => {
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
  readonly subject: string | undefined;
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

interface ServeOptions {
  readonly verify?: Verify;
  readonly contextFor?: Fate['contextFor'];
  readonly tickets?: TicketKeys | null;
}

/** An engine behind a listener of its own; it says `hello` to whom it secured. */
async function serve(
  policy: Partial<EnginePolicy> = {},
  more: SecureContextOptions = {},
  { verify = 'none', contextFor = null, tickets = null }: ServeOptions = {},
): Promise<Running> {
  const credentials = { id: 'test', tls: { cert, key, ...more } };
  const engine = new Engine(credentials, { ...serverTlsSettings({}), ...policy }, verify, contextFor !== null, tickets);
  const fates: string[] = [];
  const raws: Socket[] = [];
  const server = createServer((raw) => {
    raws.push(raw.on('error', () => {}));
    engine.handshake(raw, {
      contextFor,
      secured: (socket) => {
        const { authorized, authorizationError } = socket;
        fates.push(verify === 'none' ? 'secured' : `secured ${authorized} ${authorizationError ?? ''}`.trimEnd());
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
          subject: socket.getPeerX509Certificate()?.subject,
          session: session ?? socket.getSession(),
        });
      } else
        resolve({
          error: error ?? 'closed',
          resumed: false,
          alpn: null,
          protocol: null,
          cipher: null,
          subject: undefined,
          session,
        });
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

  it('[R69] there is no suite for a client without forward secrecy', async () => {
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

describe('Engine, SPEC §5: client certificates', () => {
  const partial: object = { allowPartialTrustChain: true };
  const trusting = (...ca: string[]): SecureContextOptions => ({ ca, ...partial });

  /** What the server says of a client, once its fate is known; and whether the client heard anything but its end. */
  async function judged(running: Running, options: ConnectionOptions): Promise<readonly [string, boolean]> {
    const known = running.fates.length;
    const { error } = await running.client(options);
    await eventually('the fate is known', () => running.fates.length > known);
    return [running.fates[known] ?? '', error === null];
  }

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`try lets everybody in, and tells of each (${maxVersion})`, async () => {
      const other = await TestAuthority.create({ name: 'other' });
      const [good, strange] = await Promise.all([authority, other].map((one) => one.issue({ kind: 'client' })));
      await using running = await serve({}, trusting(authority.ca), { verify: 'try' });
      assert.deepEqual(
        [
          await judged(running, { maxVersion, cert: good?.cert, key: good?.key }),
          await judged(running, { maxVersion, cert: strange?.cert, key: strange?.key }),
          await judged(running, { maxVersion }),
        ],
        [
          ['secured true', true],
          ['secured false UNABLE_TO_GET_ISSUER_CERT_LOCALLY', true],
          ['secured false UNABLE_TO_GET_ISSUER_CERT', true],
        ],
      );
    });

    it(`verify secures nobody without a good certificate, and tells the reason (${maxVersion})`, async () => {
      const expired = await authority.issue({ kind: 'client', flaw: 'expired' });
      const good = await authority.issue({ kind: 'client' });
      await using running = await serve({}, trusting(authority.ca), { verify: 'verify' });
      assert.deepEqual(
        [
          await judged(running, { maxVersion, ...good }),
          await judged(running, { maxVersion, ...expired }),
          await judged(running, { maxVersion }),
        ],
        [
          ['secured true', true],
          ['CERT_HAS_EXPIRED', false],
          ['ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE', false],
        ],
      );
    });

    it(`a listed leaf is trusted itself, and no other of its issuer (${maxVersion}, SPEC §3)`, async () => {
      const other = await TestAuthority.create({ name: 'other' });
      const [listed, sibling] = [await other.issue({ kind: 'client' }), await other.issue({ kind: 'client' })];
      await using running = await serve({}, trusting(listed.cert), { verify: 'verify' });
      assert.deepEqual(
        [await judged(running, { maxVersion, ...listed }), await judged(running, { maxVersion, ...sibling })],
        [
          ['secured true', true],
          ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', false],
        ],
      );
    });

    it(`a revoked certificate is not verified (${maxVersion})`, async () => {
      const revoked = await authority.issue({ kind: 'client', flaw: 'revoked' });
      const good = await authority.issue({ kind: 'client' });
      await using running = await serve({}, { ...trusting(authority.ca), crl: authority.crl() }, { verify: 'try' });
      assert.deepEqual(
        [await judged(running, { maxVersion, ...good }), await judged(running, { maxVersion, ...revoked })],
        [
          ['secured true', true],
          ['secured false CERT_REVOKED', true],
        ],
      );
    });

    it(`nobody passes where nobody is trusted (${maxVersion})`, async () => {
      const good = await authority.issue({ kind: 'client' });
      await using running = await serve({}, trusting(), { verify: 'verify' });
      // The client sends its root along.
      assert.deepEqual(await judged(running, { maxVersion, ...good }), ['SELF_SIGNED_CERT_IN_CHAIN', false]);
    });

    it(`no session is resumed where a certificate is asked for (${maxVersion}, SECURITY finding 1)`, async () => {
      for (const verify of ['none', 'try'] as const) {
        await using running = await serve({}, trusting(authority.ca), { verify });
        const { session } = await running.client({ maxVersion });
        const again = await running.client({ maxVersion, ...(session && { session }) });
        // 'none' is the negative control: there the same client does resume.
        assert.deepEqual([again.error, again.resumed], [null, verify === 'none'], verify);
        assert.ok(!running.fates.some((fate) => fate === 'secured true'), running.fates.join());
      }
    });

    it(`no session of one verification resumes under another (${maxVersion}, SECURITY finding 2)`, async () => {
      const ticketKeys = randomBytes(48);
      await using open = await serve({}, { ...trusting(authority.ca), ticketKeys });
      const { session } = await open.client({ maxVersion });
      assert.ok(session);
      assert.equal((await open.client({ maxVersion, session })).resumed, true); // it can be resumed where it was made
      for (const verify of ['try', 'verify'] as const) {
        await using strict = await serve({}, { ...trusting(authority.ca), ticketKeys }, { verify });
        const [fate] = await judged(strict, { maxVersion, session });
        assert.ok(fate !== 'secured true', fate);
        assert.equal((await strict.client({ maxVersion, session })).resumed, false);
      }
    });
  }

  it('sends the issuer from among the trusted only where it asks for a certificate (SECURITY S30)', async () => {
    for (const verify of ['none', 'try'] as const) {
      await using running = await serve({}, trusting(authority.ca), { verify });
      // The client trusts nobody, so that what it knows of the chain is what was sent.
      const trust = { ca: [], rejectUnauthorized: false, servername: 'mx.test' };
      const socket = connect({ port: running.port, host: '127.0.0.1', ...trust });
      await within(once(socket, 'data'), 'hello');
      const issuer = socket.getPeerCertificate(true).issuerCertificate?.subject.CN;
      assert.equal(issuer, verify === 'none' ? undefined : 'tls-smtp test authority');
      socket.destroy();
    }
  });
});

describe('Engine, ticket keys from a secret', () => {
  const secret = randomBytes(32);

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`a session resumes at another engine with the same secret and policy, and at no other (${maxVersion})`, async () => {
      await using one = await serve({}, {}, { tickets: new TicketKeys(secret) });
      const { session } = await one.client({ maxVersion });
      assert.ok(session);
      const resumedAt = async (other: Running): Promise<boolean> => {
        await using running = other;
        const seen = await running.client({ maxVersion, session });
        assert.equal(seen.error, null);
        return seen.resumed;
      };
      const tickets = new TicketKeys(secret);
      assert.equal(await resumedAt(await serve({}, {}, { tickets })), true);
      assert.equal(await resumedAt(await serve({ alpn: ['smtp'] }, {}, { tickets })), false);
      assert.equal(await resumedAt(await serve({}, {}, { tickets: new TicketKeys(randomBytes(32)) })), false);
      assert.equal(await resumedAt(await serve({}, {}, { tickets: null })), false);
      assert.equal(await resumedAt(await serve({}, { ca: [authority.ca] }, { tickets, verify: 'try' })), false);
    });

    it(`none resumes where a certificate is asked for, whatever the secret (${maxVersion}, SECURITY finding 1)`, async () => {
      await using running = await serve({}, { ca: [authority.ca] }, { tickets: new TicketKeys(secret), verify: 'try' });
      const { session } = await running.client({ maxVersion });
      assert.equal((await running.client({ maxVersion, ...(session && { session }) })).resumed, false);
    });

    it(`[R62] with the next ticket key a session of before takes a full handshake, and its successor resumes (${maxVersion})`, async (t) => {
      await using running = await serve({}, {}, { tickets: new TicketKeys(secret) });
      const begun = Date.now();
      const { session } = await running.client({ maxVersion });
      assert.ok(session);
      assert.equal((await running.client({ maxVersion, session })).resumed, true);
      t.mock.method(Date, 'now', () => begun + TICKET_KEY_MS);
      const next = await running.client({ maxVersion, session });
      assert.deepEqual([next.error, next.resumed], [null, false]);
      assert.ok(next.session);
      assert.equal((await running.client({ maxVersion, session: next.session })).resumed, true);
    });

    it(`a session resumes also where the certificate is chosen by name (${maxVersion})`, async () => {
      const tickets = new TicketKeys(secret);
      const other = await authority.issue({ name: 'other.test' });
      const contextFor = async (): Promise<SecureContext> =>
        createSecureContext(contextOptions({ id: 'other', tls: other }, serverTlsSettings({}), 'none'));
      await using one = await serve({}, {}, { tickets, contextFor });
      await using two = await serve({}, {}, { tickets, contextFor });
      const { session, subject } = await one.client({ maxVersion, servername: 'other.test' });
      assert.ok(session);
      const seen = await two.client({ maxVersion, servername: 'other.test', session });
      assert.deepEqual([subject, seen.error, seen.resumed], ['CN=other.test', null, true]);
    });
  }
});

describe('Engine, SPEC §3: certificates by server name', () => {
  async function named(): Promise<{ readonly running: Running; readonly asked: string[] }> {
    const other = await authority.issue({ name: 'other.test' });
    const asked: string[] = [];
    const contextFor = async (serverName: string): Promise<SecureContext | null> => {
      asked.push(serverName);
      if (serverName === 'throws.test') throw new CredentialMissingError();
      if (serverName !== 'other.test') return null;
      const policy = serverTlsSettings({});
      return createSecureContext(contextOptions({ id: 'other', tls: other }, policy, 'none'));
    };
    return { running: await serve({}, {}, { contextFor }), asked };
  }

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`gives the certificate of the name, and the default for an unknown name or none (${maxVersion})`, async () => {
      const { running, asked } = await named();
      await using _running = running;
      const checkServerIdentity = (): undefined => undefined;
      const subject = async (servername: string): Promise<unknown> => {
        return (await running.client({ maxVersion, servername, checkServerIdentity })).subject;
      };
      assert.deepEqual(
        [await subject('other.test'), await subject('unknown.test'), await subject('')],
        ['CN=other.test', 'CN=mx.test', 'CN=mx.test'],
      );
      assert.deepEqual(asked, ['other.test', 'unknown.test']);
    });

    it(`ends the handshake with the error where a name cannot be served, and goes on serving (${maxVersion})`, async () => {
      const { running } = await named();
      await using _running = running;
      assert.notEqual((await running.client({ maxVersion, servername: 'throws.test' })).error, null);
      await eventually('the fate is known', () => running.fates.length > 0);
      assert.equal(running.fates[0], 'ERR_TLS_SMTP_CREDENTIAL_MISSING');
      assert.equal((await running.client({ maxVersion })).error, null);
    });
  }

  it('verifies clients by name as without one', async () => {
    const [listed, sibling] = [await authority.issue({ kind: 'client' }), await authority.issue({ kind: 'client' })];
    const trust = { ca: [listed.cert], ...{ allowPartialTrustChain: true } };
    const options = contextOptions({ id: 'named', tls: { cert, key, ...trust } }, serverTlsSettings({}), 'try');
    const contextFor = async (): Promise<SecureContext> => createSecureContext(options);
    await using running = await serve({}, trust, { verify: 'try', contextFor });
    for (const client of [listed, sibling]) await running.client(client);
    await eventually('both fates are known', () => running.fates.length === 2);
    // The client sends its root along.
    assert.deepEqual(running.fates, ['secured true', 'secured false SELF_SIGNED_CERT_IN_CHAIN']);
  });

  it('survives a callback that throws at once (CVE-2026-21637)', async () => {
    const contextFor = (): never => {
      throw new Error('at once');
    };
    await using running = await serve({}, {}, { contextFor });
    assert.notEqual((await running.client()).error, null);
    await eventually('the raw socket is closed', () => running.raws[0]?.destroyed === true);
  });

  it('survives a raw socket that is destroyed while it is asked (a segmentation fault of Node 20)', async () => {
    for (const late of [false, true]) {
      const raws: Socket[] = [];
      const contextFor = async (): Promise<null> => {
        if (late) await sleep(10);
        for (const raw of raws) raw.destroy();
        throw new CredentialMissingError();
      };
      await using running = await serve({}, {}, { contextFor });
      const work = running.client();
      await eventually('the client is there', () => running.raws.length > 0);
      raws.push(...running.raws);
      assert.notEqual((await work).error, null);
    }
  });

  it('waits for nobody whose client is gone', async () => {
    let answer = (_context: SecureContext | null): void => {};
    const contextFor = (): Promise<SecureContext | null> =>
      new Promise((resolve) => {
        answer = resolve;
      });
    await using running = await serve({ handshakeTimeoutMs: 100 }, {}, { contextFor });
    assert.notEqual((await running.client()).error, null);
    await eventually('the fate is known', () => running.fates.length > 0);
    assert.equal(running.fates[0], 'ERR_TLS_HANDSHAKE_TIMEOUT');
    answer(null); // into a socket that was destroyed
    await sleep(20);
    assert.equal(running.fates.length, 1);
  });
});
