import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, it } from 'node:test';
import { perSni } from '../../src/credentials/index.js';
import { SmtpServer } from '../../src/server/index.js';
import { reject, SmtpRejection } from '../../src/smtp/rejection.js';
import { eventually, RawClient, sleep, within } from '../support/raw-client.js';
import { beginMessage, sendMessage, startServer, testIdentity } from '../support/with-server.js';

/** Clients and handlers that take their time, hang up, or do not answer at all. */

const never = (): Promise<never> => new Promise(() => {});

describe('a handler that does not answer (limits.handlerTimeoutMs)', { timeout: 120_000 }, () => {
  for (const handler of ['onConnect', 'onSecure', 'onHelo', 'onMailFrom', 'onRcptTo', 'onMessage'] as const) {
    it(`${handler}: 421 4.3.0 and close, and the operator is told`, async () => {
      await using running = await startServer({ limits: { handlerTimeoutMs: 60 }, [handler]: never });
      const client = await RawClient.connectTls(running.tlsPort, running.trust).catch(() => null);
      if (handler === 'onConnect') {
        // TLS comes first there: it is closed without a byte
        assert.equal(client, null);
      } else {
        assert.ok(client);
        await client.send('EHLO a\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\nx\r\n.\r\n');
        const { replies } = await client.untilClosed();
        assert.equal(replies.at(-1), '421 4.3.0 Local problem, try again later');
      }
      const [error, ...more] = running.errors;
      assert.deepEqual([error?.code, more], ['ERR_TLS_SMTP_HANDLER_TIMEOUT', []]);
    });
  }

  it('onStartTls: 451 4.7.1, and the session goes on', async () => {
    await using running = await startServer({ limits: { handlerTimeoutMs: 60 }, onStartTls: never });
    const client = await running.greeted();
    assert.equal(await client.ask('STARTTLS'), '451 4.7.1 Local problem, try again later');
    assert.equal(await client.ask('NOOP'), '250 2.0.0 OK');
    assert.deepEqual(
      running.errors.map(({ code }) => code),
      ['ERR_TLS_SMTP_HANDLER_TIMEOUT'],
    );
  });

  it('onMessage that leaves its message unread: the client is not held for ever', async () => {
    await using running = await startServer({ limits: { handlerTimeoutMs: 80 }, onMessage: never });
    const client = await running.upgraded();
    await beginMessage(client);
    void client.send(Buffer.alloc(4_000_000, 'x')).catch(() => {});
    const { replies } = await client.untilClosed();
    assert.deepEqual(replies, ['421 4.3.0 Local problem, try again later']);
  });

  it('what a handler answers too late is ignored', async () => {
    await using running = await startServer({
      limits: { handlerTimeoutMs: 40 },
      onMailFrom: () => sleep(120).then(() => Promise.reject(reject(550, '5.7.1', 'late'))),
    });
    const client = await running.greeted();
    assert.equal(await client.ask('MAIL FROM:<a@x.test>'), '421 4.3.0 Local problem, try again later');
    await sleep(120);
    assert.deepEqual((await client.untilClosed()).replies, []);
  });
});

describe('a handler slower than the client’s time-outs', { timeout: 120_000 }, () => {
  it('onConnect before TLS-on-connect: not a byte in clear, and the handshake follows', async () => {
    await using running = await startServer({ limits: { commandTimeoutMs: 40 }, onConnect: () => sleep(200) });
    const client = await RawClient.connectTls(running.tlsPort, running.trust);
    assert.match(await client.reply(), /^220 /);
    assert.equal(client.clearText, '');
  });

  it('a reader that pauses does not take the time-out of the message away (dataTimeoutMs)', async () => {
    await using running = await startServer({
      limits: { dataTimeoutMs: 150 },
      async onMessage(message) {
        await sleep(50);
        for await (const _slice of message) await sleep(1);
      },
    });
    const client = await running.upgraded();
    await beginMessage(client);
    await client.send(Buffer.alloc(65_536, 'x\r\n')); // just what is queued: the client is held back, then let go
    assert.deepEqual((await client.untilClosed()).replies, ['421 4.4.2 Timeout, closing']);
  });
});

describe('a client that hangs up inside a message', { timeout: 120_000 }, () => {
  for (const [how, leave] of [
    ['FIN', (client: RawClient) => client.finish()],
    ['RST', (client: RawClient) => client.reset()],
  ] as const) {
    it(`${how}: message.stream() without an error listener ends nothing`, async () => {
      let flowed = 0;
      const uncaught: string[] = [];
      const onUncaught = ({ message }: Error): void => void uncaught.push(message);
      process.on('uncaughtExceptionMonitor', onUncaught);
      await using running = await startServer({
        onMessage(message) {
          message.stream().on('data', (chunk) => {
            flowed += chunk.length;
          });
          return never();
        },
      });
      const client = await running.upgraded();
      await beginMessage(client);
      await client.send('half a message\r\n');
      await eventually('the half is read', () => flowed === 16);
      leave(client);
      await running.quiet();
      await sleep(20);
      process.off('uncaughtExceptionMonitor', onUncaught);
      assert.deepEqual(uncaught, []);
    });
  }

  it('pipeline() still sees it', async () => {
    let seen: unknown;
    await using running = await startServer({
      onMessage: (message) =>
        pipeline(message.stream(), new Writable({ write: (_chunk, _encoding, done) => done() })).catch((error) => {
          seen = error.code;
        }),
    });
    const client = await running.upgraded();
    await beginMessage(client);
    client.reset();
    await eventually('the error', () => seen === 'ERR_TLS_SMTP_MESSAGE_INCOMPLETE');
  });
});

describe('a rejection that is none', { timeout: 120_000 }, () => {
  for (const [what, made] of [
    ['code 354', () => new SmtpRejection({ code: 354, lines: ['go on'] })],
    ['code 250', () => new SmtpRejection({ code: 250, enhanced: '2.0.0', lines: ['fine'] })],
    ['no text', () => reject(550, '5.7.1', undefined as unknown as string)],
    ['an Error as text', () => reject(550, '5.7.1', new Error('secret') as unknown as string)],
    ['no lines', () => new SmtpRejection({ code: 550, lines: [] })],
  ] as const) {
    it(`${what}: 451, one warning, and the session goes on`, async () => {
      await using running = await startServer({
        onMailFrom() {
          throw made();
        },
      });
      const client = await running.greeted();
      assert.equal(await client.ask('MAIL FROM:<a@x.test>'), '451 4.3.0 Local problem, try again later');
      assert.equal(await client.ask('NOOP'), '250 2.0.0 OK');
      assert.equal(running.errors.length, 1);
    });
  }

  it('421 closes, from onStartTls too (RFC 5321 §3.8)', async () => {
    await using running = await startServer({
      onStartTls() {
        throw reject(421, '4.7.0', 'go away');
      },
    });
    const client = await running.greeted();
    await client.send('STARTTLS\r\n');
    assert.deepEqual((await client.untilClosed()).replies, ['421 4.7.0 go away']);
    await running.quiet();
    assert.deepEqual(running.reasons, ['STARTTLS was answered 421 go away']);
  });
});

describe('STARTTLS again and again', { timeout: 120_000 }, () => {
  it('its refusals are errors like any other: 421 after limits.maxErrors', async () => {
    await using running = await startServer({ limits: { maxErrors: 3 } });
    const client = await running.greeted();
    assert.match(await client.ask('STARTTLS x'), /^501 /);
    assert.match(await client.ask('STARTTLS x'), /^501 /);
    await client.send('STARTTLS x\r\n');
    const { replies } = await client.untilClosed();
    assert.deepEqual(replies, ['501 5.5.4 STARTTLS takes no argument', '421 4.7.0 Too many errors, closing']);
  });

  it('454 counts among the commands without mail', async () => {
    await using running = await startServer({
      limits: { maxIdleCommands: 4, maxHandshakes: 1 },
      tls: { whenUnavailable: 'continue' },
    });
    const holder = await running.greeted();
    assert.match(await holder.ask('STARTTLS'), /^220 /); // and says nothing more
    const client = await running.greeted();
    assert.match(await client.ask('STARTTLS'), /^454 /);
    assert.match(await client.ask('STARTTLS'), /^454 /);
    await client.send('STARTTLS\r\n');
    assert.match((await client.untilClosed()).replies.at(-1) ?? '', /^421 4\.7\.0 /);
    holder.destroy();
  });
});

describe('a client that is locked out', { timeout: 120_000 }, () => {
  it('gets nothing run behind the 421, a pipelined message above all', async () => {
    const server = new SmtpServer({ tls: { certificate: '/nonexistent/tls-smtp/cert.pem' }, onMessage: () => ran++ });
    let ran = 0;
    server.on('warning', () => {});
    const [near, far] = duplexPair();
    server.accept(near);
    const { heard } = collect(far);
    far.write('EHLO a\r\n');
    await eventually('EHLO', () => heard().includes('250 HELP'));
    far.write('STARTTLS\r\n');
    await eventually('454', () => heard().includes('454 '));
    const message = 'EHLO a\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\nx\r\n.\r\n';
    far.write(`${'NOOP\r\n'.repeat(11)}${message}`);
    await within(once(far, 'end'), 'end');
    assert.deepEqual([ran, heard().includes('354'), heard().match(/^421 /gm)?.length], [0, false, 1]);
    await server.close();
  });
});

describe('close()', { timeout: 120_000 }, () => {
  it('during listen(): the port is closed, and listen() rejects', async () => {
    for (const wait of [() => {}, () => Promise.resolve(), () => sleep(0), () => sleep(1)]) {
      const server = new SmtpServer({ onMessage: () => {} });
      const listening = server.listen({ port: 0, host: '127.0.0.1' }).then(
        ({ port }) => port,
        (error: { code?: string }) => error.code,
      );
      await wait();
      await server.close();
      const outcome = await listening;
      if (typeof outcome === 'number') await assert.rejects(RawClient.connect(outcome), { code: 'ECONNREFUSED' });
      else assert.equal(outcome, 'ERR_TLS_SMTP_SERVER_CLOSED');
    }
  });

  it('while onConnect is asked: no handshake begins, not a byte is said', async () => {
    let asked = false;
    await using running = await startServer({
      onConnect: () => {
        asked = true;
        return sleep(100);
      },
    });
    const client = await RawClient.connect(running.tlsPort);
    await eventually('onConnect', () => asked);
    await running.server.close({ drainMs: 2_000 });
    assert.deepEqual((await client.closed()).rest.length, 0);
    assert.deepEqual(running.reasons, ['the server shut down']);
  });
});

describe('warnings where nobody listens', { timeout: 120_000 }, () => {
  it('a failed handler is a process warning, the first of its kind', async () => {
    const server = new SmtpServer({
      onMailFrom() {
        throw new Error('secret');
      },
    });
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    const [near, far] = duplexPair();
    server.accept(near);
    const { heard } = collect(far);
    far.write('EHLO a\r\nMAIL FROM:<a@x.test>\r\nMAIL FROM:<a@x.test>\r\nQUIT\r\n');
    await within(once(far, 'end'), 'end');
    await sleep(5);
    process.off('warning', onWarning);
    assert.equal(heard().match(/^451 /gm)?.length, 2);
    assert.deepEqual(
      warnings.map(({ name, message }) => [name, message]),
      [['TlsSmtpWarning', 'onMailFrom failed with something other than a rejection']],
    );
    const [{ detail = '' } = {}] = warnings as { readonly detail?: string }[];
    assert.match(detail, /^server\.on\('warning', .*error\.cause$/);
    await server.close();
  });

  it('where somebody does, he gets the error with its cause, and the session', async () => {
    const thrown = new Error('secret');
    const told: unknown[] = [];
    await using running = await startServer({
      onRcptTo() {
        throw thrown;
      },
    });
    running.server.on('warning', (message, error, session) => told.push(message, error?.cause, session?.helo));
    const client = await running.upgraded();
    assert.match(await sendMessage(client).catch(() => client.unread), /.*/);
    assert.deepEqual(told.slice(0, 3), [
      'onRcptTo failed with something other than a rejection',
      thrown,
      'client.test',
    ]);
  });
});

/** Two ends of a connection that is no socket. */
function duplexPair(): [Duplex, Duplex] {
  const make = (other: () => Duplex): Duplex =>
    new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        other().push(chunk);
        done();
      },
      final(done) {
        other().push(null);
        done();
      },
    });
  const near: Duplex = make(() => far);
  const far: Duplex = make(() => near);
  return [near, far];
}

function collect(stream: Duplex): { heard: () => string } {
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  return { heard: () => text };
}

describe('what counts against a client', { timeout: 120_000 }, () => {
  it('a hundred recipients of one message do not (RFC 5321 §4.5.3.1.8); refused ones do', async () => {
    await using running = await startServer({
      onRcptTo({ address }) {
        if (address.startsWith('nobody')) throw reject(550, '5.1.1', 'no such user');
      },
    });
    const client = await running.greeted();
    await client.ask('MAIL FROM:<a@x.test>');
    for (let count = 0; count < 150; count++)
      assert.equal(await client.ask(`RCPT TO:<b${count}@y.test>`), '250 2.1.5 Recipient OK');
    assert.match(await client.ask('DATA'), /^354 /);
    assert.match(await client.ask('x\r\n.'), /^250 /);
    await client.ask('MAIL FROM:<a@x.test>');
    await client.send('RCPT TO:<nobody@y.test>\r\n'.repeat(101));
    const { replies } = await client.untilClosed();
    assert.equal(replies.at(-1), '421 4.7.0 Too many errors, closing');
  });

  it('a refused message is none: addresses cannot be tried for ever', async () => {
    await using running = await startServer({
      limits: { maxIdleCommands: 20 },
      onRcptTo({ address }) {
        if (address.startsWith('nobody')) throw reject(550, '5.1.1', 'no such user');
      },
    });
    const client = await running.greeted();
    const round = `MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\n${'RCPT TO:<nobody@y.test>\r\n'.repeat(8)}DATA\r\n\n.\r\n\r\n.\r\n`;
    await client.send(round.repeat(4));
    const { replies } = await client.untilClosed();
    assert.match(replies.at(-1) ?? '', /^421 4\.7\.0 Too many/);
  });

  it('a message without end is cut off: 552 and close', async () => {
    await using running = await startServer({ limits: { maxMessageBytes: 1_000 } });
    const client = await running.upgraded();
    await beginMessage(client);
    void client.send(Buffer.alloc(3_000_000, 'x\r\n')).catch(() => {});
    assert.deepEqual((await client.untilClosed()).replies, ['552 5.3.4 Message too large']);
    await running.quiet();
    assert.deepEqual(running.reasons, ['the message had no end']);
  });
});

describe('a perSni callback that fails', { timeout: 120_000 }, () => {
  it('fails its handshake and nothing else: on Node 20 to answer at once was a segmentation fault', async () => {
    const { issued } = await testIdentity();
    await using running = await startServer({
      tls: {
        certificate: perSni(async ({ sni }) => {
          if (sni === 'bad.test') throw new Error('the database is away');
          return issued.cert;
        }),
      },
    });
    const bad = { ...running.trust, servername: 'bad.test' };
    for (let count = 0; count < 20; count++) await assert.rejects(RawClient.connectTls(running.tlsPort, bad));
    await running.quiet();
    assert.equal(running.errors.length, 20);
    await using good = await RawClient.connectTls(running.tlsPort, running.trust);
    assert.match(await good.reply(), /^220 /);
  });
});
