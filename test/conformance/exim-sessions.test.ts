import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { SmtpServer } from '../../src/server/index.js';
import { TestAuthority } from '../../src/testing/authority.js';
import { eventually, outsideTlsRecords, RawClient, sleep } from '../support/raw-client.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { beginMessage, type RunningServer, sendMessage, startServer, testIdentity } from '../support/with-server.js';

const { authority, issued } = await testIdentity();
const identity = { certificate: issued.cert, privateKey: issued.key };
const UNAVAILABLE = '454 4.7.0 TLS not available due to temporary reason';

/** Behind the 220 of STARTTLS. */
async function atHandshake(running: RunningServer): Promise<RawClient> {
  const client = await running.greeted();
  assert.match(await client.ask('STARTTLS'), /^220 /);
  return client;
}

/** What was said in clear behind the 220, once the connection is over. */
async function saidInClear(client: RawClient): Promise<string> {
  return outsideTlsRecords((await client.closed()).rest).toString('latin1');
}

describe('STARTTLS, as in the tests of Exim', { timeout: 120_000 }, () => {
  it('[S01] a client off tls.advertiseHosts that says STARTTLS without EHLO: 503, and QUIT is 221', async () => {
    await using running = await startServer({ tls: { advertiseHosts: '10.0.0.2' } });
    await using client = await RawClient.connect(running.port);
    await client.reply();
    assert.equal(await client.ask('STARTTLS'), '503 5.5.1 STARTTLS was not advertised');
    assert.match(await client.ask('QUIT'), /^221 /);
    assert.deepEqual(running.errors, []);
  });

  it('[S02, R44, R45] a message inside TLS: Received and the log line tell the protocol and the suite', async () => {
    const lines: string[] = [];
    const headers: string[] = [];
    await using running = await startServer({
      onMessage: async (message) => {
        await message.bytes();
        lines.push(message.logLine());
        headers.push(message.receivedHeader());
      },
    });
    await using client = await running.upgraded({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' });
    assert.match(await sendMessage(client), /^250 /);
    assert.match(headers[0] ?? '', /\tby mx\.test with ESMTPS\r\n[^;]*\ttls TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;/);
    assert.match(lines[0] ?? '', / P=esmtps X=TLSv1\.2:ECDHE-ECDSA-AES128-GCM-SHA256:128 CV=no /);
  });

  it('[S09] STARTTLS promised by tls.advertiseHosts without a certificate: 454', async () => {
    await using server = new SmtpServer({ hostname: 'mx.test', tls: { advertiseHosts: '*' } });
    const failures: string[] = [];
    server.on('tlsError', ({ message }) => failures.push(message));
    server.on('warning', () => {});
    const listener = createServer({ allowHalfOpen: true }, (socket) => server.accept(socket));
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    await using client = await RawClient.connect((listener.address() as AddressInfo).port);
    listener.close();
    await client.reply();
    assert.match(await client.ask('EHLO client.test'), /^250.STARTTLS$/m);
    assert.equal(await client.ask('STARTTLS'), UNAVAILABLE);
    assert.equal(failures.length, 1);
    assert.match(failures[0] ?? '', /tls\.certificate/);
  });

  it('[S10] the key of another certificate: 454, and the event names option and file', async () => {
    const other = await authority.issue({ name: 'other.test' });
    await using folder = await temporaryFolder({ 'cert.pem': issued.cert, 'key.pem': other.key });
    const [certificate, privateKey] = [folder.file('cert.pem'), folder.file('key.pem')];
    await using running = await startServer({ tls: { certificate: () => certificate, privateKey: () => privateKey } });
    await using client = await running.greeted();
    assert.equal(await client.ask('STARTTLS'), UNAVAILABLE);
    assert.deepEqual(
      running.errors.map(({ code, message }) => [code, message.includes(`tls.privateKey: ${privateKey}`)]),
      [['ERR_TLS_SMTP_KEY_MISMATCH', true]],
    );
  });

  it('[S22] the client closes TCP behind the 220: one event that says so, nothing in clear', async () => {
    await using running = await startServer();
    await using client = await atHandshake(running);
    client.finish();
    assert.equal(await saidInClear(client), '');
    await running.quiet();
    assert.equal(running.errors.length, 1);
    assert.match(running.errors[0]?.message ?? '', /the peer closed the connection during the handshake/);
  });

  it('[S21] the client is silent behind the 220: the handshake ends at its time, nothing in clear', async () => {
    await using running = await startServer({ tls: { handshakeTimeoutMs: 200 } });
    await using client = await atHandshake(running);
    assert.equal(await saidInClear(client), '');
    await running.quiet();
    assert.equal(running.errors.length, 1);
    assert.match(running.errors[0]?.message ?? '', /not finished within 200 ms/);
  });

  it('[S23] text behind the 220: the handshake fails, no command runs, nothing in clear', async () => {
    await using running = await startServer();
    await using client = await atHandshake(running);
    await client.send('bogus\r\nMAIL FROM:<a@x.test>\r\n');
    assert.equal(await saidInClear(client), '');
    await running.quiet();
    assert.match(running.errors[0]?.message ?? '', /something that is not TLS/);
    assert.deepEqual([running.errors.length, running.seen.map(({ command }) => command)], [1, ['EHLO client.test']]);
  });

  it('[S24] the client is silent inside TLS: 421 inside it', async () => {
    await using running = await startServer({ limits: { commandTimeoutMs: 200 } });
    await using client = await running.upgraded();
    await client.ask('EHLO client.test');
    assert.deepEqual((await client.untilClosed()).replies, ['421 4.4.2 Timeout, closing']);
    await running.quiet();
    assert.deepEqual(running.reasons, ['the client was silent for too long']);
  });

  it('[S29, R40] tls.rememberEsmtp: inside TLS without a new EHLO, AUTH and MAIL with SIZE are taken, and SIZE holds', async () => {
    await using running = await startServer({
      tls: { rememberEsmtp: true },
      limits: { maxMessageBytes: 1_000 },
      onAuth: ({ username }) => ({ user: username }),
    });
    await using client = await running.upgraded();
    const plain = Buffer.from('\0tim\0secret').toString('base64');
    assert.match(await client.ask(`AUTH PLAIN ${plain}`), /^235 /);
    assert.match(await client.ask('MAIL FROM:<a@x.test> SIZE=1001'), /^552 5\.3\.4 /);
    assert.match(await client.ask('MAIL FROM:<a@x.test> SIZE=1000'), /^250 /);
  });

  it('[S46] a client that vanishes behind the final dot: its message must not be kept, and the handler is told', async () => {
    const aborted: boolean[] = [];
    await using running = await startServer({
      onMessage: async (message) => {
        await message.bytes();
        await new Promise<void>((resolve) => {
          message.signal.addEventListener('abort', () => resolve());
        });
        aborted.push(message.signal.aborted);
      },
    });
    await using client = await running.upgraded();
    await beginMessage(client);
    await client.send('Subject: x\r\n\r\nhello\r\n.\r\n');
    await sleep(20);
    client.reset();
    await eventually('it is told', () => aborted.length === 1);
    await running.quiet();
    assert.deepEqual(aborted, [true]);
    assert.match(running.reasons[0] ?? '', /^the connection was lost/);
  });
});

describe('TLS-on-connect, as in the tests of Exim', { timeout: 120_000 }, () => {
  it('[S36, R2, R29] not a byte before the handshake; the banner comes inside, and EHLO has no STARTTLS', async () => {
    await using running = await startServer();
    await using client = await RawClient.connect(running.tlsPort);
    await sleep(100);
    assert.equal(client.clearText, '');
    await client.upgrade(running.trust);
    assert.match(await client.reply(), /^220 mx\.test /);
    assert.doesNotMatch(await client.ask('EHLO client.test'), /STARTTLS/);
    assert.match(await sendMessage(client), /^250 /);
    assert.deepEqual(
      running.messages.map(({ transmissionType, tls }) => [transmissionType, tls?.mode]),
      [['ESMTPS', 'on-connect']],
    );
  });

  it('[S37, R48, R60] one server listens with TLS-on-connect and with STARTTLS, each at a port of its own', async () => {
    await using running = await startServer();
    await using upgraded = await running.upgraded();
    await using direct = await RawClient.connectTls(running.tlsPort, running.trust);
    await direct.reply();
    for (const client of [upgraded, direct]) assert.match(await sendMessage(client), /^250 /);
    assert.deepEqual(
      running.messages.map(({ tls }) => tls?.mode),
      ['starttls', 'on-connect'],
    );
  });

  it('[S38] a client that goes away before its handshake has ended is one event, and hears nothing', async () => {
    await using running = await startServer();
    await using client = await RawClient.connect(running.tlsPort);
    await client.send(Buffer.from([0x16, 3, 1, 2, 0, 1]));
    client.finish();
    assert.equal(await saidInClear(client), '');
    await running.quiet();
    assert.match(running.errors[0]?.message ?? '', /the peer closed the connection during the handshake/);
    assert.equal(running.errors.length, 1);
  });
});

describe('certificates, as in the tests of Exim', { timeout: 120_000 }, () => {
  it('[S40] whom we trust in a directory with hash names: its certificates are served, others and none are not', async () => {
    const stranger = await TestAuthority.create({ name: 'stranger' });
    await using folder = await temporaryFolder({ '0123abcd.0': authority.ca });
    const tls = { ...identity, verifyCertificates: folder.path, verifyHosts: '*' };
    await using running = await startServer({ tls });
    for (const [shown, served] of [
      [await authority.issue({ kind: 'client' }), true],
      [await stranger.issue({ kind: 'client' }), false],
      [{}, false],
    ] as const) {
      await using client = await running.upgraded({ ...shown, maxVersion: 'TLSv1.3' });
      const reply = await client.ask('EHLO client.test').catch(() => '');
      assert.equal(reply.startsWith('250'), served);
    }
    await eventually('both are told', () => running.errors.length === 2);
  });
});
