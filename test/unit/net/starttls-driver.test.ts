import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { after, describe, it } from 'node:test';
import { CredentialMissingError } from '../../../src/credentials/errors.js';
import type { TlsSmtpError } from '../../../src/errors.js';
import type { TlsInfo } from '../../../src/inspect/tls-info.js';
import { ClientRules } from '../../../src/net/client-rules.js';
import { Engine } from '../../../src/net/engine.js';
import { type ServerTlsOptions, serverTlsSettings } from '../../../src/net/server-tls-options.js';
import { type DriverContext, StartTlsDriver } from '../../../src/net/starttls-driver.js';
import { HandshakesBusyError } from '../../../src/net/starttls-errors.js';
import { type ServerPolicyOptions, ServerTlsPolicy } from '../../../src/policy/server-policy.js';
import { reject } from '../../../src/smtp/rejection.js';
import { formatReply } from '../../../src/smtp/reply.js';
import { TestAuthority } from '../../../src/testing/authority.js';
import { eventually, outsideTlsRecords, RawClient, sleep, within } from '../../support/raw-client.js';

const authority = await TestAuthority.create();
const { cert, key } = await authority.issue({ name: 'mx.test' });
const trust = { ca: authority.ca };
const PLAIN = { args: '', unread: Buffer.alloc(0) };
const READY = '220 2.0.0 Ready to start TLS';

const listener = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, '127.0.0.1');
await once(listener, 'listening');
after(() => listener.close());

/** A session on a real socket, with a client at the other end and all that the session told its server. */
interface Stage extends AsyncDisposable {
  readonly session: StartTlsDriver;
  readonly near: Socket;
  readonly client: RawClient;
  readonly errors: TlsSmtpError[];
  readonly lockouts: TlsSmtpError[];
  readonly secured: TlsInfo[];
  /** How many places are held among the handshakes. */
  readonly held: () => number;
}

interface StageOptions {
  readonly tls?: ServerTlsOptions;
  readonly consult?: DriverContext['consult'];
  readonly credentials?: DriverContext['credentials'];
  readonly busy?: boolean;
  readonly policy?: ServerPolicyOptions & { readonly verifyCertificates?: string };
  readonly lockoutMs?: number;
  readonly handlerTimeoutMs?: number;
}

async function stage(options: StageOptions = {}): Promise<Stage> {
  const settings = serverTlsSettings({ handshakeTimeoutMs: 1_000, ...options.tls });
  const errors: TlsSmtpError[] = [];
  const lockouts: TlsSmtpError[] = [];
  const secured: TlsInfo[] = [];
  let held = 0;
  const built = new Engine({ id: 'test', tls: { cert, key } }, settings);
  const peer = { address: '192.0.2.1' };
  const policy = new ServerTlsPolicy({ advertiseHosts: '*', ...options.policy });
  const session = new StartTlsDriver(peer, new ClientRules(policy, peer), {
    settings,
    lockoutMs: options.lockoutMs ?? 60_000,
    handlerTimeoutMs: options.handlerTimeoutMs ?? 1_000,
    consult: options.consult ?? null,
    credentials: options.credentials ?? (async () => ({ engine: built, contextFor: null, rule: 'none' })),
    reserve: () => {
      if (options.busy) throw new HandshakesBusyError(1);
      held++;
      return () => void held--;
    },
    ended: () => {},
    succeeded: (tls) => secured.push(tls),
    failed: (error) => errors.push(error),
    lockedOut: (error) => lockouts.push(error),
  });
  const accepted = once(listener, 'connection') as Promise<[Socket]>;
  const client = await RawClient.connect((listener.address() as AddressInfo).port);
  const [near] = await accepted;
  return {
    session,
    near,
    client,
    errors,
    lockouts,
    secured,
    held: () => held,
    async [Symbol.asyncDispose]() {
      client.destroy();
      near.destroy();
    },
  };
}

const NO_ENGINE = { credentials: () => Promise.reject(new CredentialMissingError()) };

/** EHLO, then a STARTTLS for which no credentials can be had. */
async function lockedOut(options: StageOptions = {}): Promise<Stage> {
  const set = await stage({ ...NO_ENGINE, ...options });
  await set.session.ehlo('client.test');
  const result = await set.session.starttls(set.near, PLAIN);
  assert.ok(result.kind === 'refused' && result.then === 'locked-out');
  assert.equal(await set.client.reply(), '454 4.7.0 TLS not available due to temporary reason');
  return set;
}

describe('StartTlsDriver.ehlo and helo, RFC 3207 §4.2', { timeout: 120_000 }, () => {
  it('offers STARTTLS in clear, where there is TLS to offer', async () => {
    await using set = await stage();
    assert.deepEqual([await set.session.ehlo('a'), set.session.state], [['STARTTLS'], 'clear']);
    await using without = await stage({ policy: { advertiseHosts: '!*' } });
    assert.deepEqual(await without.session.ehlo('a'), []);
  });

  it('without EHLO, behind HELO, or where it was not offered: 503 5.5.1, and the session goes on', async () => {
    for (const prepare of [
      async () => {},
      async (session: StartTlsDriver) => session.helo('a'),
      async (session: StartTlsDriver) => {
        await session.ehlo('a');
        session.helo('a');
      },
    ]) {
      await using set = await stage();
      await prepare(set.session);
      const result = await set.session.starttls(set.near, PLAIN);
      assert.ok(result.kind === 'refused');
      assert.deepEqual([result.reply.code, result.then, set.session.state], [503, 'continue', 'clear']);
      assert.equal(await set.client.reply(), '503 5.5.1 STARTTLS was not advertised');
      assert.deepEqual(set.errors, []);
    }
  });
});

describe('StartTlsDriver.starttls, SPEC §5: success', { timeout: 120_000 }, () => {
  it('says 220 once, secures, and tells its server once; inside TLS nothing is offered', async () => {
    await using set = await stage();
    await set.session.ehlo('client.test');
    const [result] = await Promise.all([
      set.session.starttls(set.near, PLAIN),
      set.client.reply().then(async (reply) => {
        assert.equal(reply, READY);
        await set.client.upgrade(trust);
      }),
    ]);
    assert.ok(result.kind === 'secured');
    assert.deepEqual(
      [result.tls.mode, result.socket.encrypted, set.session.state, set.secured, set.errors, set.held()],
      ['starttls', true, 'secured', [result.tls], [], 0],
    );
    assert.deepEqual(await set.session.ehlo('client.test'), []);
    assert.equal(set.session.gate('MAIL FROM:<>'), null);
    assert.equal(set.client.clearText, `${READY}\r\n`);
    result.socket.destroy();
  });

  it('STARTTLS inside TLS: 554 5.5.1 through TLS, and the session goes on inside TLS', async () => {
    await using set = await stage();
    await set.session.ehlo('client.test');
    const upgraded = set.client.reply().then(() => set.client.upgrade(trust));
    const result = await set.session.starttls(set.near, PLAIN);
    await upgraded;
    assert.ok(result.kind === 'secured');
    const again = await set.session.starttls(result.socket, PLAIN);
    assert.ok(again.kind === 'refused');
    assert.deepEqual([again.reply.code, again.then, set.session.state], [554, 'continue', 'secured']);
    assert.equal(await set.client.reply(), '554 5.5.1 TLS is already active');
    result.socket.destroy();
  });

  it('has the credentials before it says 220', async () => {
    let load = (): void => {};
    const loading = new Promise<void>((resolve) => {
      load = resolve;
    });
    const engine = new Engine({ id: 'test', tls: { cert, key } }, serverTlsSettings({}));
    await using set = await stage({
      credentials: () => loading.then(() => ({ engine, contextFor: null, rule: 'none' as const })),
    });
    await set.session.ehlo('client.test');
    const work = set.session.starttls(set.near, PLAIN);
    await sleep(40);
    assert.deepEqual([set.client.unread, set.held(), set.session.state], ['', 1, 'clear']);
    load();
    assert.equal(await set.client.reply(), READY);
    await set.client.upgrade(trust);
    assert.equal((await work).kind, 'secured');
  });
});

describe('StartTlsDriver.starttls, SPEC §5: refusals', { timeout: 120_000 }, () => {
  it('pauses the socket in the tick of the call', async () => {
    await using set = await stage();
    set.near.resume();
    const work = set.session.starttls(set.near, PLAIN);
    assert.equal(set.near.isPaused(), true);
    await work;
  });

  it('gives the socket back behind a refusal: paused, and with no listener of ours on it that reads', async () => {
    await using set = await stage();
    const result = await set.session.starttls(set.near, { ...PLAIN, args: 'x' });
    assert.ok(result.kind === 'refused');
    assert.deepEqual([result.reply.code, result.then, set.near.isPaused()], [501, 'continue', true]);
    assert.deepEqual([set.near.listenerCount('data'), set.near.listenerCount('readable')], [0, 0]);
    const heard = once(set.near, 'data') as Promise<[Buffer]>;
    set.near.resume();
    await set.client.send('NOOP\r\n');
    assert.equal((await within(heard, 'NOOP'))[0].toString(), 'NOOP\r\n');
  });

  it('octets read behind the command: 554 5.5.1 arrives, they are counted, the connection closes', async () => {
    await using set = await stage();
    await set.session.ehlo('client.test');
    const result = await set.session.starttls(set.near, { args: '', unread: Buffer.from('RSET\r\n') });
    assert.ok(result.kind === 'refused');
    assert.deepEqual([result.reply.code, result.then, set.session.state], [554, 'closed', 'closed']);
    assert.match((await set.client.untilClosed()).replies.join(), /^554 5\.5\.1 /);
    assert.deepEqual(
      set.errors.map((error) => [error.code, (error as { discardedOctets?: number }).discardedOctets]),
      [['ERR_TLS_SMTP_PLAINTEXT_AFTER_STARTTLS', 6]],
    );
  });

  it('octets that come while the application is asked: 554 in place of the 220', async () => {
    await using set = await stage({ consult: () => sleep(80) });
    await set.session.ehlo('client.test');
    const work = set.session.starttls(set.near, PLAIN);
    set.near.read(0);
    await set.client.send('RSET\r\n');
    const result = await work;
    assert.ok(result.kind === 'refused' && result.then === 'closed');
    assert.match((await set.client.untilClosed()).replies.join(), /^554 5\.5\.1 [^,]*$/);
    assert.deepEqual([set.errors.length, set.held()], [1, 0]);
  });

  it('the application refuses: its own reply, 550 5.7.1 for false, 451 4.7.1 for any other throw', async () => {
    for (const [consult, reply, events] of [
      [() => false, '550 5.7.1 Administrative prohibition', []],
      [() => Promise.reject(reject(454, '4.7.5', 'not you')), '454 4.7.5 not you', []],
      [
        () => {
          throw new Error('database password');
        },
        '451 4.7.1 Local problem, try again later',
        ['ERR_TLS_SMTP_HANDLER_FAILED'],
      ],
    ] as const) {
      await using set = await stage({ consult });
      await set.session.ehlo('client.test');
      const result = await set.session.starttls(set.near, PLAIN);
      assert.ok(result.kind === 'refused' && result.then === 'continue');
      assert.equal(formatReply(result.reply), `${reply}\r\n`);
      assert.equal(await set.client.reply(), reply);
      assert.deepEqual(
        set.errors.map(({ code }) => code),
        events,
      );
      assert.deepEqual([set.session.state, set.held(), await set.session.ehlo('x')], ['clear', 0, ['STARTTLS']]);
    }
  });

  it('nothing but false is a refusal: undefined, null, 0 and an empty string permit', async () => {
    for (const answer of [undefined, null, 0, '']) {
      await using set = await stage({ consult: () => answer });
      await set.session.ehlo('client.test');
      const work = set.session.starttls(set.near, PLAIN);
      assert.equal(await set.client.reply(), READY);
      await set.client.upgrade(trust);
      assert.equal((await work).kind, 'secured');
    }
  });

  it('too many handshakes: 454 4.7.0, no lock-out, one event, and STARTTLS may be tried again', async () => {
    await using set = await stage({ busy: true });
    await set.session.ehlo('client.test');
    for (const times of [1, 2]) {
      const result = await set.session.starttls(set.near, PLAIN);
      assert.ok(result.kind === 'refused' && result.then === 'continue');
      assert.equal(await set.client.reply(), '454 4.7.0 TLS not available now, try again later');
      assert.deepEqual([set.errors.length, set.lockouts.length, set.session.gate('NOOP')], [times, 0, null]);
    }
  });

  it("no credentials, 'continue': 454 4.7.0 and the clear session goes on", async () => {
    await using set = await stage({ ...NO_ENGINE, tls: { whenUnavailable: 'continue' } });
    await set.session.ehlo('client.test');
    const result = await set.session.starttls(set.near, PLAIN);
    assert.ok(result.kind === 'refused' && result.then === 'continue');
    assert.deepEqual([set.session.gate('MAIL FROM:<>'), set.lockouts.length, set.held()], [null, 0, 0]);
    assert.deepEqual(
      set.errors.map(({ code }) => code),
      ['ERR_TLS_SMTP_CREDENTIAL_MISSING'],
    );
  });

  it('tells the credentials what the client called itself in clear, and forgets it with TLS (RFC 3207 §4.2)', async () => {
    const engine = new Engine({ id: 'test', tls: { cert, key } }, serverTlsSettings({}));
    const asked: (string | null)[] = [];
    await using set = await stage({
      credentials: async (_peer, heloName) => {
        asked.push(heloName);
        return { engine, contextFor: null, rule: 'none' };
      },
    });
    set.session.helo('first.test');
    await set.session.ehlo('second.test');
    const work = set.session.starttls(set.near, PLAIN);
    await set.client.reply();
    await set.client.upgrade(trust);
    assert.equal((await work).kind, 'secured');
    await using other = await stage({
      credentials: async (_peer, heloName) => {
        asked.push(heloName);
        return { engine, contextFor: null, rule: 'none' };
      },
    });
    const direct = other.session.tlsOnConnect(other.near);
    await other.client.upgrade(trust);
    await direct;
    assert.deepEqual(asked, ['second.test', null]);
  });

  it('an engine that OpenSSL does not build: a TlsSmtpError with the code, without OpenSSL’s text', async () => {
    const broken = Object.assign(new Error('error:0A0000B9:/secret/path'), { code: 'ERR_SSL_BAD_VALUE' });
    await using set = await lockedOut({ credentials: () => Promise.reject(broken) });
    assert.deepEqual(
      set.lockouts.map(({ code, message }) => [code, message]),
      [
        [
          'ERR_TLS_SMTP_CREDENTIAL_INVALID',
          'tls: certificate, key and ciphers: OpenSSL refuses them (ERR_SSL_BAD_VALUE)',
        ],
      ],
    );
  });
});

describe('StartTlsDriver.gate, SPEC §5: the lock-out', { timeout: 120_000 }, () => {
  it('10 commands get 554 5.7.0, then 421 4.7.0, and the connection closes; QUIT is let through', async () => {
    await using set = await lockedOut();
    assert.equal(set.session.state, 'locked-out');
    for (const line of ['NOOP', 'EHLO x', 'MAIL FROM:<>', 'starttls', '', 'RSET', 'DATA', 'HELP', 'AUTH', 'x y']) {
      assert.equal(set.session.gate('QUIT'), null);
      assert.equal(set.session.gate('quit'), null);
      assert.equal(set.session.gate(line)?.code, 554, line);
    }
    assert.equal(set.session.gate('NOOP')?.code, 421);
    assert.equal(set.session.state, 'closed');
    await within(set.client.closed(), 'close');
    assert.deepEqual([set.lockouts.length, set.errors.length], [1, 0]);
  });

  it('counts EHLO and HELO that were not gated too, and closes whatever the program answers to them', async () => {
    await using set = await lockedOut();
    for (let count = 0; count < 10; count++) await set.session.ehlo('client.test');
    assert.equal(set.session.state, 'locked-out');
    set.session.helo('client.test');
    assert.equal(set.session.state, 'closed');
    await within(set.client.closed(), 'close');
  });

  it('lets no command through behind its 421, pipelined ones above all', async () => {
    await using set = await lockedOut();
    for (let count = 0; count < 11; count++) set.session.gate('NOOP');
    assert.equal(set.session.state, 'closed');
    assert.notEqual(set.session.gate('MAIL FROM:<a@x.test>'), null); // null is: go on, run it
  });

  it('ends with its time: 421 4.7.0 without a word from the client, then close', async () => {
    await using set = await lockedOut({ lockoutMs: 60 });
    assert.deepEqual((await set.client.untilClosed()).replies, [
      '421 4.7.0 Too many commands without security, closing',
    ]);
    assert.equal(set.session.state, 'closed');
  });

  it('its time is not prolonged by a further STARTTLS', async () => {
    await using set = await lockedOut({ lockoutMs: 600 });
    const begun = performance.now();
    await sleep(500);
    const result = await set.session.starttls(set.near, PLAIN);
    assert.ok(result.kind === 'refused' && result.then === 'locked-out' && result.reply.code === 554);
    await set.client.untilClosed();
    assert.ok(performance.now() - begun < 1_050, 'the time began with the 454');
  });

  it('octets behind a STARTTLS are an injection there too: 554 5.5.1 and close', async () => {
    await using set = await lockedOut();
    const result = await set.session.starttls(set.near, { args: '', unread: Buffer.from('x') });
    assert.ok(result.kind === 'refused' && result.then === 'closed');
    assert.match((await set.client.untilClosed()).replies.join(), /^554 5\.5\.1 /);
  });
});

describe('StartTlsDriver.starttls, SPEC §5: behind the 220 nothing is said in clear', { timeout: 120_000 }, () => {
  for (const [title, act, code] of [
    ['garbage', (client: RawClient) => client.send('MAIL FROM:<>\r\n'), 'ERR_TLS_SMTP_HANDSHAKE_FAILED'],
    ['FIN', async (client: RawClient) => client.finish(), 'ERR_TLS_SMTP_HANDSHAKE_FAILED'],
    ['RST', async (client: RawClient) => client.reset(), 'ERR_TLS_SMTP_HANDSHAKE_FAILED'],
    ['silence', async () => {}, 'ERR_TLS_SMTP_HANDSHAKE_TIMEOUT'],
  ] as const) {
    it(`${title}: rejected, closed, one event, the place given back`, async () => {
      await using set = await stage({ tls: { handshakeTimeoutMs: 200 } });
      await set.session.ehlo('client.test');
      const work = assert.rejects(set.session.starttls(set.near, PLAIN), { code });
      assert.equal(await set.client.reply(), READY);
      await act(set.client);
      await within(work, 'the rejection');
      assert.deepEqual(
        [set.session.state, set.near.destroyed, set.held(), set.errors.map((error) => error.code)],
        ['closed', true, 0, [code]],
      );
      if (title !== 'RST') await set.client.closed();
      const behind = Buffer.concat(set.client.clear).subarray(`${READY}\r\n`.length);
      assert.equal(outsideTlsRecords(behind).length, 0);
    });
  }

  it('a client that does not read the 220 holds its place for the time of a handshake, and no longer', async () => {
    await using set = await stage({ tls: { handshakeTimeoutMs: 100 } });
    await set.session.ehlo('client.test');
    const unread = new Duplex({ read() {}, write() {} }); // no write ever ends
    const begun = performance.now();
    const work = assert.rejects(set.session.starttls(unread, PLAIN), { code: 'ERR_TLS_SMTP_HANDSHAKE_TIMEOUT' });
    await sleep(40);
    assert.equal(set.held(), 1);
    await within(work, 'the rejection');
    assert.ok(performance.now() - begun < 1_500);
    assert.deepEqual([set.held(), unread.destroyed, set.errors.length], [0, true, 1]);
  });

  it('a slow 220 counts: the handshake has what is left of its time', async () => {
    await using set = await stage({ tls: { handshakeTimeoutMs: 1_500 } });
    await set.session.ehlo('client.test');
    const slow = new Duplex({ read() {}, write: (_chunk, _encoding, done) => void setTimeout(done, 1_000) });
    const begun = performance.now();
    await assert.rejects(set.session.starttls(slow, PLAIN), { code: 'ERR_TLS_SMTP_HANDSHAKE_TIMEOUT' });
    assert.ok(performance.now() - begun < 2_400, `${performance.now() - begun}`); // 1,500 and the belt, not 2,700
  });

  it('an onStartTls that never answers: 451 4.7.1, and the session goes on', async () => {
    await using set = await stage({ consult: () => new Promise(() => {}), handlerTimeoutMs: 40 });
    await set.session.ehlo('client.test');
    const result = await set.session.starttls(set.near, PLAIN);
    assert.ok(result.kind === 'refused' && result.then === 'continue' && result.reply.code === 451);
    assert.deepEqual(
      set.errors.map(({ code }) => code),
      ['ERR_TLS_SMTP_HANDLER_TIMEOUT'],
    );
  });

  it('a client that is gone before the 220: rejected, no handshake, one event', async () => {
    await using set = await stage({ consult: () => sleep(60) });
    await set.session.ehlo('client.test');
    const work = assert.rejects(set.session.starttls(set.near, PLAIN));
    set.near.read(0);
    set.client.reset();
    await within(work, 'the rejection');
    assert.deepEqual([set.session.state, set.held(), set.secured.length], ['closed', 0, 0]);
    assert.deepEqual(set.errors.length, 1);
    await eventually('the socket is closed', () => set.near.destroyed);
  });
});

describe('StartTlsDriver, SPEC §5: calls that have no meaning', { timeout: 120_000 }, () => {
  it('a socket that cannot be used is refused before anything is said; it is closed, with one event', async () => {
    await using set = await stage();
    await set.session.ehlo('client.test');
    set.near.on('data', () => {});
    await assert.rejects(set.session.starttls(set.near, PLAIN), { code: 'ERR_TLS_SMTP_SOCKET_UNUSABLE' });
    assert.deepEqual(
      [
        set.session.state,
        set.near.destroyed,
        set.errors.map(({ code }) => code),
        (await set.client.closed()).rest.length,
      ],
      ['closed', true, ['ERR_TLS_SMTP_SOCKET_UNUSABLE'], 0],
    );
  });

  it('two STARTTLS at once: the second is a mistake, the connection closes, both reject, no 220', async () => {
    await using set = await stage({ consult: () => sleep(40) });
    await set.session.ehlo('client.test');
    const code = 'ERR_TLS_SMTP_STARTTLS_OUT_OF_ORDER';
    const both = [set.session.starttls(set.near, PLAIN), set.session.starttls(set.near, PLAIN)];
    await Promise.all(both.map((work) => assert.rejects(work, { code })));
    assert.deepEqual([(await set.client.closed()).rest.length, set.session.state, set.held()], [0, 'closed', 0]);
  });

  it('EHLO while an upgrade is under way offers nothing', async () => {
    await using set = await stage({ consult: () => sleep(40) });
    await set.session.ehlo('client.test');
    const work = set.session.starttls(set.near, PLAIN).catch(() => {});
    assert.deepEqual(await set.session.ehlo('client.test'), []);
    set.near.destroy();
    await work;
  });

  it('anything behind the end: rejected', async () => {
    await using set = await stage();
    await set.session.starttls(set.near, { args: '', unread: Buffer.from('x') });
    await assert.rejects(set.session.starttls(set.near, PLAIN));
    await assert.rejects(set.session.tlsOnConnect(set.near));
  });
});

describe('StartTlsDriver.tlsOnConnect, RFC 8314 §3.3', { timeout: 120_000 }, () => {
  it('secures before a byte is said', async () => {
    await using set = await stage();
    const [{ socket, tls }] = await Promise.all([set.session.tlsOnConnect(set.near), set.client.upgrade(trust)]);
    assert.deepEqual([tls.mode, set.session.state, set.client.clearText, set.held()], ['on-connect', 'secured', '', 0]);
    socket.destroy();
  });

  for (const [title, options, act, code] of [
    ['garbage', {}, 'EHLO x\r\n', 'ERR_TLS_SMTP_HANDSHAKE_FAILED'],
    ['silence', { tls: { handshakeTimeoutMs: 150 } }, '', 'ERR_TLS_SMTP_HANDSHAKE_TIMEOUT'],
    ['no credentials', NO_ENGINE, '', 'ERR_TLS_SMTP_CREDENTIAL_MISSING'],
    ['too many handshakes', { busy: true }, '', 'ERR_TLS_SMTP_CONNECTION_LIMIT'],
  ] as const) {
    it(`${title}: closed without a clear-text byte, one event`, async () => {
      await using set = await stage(options);
      const work = assert.rejects(set.session.tlsOnConnect(set.near), { code });
      if (act !== '') await set.client.send(act);
      await within(work, 'the rejection');
      const { rest } = await set.client.closed();
      assert.equal(outsideTlsRecords(rest).length, 0);
      assert.deepEqual([set.session.state, set.held(), set.errors.map((error) => error.code)], ['closed', 0, [code]]);
      assert.deepEqual(set.lockouts, []);
    });
  }
});

describe('StartTlsDriver.gate before TLS, RFC 3207 §4', { timeout: 120_000 }, () => {
  const said = (session: StartTlsDriver, line: string): string => {
    const reply = session.gate(line);
    return reply === null ? 'goes on' : formatReply(reply).trimEnd();
  };
  const MUST = '530 5.7.0 Must issue a STARTTLS command first';
  const LATER = '451 4.7.1 Temporarily unable to decide, try again later';

  it('530 to those of requireHosts, and to no others; with TLS everything goes', async () => {
    await using set = await stage({ policy: { requireHosts: '192.0.2.0/24' } });
    assert.deepEqual(
      ['MAIL FROM:<>', 'mail', 'NOOP', 'noop x', 'QUIT', 'EHLO a', ''].map((line) => said(set.session, line)),
      [MUST, MUST, 'goes on', 'goes on', 'goes on', 'goes on', MUST],
    );
    const work = set.session.tlsOnConnect(set.near);
    await set.client.upgrade(trust);
    await work;
    assert.equal(said(set.session, 'MAIL FROM:<>'), 'goes on');
    await using other = await stage({ policy: { requireHosts: '198.51.100.0/24' } });
    assert.equal(said(other.session, 'MAIL FROM:<>'), 'goes on');
  });

  for (const [word, greet] of [
    ['EHLO', (session: StartTlsDriver) => session.ehlo('a')],
    ['HELO', async (session: StartTlsDriver) => session.helo('a')],
  ] as const) {
    it(`a list that has to be waited for is asked once; 451 until it tells, which is over with ${word}`, async () => {
      let tell = (_answer: boolean): void => {};
      let asked = 0;
      const requireHosts = (): Promise<boolean> => {
        asked++;
        return new Promise((resolve) => {
          tell = resolve;
        });
      };
      await using set = await stage({ policy: { requireHosts } });
      assert.equal(said(set.session, 'MAIL FROM:<>'), LATER);
      const greeted = greet(set.session);
      await sleep(5);
      assert.equal(said(set.session, 'MAIL FROM:<>'), LATER);
      tell(true);
      await greeted;
      assert.deepEqual([said(set.session, 'MAIL FROM:<>'), asked], [MUST, 1]);
    });
  }
});

describe('the verdict on top of the engine', { timeout: 120_000 }, () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`drops whom an engine lets in that only tries, where a certificate must verify (${maxVersion})`, async () => {
      const lenient = new Engine({ id: 'test', tls: { cert, key, ca: [authority.ca] } }, serverTlsSettings({}), 'try');
      const good = await authority.issue({ kind: 'client' });
      const expired = await authority.issue({ kind: 'client', flaw: 'expired' });
      const outcomes: unknown[] = [];
      for (const shown of [{}, expired, good]) {
        await using set = await stage({
          credentials: async () => ({ engine: lenient, contextFor: null, rule: 'verify' }),
        });
        await set.session.ehlo('client.test');
        const work = set.session.starttls(set.near, PLAIN).then(
          ({ kind }) => kind,
          (error: TlsSmtpError) => error.message,
        );
        await set.client.reply();
        await set.client.upgrade({ ...trust, maxVersion, ...shown }).catch(() => {}); // it may see nothing but the end
        outcomes.push([await work, set.errors.length, set.secured.length, set.near.destroyed, set.held()]);
      }
      const bad = "TLS handshake: the peer's certificate was not acceptable: it";
      assert.deepEqual(outcomes, [
        [`${bad} showed none (NO_CERTIFICATE)`, 1, 0, true, 0],
        [`${bad} has expired (CERT_HAS_EXPIRED)`, 1, 0, true, 0],
        ['secured', 0, 1, false, 0],
      ]);
    });
  }

  it('drops whom an engine gives a suite that tls.requireCiphers does not name', async () => {
    const ciphers = 'ECDHE-ECDSA-AES128-GCM-SHA256';
    const lenient = new Engine({ id: 'test', tls: { cert, key, ciphers } }, serverTlsSettings({})); // TLS 1.3 as well
    const outcomes: unknown[] = [];
    for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
      await using set = await stage({
        credentials: async () => ({ engine: lenient, contextFor: null, rule: 'none' }),
      });
      await set.session.ehlo('client.test');
      const work = set.session.starttls(set.near, PLAIN).then(
        ({ kind }) => kind,
        (error: TlsSmtpError) => error.message,
      );
      await set.client.reply();
      await set.client.upgrade({ ...trust, maxVersion }).catch(() => {});
      outcomes.push([await work, set.errors.length, set.secured.length, set.near.destroyed, set.held()]);
    }
    const bad = 'TLS handshake: no cipher suite that both sides allow (CIPHER_NOT_ALLOWED)';
    assert.deepEqual(outcomes, [
      [bad, 1, 0, true, 0],
      ['secured', 0, 1, false, 0],
    ]);
  });
});
