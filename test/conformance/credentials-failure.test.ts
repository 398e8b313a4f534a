import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { ServerTlsOptions } from '../../src/net/server-tls-options.js';
import { StartTlsServer } from '../../src/net/starttls-server.js';
import { SmtpServer, type SmtpServerOptions } from '../../src/server/index.js';
import { eventually, RawClient, sleep, within } from '../support/raw-client.js';
import { sendMessage, startServer, testIdentity } from '../support/with-server.js';

const MISSING = '/nonexistent/tls-smtp/cert.pem';
const UNAVAILABLE = '454 4.7.0 TLS not available due to temporary reason';
const LOCKED_OUT = '554 5.7.0 Security failure';

interface Accepting extends AsyncDisposable {
  readonly server: SmtpServer;
  readonly port: number;
  readonly errors: { readonly code: string; readonly message: string }[];
  readonly warnings: string[];
  readonly reasons: string[];
}

/** A server that never listens itself: sockets are handed to it, and its credentials are found wanting by a client. */
async function startAccepting(
  tls: ServerTlsOptions | undefined,
  options: Omit<SmtpServerOptions, 'tls'> & { readonly tlsOnConnect?: boolean } = {},
): Promise<Accepting> {
  const { tlsOnConnect = false, ...others } = options;
  const reasons: string[] = [];
  const server = new SmtpServer({
    hostname: 'mx.test',
    ...others,
    ...(tls !== undefined && { tls }),
    onMessage: async (message) => void (await message.bytes()),
    onClose: (_session, reason) => void reasons.push(reason),
  });
  const errors: Accepting['errors'] = [];
  const warnings: string[] = [];
  server.on('tlsError', ({ code, message }) => errors.push({ code, message }));
  server.on('warning', (warning) => warnings.push(warning));
  const listener = createServer({ allowHalfOpen: true }, (socket) => void server.accept(socket, { tlsOnConnect }));
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    server,
    port: (listener.address() as AddressInfo).port,
    errors,
    warnings,
    reasons,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      await within(server.close({ drainMs: 50 }), 'close()');
    },
  };
}

describe('SPEC §3, §5: credentials that cannot be had when the server starts', { timeout: 120_000 }, () => {
  it('a certificate path that does not exist: listen() rejects and names option and file', async () => {
    await using server = new SmtpServer({ tls: { certificate: MISSING } });
    await assert.rejects(
      server.listen({ host: '127.0.0.1', port: 0 }),
      (error: Error & { code?: string; option?: string; source?: string }) => {
        assert.deepEqual(
          [error.code, error.option, error.source],
          ['ERR_TLS_SMTP_CREDENTIAL_UNREADABLE', 'tls.certificate', MISSING],
        );
        assert.match(error.message, /tls\.certificate.*\/nonexistent\/tls-smtp\/cert\.pem.*ENOENT/);
        return true;
      },
    );
    await assert.rejects(server.listen({ host: '127.0.0.1', port: 0 }), { code: 'ERR_TLS_SMTP_CREDENTIAL_UNREADABLE' });
  });

  it('both paths do not exist: the certificate is named, each time', async () => {
    for (let count = 0; count < 20; count++) {
      await using server = new SmtpServer({
        tls: { certificate: MISSING, privateKey: '/nonexistent/tls-smtp/key.pem' },
      });
      await assert.rejects(server.listen({ host: '127.0.0.1', port: 0 }), {
        option: 'tls.certificate',
        source: MISSING,
      });
    }
  });

  it('a key path that does not exist: listen() rejects and names it', async () => {
    const { issued } = await testIdentity();
    await using server = new SmtpServer({
      tls: { certificate: issued.cert, privateKey: '/nonexistent/tls-smtp/key.pem' },
    });
    await assert.rejects(server.listen({ host: '127.0.0.1', port: 0 }), {
      code: 'ERR_TLS_SMTP_CREDENTIAL_UNREADABLE',
      option: 'tls.privateKey',
      source: '/nonexistent/tls-smtp/key.pem',
    });
  });

  it('a key of another certificate: listen() rejects, and no key material is in the error', async () => {
    const { authority, issued } = await testIdentity();
    const other = await authority.issue({ name: 'other.test' });
    await using server = new SmtpServer({ tls: { certificate: issued.cert, privateKey: other.key } });
    await assert.rejects(server.listen({ host: '127.0.0.1', port: 0 }), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'ERR_TLS_SMTP_KEY_MISMATCH');
      assert.doesNotMatch(`${error.message}${JSON.stringify(error)}`, /BEGIN|MII/);
      return true;
    });
  });

  it('one file with both is enough; one that appears later is found by the next listen()', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tls-smtp-'));
    try {
      const { issued, authority } = await testIdentity();
      const file = join(folder, 'both.pem');
      await using server = new SmtpServer({ hostname: 'mx.test', tls: { certificate: file } });
      await assert.rejects(server.listen({ host: '127.0.0.1', port: 0 }), {
        code: 'ERR_TLS_SMTP_CREDENTIAL_UNREADABLE',
        source: file,
      });
      await writeFile(file, `${issued.key}${issued.cert}`);
      await chmod(file, 0o600);
      const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
      await using client = await RawClient.greeted(port);
      await client.starttls({ ca: authority.ca });
      assert.match(await client.ask('EHLO client.test'), /^250-/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('[R47, S09] no certificate: STARTTLS is not offered and 503, TLS-on-connect is an option error', async () => {
    await using running = await startAccepting(undefined);
    await using client = await RawClient.connect(running.port);
    await client.reply();
    assert.doesNotMatch(await client.ask('EHLO client.test'), /STARTTLS/);
    assert.equal(await client.ask('STARTTLS'), '503 5.5.1 STARTTLS was not advertised');
    assert.match(await sendMessage(client), /^250 /);
    await assert.rejects(running.server.listen({ port: 0, host: '127.0.0.1', tlsOnConnect: true }), {
      code: 'ERR_TLS_SMTP_OPTION',
    });
  });
});

describe('SPEC §5, decision 1: credentials that cannot be had when a client asks', { timeout: 120_000 }, () => {
  it('[R53] no TLS for now is 454 4.7.0, then lock-out: 554 to everything but QUIT, QUIT is 221; one event, one warning', async () => {
    await using running = await startAccepting({ certificate: MISSING });
    await using client = await RawClient.greeted(running.port);
    const replies: string[] = [];
    for (const line of ['STARTTLS', 'NOOP', 'EHLO again.test', 'MAIL FROM:<a@x.test>', 'STARTTLS', 'RSET', 'XYZZY']) {
      replies.push(await client.ask(line));
    }
    replies.push(await client.ask('quit'));
    const { rest } = await client.closed();
    assert.deepEqual(
      { replies, rest: rest.length },
      { replies: [UNAVAILABLE, ...Array(6).fill(LOCKED_OUT), '221 2.0.0 Bye'], rest: 0 },
    );
    await eventually('closed', () => running.reasons.length === 1);
    assert.deepEqual(
      running.errors.map(({ code }) => code),
      ['ERR_TLS_SMTP_CREDENTIAL_UNREADABLE'],
    );
    assert.match(running.errors[0]?.message ?? '', /tls\.certificate: \/nonexistent\/tls-smtp\/cert\.pem/);
    assert.equal(running.warnings.length, 1);
    assert.match(running.warnings[0] ?? '', /whenUnavailable: 'continue'/);
  });

  it('the lock-out warning is said once in the life of a server', async () => {
    await using running = await startAccepting({ certificate: MISSING });
    for (let count = 0; count < 3; count++) {
      await using client = await RawClient.greeted(running.port);
      assert.equal(await client.ask('STARTTLS'), UNAVAILABLE);
      assert.equal(await client.ask('QUIT'), '221 2.0.0 Bye');
    }
    assert.deepEqual([running.warnings.length, running.errors.length], [1, 3]);
  });

  it('the lock-out is bounded in number: ten times 554, then 421 and close', async () => {
    await using running = await startAccepting({ certificate: MISSING });
    await using client = await RawClient.greeted(running.port);
    assert.equal(await client.ask('STARTTLS'), UNAVAILABLE);
    const replies: string[] = [];
    for (let count = 0; count < 11; count++)
      replies.push(await client.ask(count % 2 === 0 ? 'NOOP' : 'EHLO client.test'));
    assert.deepEqual(replies, [...Array(10).fill(LOCKED_OUT), '421 4.7.0 Too many commands without security, closing']);
    const { rest, error } = await client.closed();
    assert.deepEqual([rest.length, error], [0, null]);
    await eventually('no connection is left', () => running.server.connections === 0);
  });

  it('the eleventh may be a STARTTLS: 421 and close', async () => {
    await using running = await startAccepting({ certificate: MISSING });
    await using client = await RawClient.greeted(running.port);
    assert.equal(await client.ask('STARTTLS'), UNAVAILABLE);
    const replies: string[] = [];
    for (let count = 0; count < 11; count++) replies.push(await client.ask('STARTTLS'));
    assert.deepEqual(replies, [...Array(10).fill(LOCKED_OUT), '421 4.7.0 Too many commands without security, closing']);
    await client.closed();
    await eventually('no connection is left', () => running.server.connections === 0);
  });

  it('pipelined commands count one by one', async () => {
    await using running = await startAccepting({ certificate: MISSING });
    await using client = await RawClient.greeted(running.port);
    assert.equal(await client.ask('STARTTLS'), UNAVAILABLE);
    await client.send('NOOP\r\n'.repeat(30));
    const { replies } = await client.untilClosed();
    assert.deepEqual(replies, [...Array(10).fill(LOCKED_OUT), '421 4.7.0 Too many commands without security, closing']);
  });

  it('the lock-out is bounded in time: 421 and close, without a word from the client', async () => {
    const tls = new StartTlsServer({ tls: { certificate: MISSING }, lockoutMs: 100 });
    tls.on('tlsError', () => {});
    const listener = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        const session = tls.session({});
        void session.ehlo('client.test').then(() => session.starttls(socket, { args: '', unread: Buffer.alloc(0) }));
      });
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    await using client = await RawClient.connect((listener.address() as AddressInfo).port);
    listener.close();
    await client.send('STARTTLS\r\n');
    const { replies } = await client.untilClosed();
    assert.deepEqual(replies, [UNAVAILABLE, '421 4.7.0 Too many commands without security, closing']);
  });

  it('octets behind a STARTTLS that will fail are still an injection: 554 5.5.1 and close', async () => {
    await using running = await startAccepting({ certificate: MISSING });
    await using client = await RawClient.greeted(running.port);
    await client.send('STARTTLS\r\nQUIT\r\n');
    const { replies } = await client.untilClosed();
    assert.deepEqual(replies, ['554 5.5.1 Synchronization error: data received behind STARTTLS']);
    assert.deepEqual(
      running.errors.map(({ code }) => code),
      ['ERR_TLS_SMTP_PLAINTEXT_AFTER_STARTTLS'],
    );
  });

  it("[R4] whenUnavailable 'continue': 454 and the clear session goes on; no warning", async () => {
    await using running = await startAccepting({ certificate: MISSING, whenUnavailable: 'continue' });
    await using client = await RawClient.greeted(running.port);
    assert.equal(await client.ask('STARTTLS'), UNAVAILABLE);
    assert.equal(await client.ask('NOOP'), '250 2.0.0 OK');
    assert.equal(await client.ask('STARTTLS'), UNAVAILABLE);
    assert.match(await sendMessage(client), /^250 /);
    assert.deepEqual(
      running.errors.map(({ code }) => code),
      Array(2).fill('ERR_TLS_SMTP_CREDENTIAL_UNREADABLE'),
    );
    assert.deepEqual(running.warnings, []);
  });

  it("whenUnavailable 'continue' and a file that appears: the next STARTTLS succeeds", async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tls-smtp-'));
    try {
      const { issued, authority } = await testIdentity();
      const file = join(folder, 'both.pem');
      await using running = await startAccepting({ certificate: file, whenUnavailable: 'continue' });
      await using client = await RawClient.greeted(running.port);
      assert.equal(await client.ask('STARTTLS'), UNAVAILABLE);
      await writeFile(file, `${issued.key}${issued.cert}`, { mode: 0o600 });
      await client.starttls({ ca: authority.ca });
      assert.match(await sendMessage(client), /^250 /);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('a transaction under way is discarded by a STARTTLS that gets 454', async () => {
    await using running = await startAccepting({ certificate: MISSING, whenUnavailable: 'continue' });
    await using client = await RawClient.greeted(running.port);
    await client.ask('MAIL FROM:<a@x.test>');
    assert.equal(await client.ask('STARTTLS'), UNAVAILABLE);
    assert.equal(await client.ask('RCPT TO:<b@y.test>'), '503 5.5.1 MAIL first');
  });

  it('TLS-on-connect: closed without a byte, one event that names the file', async () => {
    await using running = await startAccepting({ certificate: MISSING }, { tlsOnConnect: true });
    await using client = await RawClient.connect(running.port);
    const { rest } = await client.closed();
    assert.equal(rest.length, 0);
    await eventually('no connection is left', () => running.server.connections === 0);
    assert.deepEqual(
      running.errors.map(({ code }) => code),
      ['ERR_TLS_SMTP_CREDENTIAL_UNREADABLE'],
    );
    assert.match(running.reasons[0] ?? '', /\/nonexistent\/tls-smtp\/cert\.pem/);
  });
});

describe('SPEC §5, limits: maxHandshakes', { timeout: 120_000 }, () => {
  it('beyond it 454 4.7.0 without lock-out, and STARTTLS works once a place is free', async () => {
    await using running = await startServer({ limits: { maxHandshakes: 1 } });
    await using first = await running.greeted();
    assert.match(await first.ask('STARTTLS'), /^220 /);
    await using second = await running.greeted();
    assert.equal(await second.ask('STARTTLS'), '454 4.7.0 TLS not available now, try again later');
    assert.equal(await second.ask('NOOP'), '250 2.0.0 OK');
    assert.deepEqual(
      running.errors.map(({ code }) => code),
      ['ERR_TLS_SMTP_CONNECTION_LIMIT'],
    );
    assert.deepEqual(running.warnings, []);
    await first.upgrade(running.trust);
    assert.match(await first.ask('EHLO client.test'), /^250-/);
    await second.starttls(running.trust);
    assert.match(await sendMessage(second), /^250 /);
  });

  it('a place comes back from a handshake that failed', async () => {
    await using running = await startServer({ limits: { maxHandshakes: 1 }, tls: { handshakeTimeoutMs: 100 } });
    for (const fail of ['garbage', 'reset', 'silence']) {
      await using client = await running.greeted();
      assert.match(await client.ask('STARTTLS'), /^220 /, fail);
      if (fail === 'garbage') await client.send('garbage\r\n');
      if (fail === 'reset') client.reset();
      else await client.closed();
      await running.quiet();
      await sleep(10);
    }
    await using client = await running.upgraded();
    assert.match(await sendMessage(client), /^250 /);
  });

  it('TLS-on-connect beyond it: closed without a byte', async () => {
    await using running = await startServer({ limits: { maxHandshakes: 1 } });
    await using first = await running.greeted();
    assert.match(await first.ask('STARTTLS'), /^220 /);
    await using second = await RawClient.connect(running.tlsPort);
    assert.equal((await second.closed()).rest.length, 0);
    await eventually('one event', () => running.errors.length === 1);
    assert.equal(running.errors[0]?.code, 'ERR_TLS_SMTP_CONNECTION_LIMIT');
  });
});
