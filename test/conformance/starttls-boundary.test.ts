import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { eventually, outsideTlsRecords, RawClient, sleep } from '../support/raw-client.js';
import { type RunningServer, sendMessage, startServer, testIdentity } from '../support/with-server.js';

const INJECTION = '554 5.5.1 Synchronization error: data received behind STARTTLS';
const READY = '220 2.0.0 Ready to start TLS\r\n';
const PLAINTEXT = 'ERR_TLS_SMTP_PLAINTEXT_AFTER_STARTTLS';

/** Says 554 once, closes, reports once with the count, and ran none of it. */
async function assertInjectionRefused(running: RunningServer, client: RawClient, octets: number): Promise<void> {
  const { replies, ending } = await client.untilClosed();
  await running.quiet();
  assert.deepEqual(
    {
      replies,
      reset: ending.error,
      errors: running.errors.map(({ code }) => code),
      counted: (running.errors[0]?.error as { readonly discardedOctets?: number } | undefined)?.discardedOctets,
      ran: running.seen.filter(({ command }) => command.includes('injected')),
    },
    { replies: [INJECTION], reset: null, errors: [PLAINTEXT], counted: octets, ran: [] },
  );
}

describe('RFC 3207 §6, CVE-2011-0411: octets behind STARTTLS in clear', { timeout: 120_000 }, () => {
  it('[R21, R26, S25] octets behind STARTTLS in the same segment: 554 and close, one event, nothing runs', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    await client.send('STARTTLS\r\nEHLO injected\r\n');
    await assertInjectionRefused(running, client, 15);
  });

  it('a whole injected transaction in the same segment: 554 and close, one event, nothing runs', async () => {
    const attack = 'MAIL FROM:<injected@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n';
    await using running = await startServer();
    await using client = await running.greeted();
    await client.send(`STARTTLS\r\n${attack}`);
    await assertInjectionRefused(running, client, attack.length);
    assert.deepEqual(running.messages, []);
  });

  it('a partial line, without its end: 554 and close', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    await client.send('STARTTLS\r\nEHLO inj');
    await assertInjectionRefused(running, client, 8);
  });

  it('one octet is enough', async () => {
    for (const octet of ['\n', '\0', ' ', '\x16']) {
      await using running = await startServer();
      await using client = await running.greeted();
      await client.send(`STARTTLS\r\n${octet}`);
      await assertInjectionRefused(running, client, 1);
    }
  });

  it('a real ClientHello that does not wait for the 220 is octets behind STARTTLS too', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    await client.send(Buffer.concat([Buffer.from('STARTTLS\r\n'), Buffer.from([0x16, 3, 1, 0, 2, 1, 0])]));
    await assertInjectionRefused(running, client, 7);
  });

  it('split across segments in the middle of the verb or of its CRLF', async () => {
    for (const [first, second] of [
      ['STARTT', 'LS\r\nEHLO injected\r\n'],
      ['STARTTLS', '\r\nEHLO injected\r\n'],
      ['STARTTLS\r', '\nEHLO injected\r\n'],
      ['NOOP\r\nSTARTTLS\r', '\nEHLO injected\r\n'],
    ] as const) {
      await using running = await startServer();
      await using client = await running.greeted();
      await client.send(first);
      if (first.startsWith('NOOP')) assert.equal(await client.reply(), '250 2.0.0 OK');
      await sleep(20);
      await client.send(second);
      await assertInjectionRefused(running, client, 15);
    }
  });

  it('pipelined behind commands that are answered first', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    await client.send('NOOP\r\nMAIL FROM:<a@x.test>\r\nSTARTTLS\r\nEHLO injected\r\n');
    assert.deepEqual(await client.replies(2), ['250 2.0.0 OK', '250 2.1.0 Sender OK']);
    await assertInjectionRefused(running, client, 15);
  });

  it('[R21, R26] octets in a later segment, while a slow onStartTls is asked: 554 comes before any 220', async () => {
    await using running = await startServer({ onStartTls: () => sleep(100) });
    await using client = await running.greeted();
    await client.send('STARTTLS\r\n');
    await sleep(30);
    await client.send('EHLO injected\r\n');
    await assertInjectionRefused(running, client, 15);
    assert.doesNotMatch(client.clearText, /^220 2\.0\.0/m);
  });

  it('[R21, R26] octets in clear behind the 220: a failed handshake, nothing said in clear, one event', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    assert.equal(await client.ask('STARTTLS'), '220 2.0.0 Ready to start TLS');
    await client.send('EHLO injected\r\nNOOP\r\n');
    const { rest } = await client.closed();
    await running.quiet();
    assert.equal(outsideTlsRecords(rest).toString('latin1'), '');
    assert.deepEqual(
      running.errors.map(({ code }) => code),
      ['ERR_TLS_SMTP_HANDSHAKE_FAILED'],
    );
    assert.match(running.errors[0]?.message ?? '', /not TLS/);
    assert.deepEqual(
      running.seen.filter(({ command }) => command.includes('injected')),
      [],
    );
  });

  it('no fragmentation and no delay lets an octet sent in clear run inside TLS (S02)', async () => {
    await using running = await startServer();
    const wire = 'NOOP\r\nSTARTTLS\r\nEHLO injected\r\n';
    await Promise.all(
      Array.from({ length: wire.length - 1 }, async (_none, index) => {
        const cut = index + 1;
        await using client = await running.greeted();
        await client.send(wire.slice(0, cut));
        await sleep([0, 1, 5][cut % 3] ?? 0);
        await client.send(wire.slice(cut));
        const { rest } = await client.closed();
        const said = rest.toString('latin1').replace('250 2.0.0 OK\r\n', '');
        if (said.startsWith(READY))
          assert.equal(outsideTlsRecords(rest.subarray(rest.indexOf(READY) + READY.length)).length, 0);
        else assert.equal(said, `${INJECTION}\r\n`);
      }),
    );
    await running.quiet();
    assert.deepEqual(
      running.seen.filter(({ command }) => command.includes('injected')),
      [],
    );
    assert.equal(running.errors.length, wire.length - 1);
  });
});

/** What a careless server does: one line buffer for the whole connection, carried over STARTTLS. */
async function startNaiveServer(): Promise<AsyncDisposable & { readonly port: number; readonly ranInside: string[] }> {
  const { issued } = await testIdentity();
  const ranInside: string[] = [];
  const tlsServer = createTlsServer({ key: issued.key, cert: issued.cert });
  const server = createServer((socket) => {
    let buffer = '';
    socket.on('error', () => {});
    const onData = (chunk: Buffer): void => {
      buffer += chunk.toString('latin1');
      const end = buffer.indexOf('\r\n');
      if (end === -1) return;
      const line = buffer.slice(0, end);
      buffer = buffer.slice(end + 2);
      if (line !== 'STARTTLS') return void socket.write('250 OK\r\n', () => onData(Buffer.alloc(0)));
      socket.off('data', onData);
      socket.pause();
      socket.write('220 Go ahead\r\n');
      tlsServer.once('secureConnection', (secured) => {
        secured.on('error', () => {});
        secured.on('data', (inside: Buffer) => {
          buffer += inside.toString('latin1');
          const lines = buffer.split('\r\n');
          buffer = lines.pop() ?? '';
          ranInside.push(...lines);
          secured.write('250 OK\r\n'.repeat(lines.length));
        });
      });
      tlsServer.emit('connection', socket);
    };
    socket.on('data', onData);
    socket.write('220 naive.test\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    ranInside,
    [Symbol.asyncDispose]: async () => {
      server.close();
    },
  };
}

describe('negative control: the attack of CVE-2011-0411 on a server that keeps its line buffer', {
  timeout: 120_000,
}, () => {
  it('the injected command runs inside TLS', async () => {
    const { authority } = await testIdentity();
    await using naive = await startNaiveServer();
    await using client = await RawClient.greeted(naive.port);
    await client.send('STARTTLS\r\nEHLO injected\r\n');
    assert.equal(await client.reply(), '220 Go ahead');
    await client.upgrade({ ca: authority.ca });
    await client.send('EHLO client.test\r\n');
    await client.replies(2);
    assert.deepEqual(naive.ranInside, ['EHLO injected', 'EHLO client.test']);
  });

  it('the same attack on ours gets no 220', async () => {
    await using running = await startServer();
    await using client = await RawClient.greeted(running.port);
    await client.send('STARTTLS\r\nEHLO injected\r\n');
    assert.equal(await client.reply(), INJECTION);
  });
});

describe('SPEC §5, the table of STARTTLS', { timeout: 120_000 }, () => {
  it('[R3, S07] STARTTLS with an argument: 501 5.5.4, and a plain STARTTLS works afterwards', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    assert.equal(await client.ask('STARTTLS now'), '501 5.5.4 STARTTLS takes no argument');
    await client.starttls(running.trust);
    assert.match(await sendMessage(client), /^250 /);
    assert.equal(running.messages[0]?.transmissionType, 'ESMTPS');
    assert.deepEqual(running.errors, []);
  });

  it('the verb in any case, and with trailing white space', async () => {
    for (const verb of ['starttls', 'StartTLS', 'STARTTLS ', 'STARTTLS  ']) {
      await using running = await startServer();
      await using client = await running.greeted();
      assert.match(await client.ask(verb), /^220 /);
      await client.upgrade(running.trust);
      assert.match(await client.ask('EHLO client.test'), /^250-/);
    }
  });

  it('[R13, S06] STARTTLS inside TLS: 554 5.5.1, and the session goes on inside TLS', async () => {
    await using running = await startServer();
    await using client = await running.upgraded();
    await client.ask('EHLO client.test');
    assert.equal(await client.ask('STARTTLS'), '554 5.5.1 TLS is already active');
    assert.equal(await client.ask('NOOP'), '250 2.0.0 OK');
    assert.match(await sendMessage(client), /^250 /);
    assert.equal(running.messages[0]?.tls?.mode, 'starttls');
  });

  it('inside TLS, with commands pipelined behind it, it is a boundary case: 554 and close', async () => {
    await using running = await startServer();
    await using client = await running.upgraded();
    await client.ask('EHLO client.test');
    await client.send('STARTTLS\r\nEHLO injected\r\n');
    await assertInjectionRefused(running, client, 15);
  });

  it('[R25] STARTTLS before EHLO: 503 5.5.1, and the session goes on', async () => {
    await using running = await startServer();
    await using client = await RawClient.connect(running.port);
    await client.reply();
    assert.equal(await client.ask('STARTTLS'), '503 5.5.1 STARTTLS was not advertised');
    await client.ask('EHLO client.test');
    await client.starttls(running.trust);
    assert.match(await client.ask('EHLO client.test'), /^250-/);
  });

  it('after HELO: 503 5.5.1, STARTTLS is an ESMTP extension', async () => {
    await using running = await startServer();
    await using client = await RawClient.connect(running.port);
    await client.reply();
    assert.equal(await client.ask('HELO client.test'), '250 mx.test');
    assert.equal(await client.ask('STARTTLS'), '503 5.5.1 STARTTLS was not advertised');
    assert.equal(await client.ask('NOOP'), '250 2.0.0 OK');
  });

  it('after EHLO and then HELO: 503 5.5.1', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    await client.ask('HELO client.test');
    assert.equal(await client.ask('STARTTLS'), '503 5.5.1 STARTTLS was not advertised');
  });

  it('ended by a bare LF: 500 5.5.2, never run, and the session goes on', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    await client.send('STARTTLS\n');
    assert.equal(await client.reply(), '500 5.5.2 lines end with CRLF');
    await client.starttls(running.trust);
    assert.match(await client.ask('EHLO client.test'), /^250-/);
    assert.deepEqual(running.errors, []);
  });

  it('ended by a bare LF with octets behind it: never upgrades', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    await client.send('STARTTLS\nEHLO injected\r\n');
    await assertInjectionRefused(running, client, 15);
  });

  it('behind a bare LF: the line before it is refused and STARTTLS is judged on its own', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    await client.send('NOOP\nSTARTTLS\r\n');
    assert.deepEqual(await client.replies(2), ['500 5.5.2 lines end with CRLF', '220 2.0.0 Ready to start TLS']);
    await client.upgrade(running.trust);
    assert.match(await client.ask('EHLO client.test'), /^250-/);
  });

  it('refused by onStartTls with false: 550 5.7.1, and the session goes on', async () => {
    await using running = await startServer({ onStartTls: () => false });
    await using client = await running.greeted();
    assert.equal(await client.ask('STARTTLS'), '550 5.7.1 Administrative prohibition');
    assert.match(await sendMessage(client), /^250 /);
    assert.equal(running.messages[0]?.tls, null);
  });
});

describe('RFC 3207 §4.2: what was learned before TLS is forgotten', { timeout: 120_000 }, () => {
  it('[R8] EHLO is forgotten: MAIL inside TLS is 503', async () => {
    await using running = await startServer();
    await using client = await running.upgraded();
    assert.equal(await client.ask('MAIL FROM:<a@x.test>'), '503 5.5.1 Say EHLO first');
    assert.deepEqual(
      running.seen.map(({ command }) => command),
      ['EHLO client.test'],
    );
  });

  it('[R24] a transaction under way is discarded by STARTTLS', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    await client.ask('MAIL FROM:<before@x.test>');
    await client.ask('RCPT TO:<before@y.test>');
    await client.starttls(running.trust);
    assert.equal(await client.ask('DATA'), '503 5.5.1 Say EHLO first');
    await client.ask('EHLO client.test');
    assert.equal(await client.ask('DATA'), '503 5.5.1 MAIL first');
    assert.equal(await client.ask('RCPT TO:<b@y.test>'), '503 5.5.1 MAIL first');
    assert.match(await sendMessage(client), /^250 /);
    assert.deepEqual(
      running.messages.map(({ mailFrom, rcptTo }) => [mailFrom, rcptTo]),
      [['a@x.test', ['b@y.test']]],
    );
  });

  it('session.data is emptied', async () => {
    const sizes: number[] = [];
    await using running = await startServer({
      onHelo: (name, session) => {
        sizes.push(session.data.size);
        session.data.set('name', name);
      },
    });
    await using client = await running.upgraded();
    await client.ask('EHLO again.test');
    assert.deepEqual(sizes, [0, 0]);
  });

  it('[R1, R2, S04] STARTTLS is offered in clear and not inside TLS, by EHLO and by HELP', async () => {
    await using running = await startServer();
    await using client = await RawClient.connect(running.port);
    await client.reply();
    const before = await client.ask('EHLO client.test');
    assert.match(before, /^250-STARTTLS$/m);
    assert.match(await client.ask('HELP'), / STARTTLS$/);
    await client.starttls(running.trust);
    const inside = await client.ask('EHLO client.test');
    assert.doesNotMatch(inside, /STARTTLS/);
    assert.equal(inside, before.replace('250-STARTTLS\n', ''));
    assert.doesNotMatch(await client.ask('HELP'), /STARTTLS/);
  });

  it('the banner is not said again, and nothing is said inside TLS before the client speaks', async () => {
    await using running = await startServer();
    await using client = await running.upgraded();
    await sleep(50);
    assert.equal(client.unread, '');
    await eventually('one connection', () => running.server.connections === 1);
  });
});
