import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import {
  type IncomingMessage,
  MessageAlreadyReadError,
  ServerClosedError,
  type SmtpServerOptions,
} from '../../src/server/index.js';
import { reject } from '../../src/smtp/rejection.js';
import { eventually, RawClient, sleep, within } from '../support/raw-client.js';
import { atData, type RunningServer, sendMessage, startServer, testIdentity } from '../support/with-server.js';

const LOCAL_PROBLEM = '451 4.3.0 Local problem, try again later';
const SECRET = 'password=hunter2 at /etc/shadow\r\n250 forged';

describe('handlers that accept', { timeout: 120_000 }, () => {
  it('may be sync or async, are called in order, and get what the client said', async () => {
    for (const way of ['sync', 'async'] as const) {
      const calls: string[] = [];
      const note = (call: string): unknown => {
        if (way === 'sync') return void calls.push(call);
        return sleep(2).then(() => void calls.push(call));
      };
      await using running = await startServer({
        onConnect: (session) => note(`connect ${session.peer.address}`),
        onStartTls: (session) => note(`starttls ${session.helo}`),
        onSecure: (tls, session) => note(`secure ${tls.mode} ${session.helo}`),
        onHelo: (name, session) => note(`helo ${name} ${session.tls === null ? 'clear' : 'tls'}`),
        onMailFrom: ({ address, parameters }) => note(`mail ${address} ${parameters['SIZE']}`),
        onRcptTo: ({ address }, session) => note(`rcpt ${address} from ${session.envelope?.mailFrom.address}`),
        onMessage: async (message) => {
          const text = await message.text();
          await note(`message ${message.size} ${JSON.stringify(text)}`);
          return 'queued as 42';
        },
        onClose: (session, reason) => note(`close ${session.transmissionType} ${reason}`),
      });
      await using client = await running.greeted();
      await client.starttls(running.trust);
      await client.ask('EHLO again.test');
      await client.ask('MAIL FROM:<a@x.test> SIZE=7');
      await client.ask('RCPT TO:<b@y.test>');
      await client.ask('RCPT TO:<c@y.test>');
      await client.ask('DATA');
      await client.send('hello\r\n.\r\n');
      assert.equal(await client.reply(), '250 2.0.0 queued as 42');
      assert.equal(await client.ask('QUIT'), '221 2.0.0 Bye');
      await client.closed();
      await eventually('onClose', () => calls.at(-1)?.startsWith('close') === true);
      assert.deepEqual(
        calls,
        [
          'connect 127.0.0.1',
          'helo client.test clear',
          'starttls client.test',
          'secure starttls null',
          'helo again.test tls',
          'mail a@x.test 7',
          'rcpt b@y.test from a@x.test',
          'rcpt c@y.test from a@x.test',
          'message 7 "hello\\r\\n"',
          'close ESMTPS the client said QUIT',
        ],
        way,
      );
    }
  });

  it('what onMessage leaves unread is read and dropped, and the 250 waits for the end of the data', async () => {
    await using running = await startServer({ onMessage: () => 'not read' });
    await using client = await atData(running);
    await client.send('x'.repeat(200_000));
    await sleep(20);
    assert.equal(client.unread, '');
    await client.send('\r\n.\r\n');
    assert.equal(await client.reply(), '250 2.0.0 not read');
    assert.match(await client.ask('NOOP'), /^250 /);
  });

  it('an iterator left early: the rest is dropped, the message is accepted', async () => {
    await using running = await startServer({
      onMessage: async (message) => {
        for await (const _slice of message) break;
      },
    });
    await using client = await atData(running);
    await client.send(`${'x'.repeat(998)}\r\n`.repeat(2_000));
    await client.send('.\r\n');
    assert.match(await client.reply(), /^250 /);
  });

  it('the 250 waits for onMessage', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await using running = await startServer({ onMessage: (message) => message.bytes().then(() => held) });
    await using client = await atData(running);
    await client.send('hello\r\n.\r\n');
    await sleep(50);
    assert.equal(client.unread, '');
    release();
    assert.equal(await client.reply(), '250 2.0.0 Message accepted');
  });

  it('a message can be read once', async () => {
    const errors: unknown[] = [];
    await using running = await startServer({
      onMessage: async (message) => {
        await message.bytes();
        await message.text().catch((error: unknown) => errors.push(error));
      },
    });
    await using client = await running.upgraded();
    assert.match(await sendMessage(client), /^250 /);
    assert.ok(errors[0] instanceof MessageAlreadyReadError);
  });

  it('bytes(), text(), stream() and the iterator give the same message', async () => {
    const body = `Subject: x\r\n\r\n${`${'é'.repeat(300)}\r\n`.repeat(500)}`;
    const readers: Readonly<Record<string, (message: IncomingMessage) => Promise<Buffer>>> = {
      bytes: (message) => message.bytes(),
      text: async (message) => Buffer.from(await message.text()),
      stream: async (message) => Buffer.concat((await message.stream().toArray()) as Buffer[]),
      iterator: async (message) => {
        const slices: Buffer[] = [];
        for await (const slice of message) slices.push(Buffer.from(slice));
        return Buffer.concat(slices);
      },
    };
    for (const [way, read] of Object.entries(readers)) {
      let got = '';
      await using running = await startServer({
        onMessage: async (message) => {
          got = (await read(message)).toString('utf8');
        },
      });
      await using client = await atData(running);
      await client.send(Buffer.from(`${body}.\r\n`, 'utf8'));
      assert.match(await client.reply(), /^250 /);
      assert.equal(got, body, way);
    }
  });
});

describe('handlers that refuse', { timeout: 120_000 }, () => {
  type Command = 'onHelo' | 'onMailFrom' | 'onRcptTo' | 'onMessage' | 'onStartTls';
  const COMMANDS: readonly Command[] = ['onHelo', 'onMailFrom', 'onRcptTo', 'onMessage', 'onStartTls'];

  /** Brings the client to the command whose handler refuses. @returns the reply to it */
  async function provoke(
    running: RunningServer,
    command: Command,
  ): Promise<{ readonly client: RawClient; readonly reply: string }> {
    const client = await RawClient.connect(running.port);
    await client.reply();
    if (command === 'onHelo') return { client, reply: await client.ask('EHLO client.test') };
    await client.ask('EHLO client.test');
    if (command === 'onStartTls') return { client, reply: await client.ask('STARTTLS') };
    if (command === 'onMailFrom') return { client, reply: await client.ask('MAIL FROM:<a@x.test>') };
    await client.ask('MAIL FROM:<a@x.test>');
    if (command === 'onRcptTo') return { client, reply: await client.ask('RCPT TO:<b@y.test>') };
    await client.ask('RCPT TO:<b@y.test>');
    await client.ask('DATA');
    await client.send('hello\r\n.\r\n');
    return { client, reply: await client.reply() };
  }

  for (const command of COMMANDS) {
    for (const way of ['sync', 'async'] as const) {
      it(`${command} throws reject(...), ${way}: its reply, no event, the session goes on`, async () => {
        const refuse = (): unknown => {
          const refusal = reject(550, '5.7.1', 'not from you');
          if (way === 'sync') throw refusal;
          return sleep(2).then(() => Promise.reject(refusal));
        };
        await using running = await startServer({ [command]: refuse } as SmtpServerOptions);
        const { client, reply } = await provoke(running, command);
        await using _client = client;
        assert.equal(reply, '550 5.7.1 not from you');
        assert.equal(await client.ask('NOOP'), '250 2.0.0 OK');
        assert.deepEqual([running.errors, running.messages], [[], []]);
      });

      it(`${command} throws anything else, ${way}: 451, one event, never its text, the session goes on`, async () => {
        for (const thrown of [new Error(SECRET), SECRET, undefined, { reply: SECRET }]) {
          const fail = (): unknown => {
            if (way === 'sync') throw thrown;
            return sleep(2).then(() => Promise.reject(thrown));
          };
          await using running = await startServer({ [command]: fail } as SmtpServerOptions);
          const { client, reply } = await provoke(running, command);
          await using _client = client;
          assert.equal(reply, command === 'onStartTls' ? '451 4.7.1 Local problem, try again later' : LOCAL_PROBLEM);
          assert.equal(await client.ask('NOOP'), '250 2.0.0 OK');
          assert.doesNotMatch(client.clearText, /hunter2|forged/);
          assert.deepEqual(
            running.errors.map(({ code }) => code),
            ['ERR_TLS_SMTP_HANDLER_FAILED'],
          );
          assert.doesNotMatch(running.errors[0]?.message ?? '', /hunter2/);
        }
      });
    }
  }

  for (const command of COMMANDS) {
    for (const way of ['sync', 'async'] as const) {
      it(`${command} returns what it should have thrown, ${way}: refused all the same`, async () => {
        const local = command === 'onStartTls' ? '451 4.7.1 Local problem, try again later' : LOCAL_PROBLEM;
        for (const [returned, expected, events] of [
          [reject(550, '5.7.1', 'not from you'), '550 5.7.1 not from you', []],
          [new Error(SECRET), local, ['ERR_TLS_SMTP_HANDLER_FAILED']],
          [false, '550 5.7.1 Administrative prohibition', []],
        ] as const) {
          const refuse = (): unknown => (way === 'sync' ? returned : sleep(2).then(() => returned));
          await using running = await startServer({ [command]: refuse } as SmtpServerOptions);
          const { client, reply } = await provoke(running, command);
          await using _client = client;
          assert.equal(reply, expected);
          assert.equal(await client.ask('NOOP'), '250 2.0.0 OK');
          assert.deepEqual([running.errors.map(({ code }) => code), running.messages], [events, []]);
        }
      });
    }
  }

  it('a refusal with CR and LF in its text cannot forge a second reply (S16)', async () => {
    await using running = await startServer({
      onMailFrom: () => {
        throw reject(550, '5.7.1', 'no\r\n250 2.0.0 forged\x1b[2J');
      },
    });
    await using client = await running.greeted();
    assert.equal(await client.ask('MAIL FROM:<a@x.test>'), '550 5.7.1 no?250 2.0.0 forged?[2J');
    await sleep(20);
    assert.equal(client.unread, '');
  });

  it('onMessage refuses while the client still sends: the reply waits for the end of the data', async () => {
    await using running = await startServer({
      onMessage: () => {
        throw reject(554, '5.7.1', 'no such content');
      },
    });
    await using client = await atData(running);
    for (let count = 0; count < 20; count++) await client.send(`${'x'.repeat(998)}\r\n`.repeat(50));
    assert.equal(client.unread, '');
    await client.send('.\r\n');
    assert.equal(await client.reply(), '554 5.7.1 no such content');
  });

  it('a refusal of 421 ends the session', async () => {
    await using running = await startServer({
      onMailFrom: () => {
        throw reject(421, '4.7.0', 'come back later');
      },
    });
    await using client = await running.greeted();
    await client.send('MAIL FROM:<a@x.test>\r\n');
    assert.deepEqual((await client.untilClosed()).replies, ['421 4.7.0 come back later']);
  });

  it('no tlsError listener, no warning listener: a failing handler takes nothing down', async () => {
    await using running = await startServer({
      onClose: () => {
        throw new Error(SECRET);
      },
      onMailFrom: () => Promise.reject(new Error(SECRET)),
    });
    running.server.removeAllListeners();
    await using client = await running.greeted();
    assert.equal(await client.ask('MAIL FROM:<a@x.test>'), LOCAL_PROBLEM);
    client.reset();
    await running.quiet();
    await using next = await running.greeted();
    assert.match(await next.ask('NOOP'), /^250 /);
  });
});

describe('onConnect and onSecure', { timeout: 120_000 }, () => {
  it('onConnect refuses in clear: its reply in place of the banner, then close', async () => {
    await using running = await startServer({
      onConnect: async () => {
        throw reject(554, '5.7.1', 'no service for you');
      },
    });
    await using client = await RawClient.connect(running.port);
    const { replies, ending } = await client.untilClosed();
    assert.deepEqual([replies, ending.error], [['554 5.7.1 no service for you'], null]);
    await running.quiet();
    assert.deepEqual([running.reasons, running.errors], [['refused by onConnect'], []]);
  });

  it('[S38] onConnect refuses on TLS-on-connect: closed without a byte, also to a client that speaks', async () => {
    for (const speaks of [false, true]) {
      await using running = await startServer({
        onConnect: () => {
          throw reject(554, '5.7.1', 'no service for you');
        },
      });
      await using client = await RawClient.connect(running.tlsPort);
      if (speaks) await client.send('EHLO client.test\r\n').catch(() => {});
      const { rest } = await client.closed();
      assert.equal(rest.length, 0);
      await running.quiet();
      assert.deepEqual(running.errors, []);
    }
  });

  it('onConnect fails: 451 in place of the banner, never its text, one event', async () => {
    await using running = await startServer({
      onConnect: () => {
        throw new Error(SECRET);
      },
    });
    await using client = await RawClient.connect(running.port);
    assert.deepEqual((await client.untilClosed()).replies, [LOCAL_PROBLEM]);
    assert.deepEqual(
      running.errors.map(({ code }) => code),
      ['ERR_TLS_SMTP_HANDLER_FAILED'],
    );
  });

  it('onConnect is slow: nothing is run or lost of what an early client sends', async () => {
    await using running = await startServer({ onConnect: () => sleep(60) });
    await using client = await RawClient.connect(running.port);
    await client.send('EHLO early.test\r\nNOOP\r\n');
    assert.deepEqual(
      (await client.replies(3)).map((reply) => reply.slice(0, 3)),
      ['220', '250', '250'],
    );
  });

  it('a client that leaves while onConnect is asked leaves nothing', async () => {
    for (const leave of ['finish', 'reset', 'destroy'] as const) {
      await using running = await startServer({ onConnect: () => sleep(40) });
      for (const port of [running.port, running.tlsPort]) {
        await using client = await RawClient.connect(port);
        await sleep(10);
        client[leave]();
        await running.quiet();
      }
      assert.equal(running.reasons.length, 2);
    }
  });

  it('onSecure refuses on TLS-on-connect: its reply inside TLS in place of the banner, then close', async () => {
    await using running = await startServer({
      onSecure: (tls) => {
        assert.equal(tls.mode, 'on-connect');
        throw reject(554, '5.7.1', 'not with this cipher');
      },
    });
    await using client = await RawClient.connectTls(running.tlsPort, running.trust);
    assert.deepEqual((await client.untilClosed()).replies, ['554 5.7.1 not with this cipher']);
    await running.quiet();
    assert.equal(client.clearText, '');
  });

  it('onSecure refuses after STARTTLS: said to the next command, which is not run, then close', async () => {
    await using running = await startServer({
      onSecure: async () => {
        throw reject(554, '5.7.1', 'not with this cipher');
      },
    });
    await using client = await running.upgraded();
    await client.send('EHLO inside.test\r\nMAIL FROM:<a@x.test>\r\n');
    const { replies } = await client.untilClosed();
    assert.equal(replies.length, 1);
    assert.match(replies[0] ?? '', /not with this cipher$/);
    assert.deepEqual(
      running.seen.filter(({ encrypted }) => encrypted),
      [],
    );
  });

  it('onSecure refuses with 554: that code is sent as it stands, after STARTTLS too', async () => {
    await using running = await startServer({
      onSecure: () => {
        throw reject(554, '5.7.1', 'not with this cipher');
      },
    });
    await using client = await running.upgraded();
    await client.send('EHLO inside.test\r\n');
    assert.deepEqual((await client.untilClosed()).replies, ['554 5.7.1 not with this cipher']);
  });

  it('onSecure is slow: commands inside TLS wait for it, and none is lost', async () => {
    const calls: string[] = [];
    await using running = await startServer({
      onSecure: async () => {
        await sleep(60);
        calls.push('secure');
      },
      onHelo: (name) => void calls.push(name),
    });
    await using client = await running.upgraded();
    await client.send('EHLO inside.test\r\nNOOP\r\n');
    assert.deepEqual(
      (await client.replies(2)).map((reply) => reply.slice(0, 3)),
      ['250', '250'],
    );
    assert.deepEqual(calls, ['client.test', 'secure', 'inside.test']);
  });

  it('onClose says why in words, once', async () => {
    const ends: Readonly<Record<string, (client: RawClient) => Promise<unknown>>> = {
      'the client said QUIT': (client) => client.ask('QUIT'),
      'the client closed the connection': async (client) => client.finish(),
      'the connection was lost (ECONNRESET)': async (client) => client.reset(),
      'a line was too long': (client) => client.send('x'.repeat(3_000)),
      'too many errors': (client) => client.send('XYZZY\r\n'.repeat(10)),
    };
    for (const [reason, end] of Object.entries(ends)) {
      for (const encrypted of [false, true]) {
        await using running = await startServer();
        await using client = encrypted ? await running.upgraded() : await running.greeted();
        await client.ask('NOOP'); // on TLS 1.3 the server ends its handshake after the client
        await end(client);
        if (!client.raw.destroyed) await client.closed();
        await running.quiet();
        await sleep(5);
        assert.deepEqual(running.reasons, [reason], `encrypted: ${encrypted}`);
      }
    }
  });
});

describe('SPEC §10: back-pressure', { timeout: 120_000 }, () => {
  const MIB = 1024 * 1024;

  for (const encrypted of [false, true]) {
    it(`a paused consumer holds at most 4 MiB of 64 MiB, ${encrypted ? 'inside TLS' : 'in clear'}`, async () => {
      let resume = (): void => {};
      const paused = new Promise<void>((resolve) => {
        resume = resolve;
      });
      let received = 0;
      await using running = await startServer({
        limits: { maxMessageBytes: 100 * MIB },
        onMessage: async (message) => {
          for await (const slice of message) {
            received += slice.length;
            await paused;
          }
        },
      });
      await using client = encrypted ? await running.upgraded() : await running.greeted();
      for (const line of ['EHLO c.test', 'MAIL FROM:<a@x.test>', 'RCPT TO:<b@y.test>', 'DATA']) await client.ask(line);
      const stream = client.tls ?? client.raw;
      const block = Buffer.from(`${'x'.repeat(65_534)}\r\n`);
      let queued = 0;
      const blasting = (async () => {
        while (queued < 64 * MIB) {
          queued += block.length;
          if (!stream.write(block)) await once(stream, 'drain');
        }
        stream.write('.\r\n');
      })();
      let last = -1;
      for (let still = 0; still < 5; await sleep(50)) {
        still = queued === last ? still + 1 : 0;
        last = queued;
      }
      const left = queued - stream.writableLength;
      assert.ok(received <= 256 * 1024, `the consumer got ${received} octets while paused`);
      assert.ok(left > 0 && left <= 12 * MIB, `${left} octets left the client while the consumer was paused`);
      const held = await heldOctets(client, left);
      assert.ok(held <= 4 * MIB, `${held} octets are held`);
      resume();
      await within(blasting, 'the rest is sent', 30_000);
      assert.match(await within(client.reply(), 'the reply', 30_000), /^250 /);
      assert.equal(received, queued);
    });
  }

  /** What was sent and does not wait in a kernel buffer: what the server's socket has read. */
  async function heldOctets(client: RawClient, left: number): Promise<number> {
    const { localPort, remotePort } = client.raw;
    const table = await readFile('/proc/net/tcp', 'latin1').catch(() => '');
    if (table === '') return 0; // no such table on this system: what left the client is bounded above
    const hex = (port: number | undefined): string => (port ?? 0).toString(16).toUpperCase().padStart(4, '0');
    let waiting = 0;
    for (const line of table.split('\n').slice(1)) {
      const [, local = '', remote = '', , queues = ''] = line.trim().split(/\s+/);
      const [toSend = '0', toRead = '0'] = queues.split(':');
      if (local.endsWith(`:${hex(localPort)}`) && remote.endsWith(`:${hex(remotePort)}`))
        waiting += Number.parseInt(toSend, 16);
      if (local.endsWith(`:${hex(remotePort)}`) && remote.endsWith(`:${hex(localPort)}`))
        waiting += Number.parseInt(toRead, 16);
    }
    return left - waiting;
  }

  it('a paused message may wait longer than dataTimeoutMs: the client is not to blame', async () => {
    await using running = await startServer({
      limits: { dataTimeoutMs: 150 },
      onMessage: async (message) => {
        for await (const _slice of message) await sleep(100);
      },
    });
    await using client = await atData(running);
    void client.send(`${'x'.repeat(998)}\r\n`.repeat(400)).catch(() => {});
    void client.send('.\r\n').catch(() => {});
    assert.match(await within(client.reply(), 'the reply', 10_000), /^250 /);
  });

  it('a client that does not read its replies is not read either', { timeout: 120_000 }, async () => {
    await using running = await startServer({ limits: { maxIdleCommands: 10_000_000 } });
    const socket = connect({ port: running.port, host: '127.0.0.1' });
    socket.on('error', () => {});
    socket.pause();
    await once(socket, 'connect');
    const block = Buffer.from('HELP\r\n'.repeat(10_000));
    let sent = 0;
    const until = performance.now() + 6_000;
    while (sent < 128 * MIB && performance.now() < until) {
      sent += block.length;
      if (socket.write(block)) continue;
      const drained = await Promise.race([once(socket, 'drain').then(() => true), sleep(500).then(() => false)]);
      if (!drained) break;
    }
    assert.ok(sent < 32 * MIB, `${sent} octets were taken`);
    socket.destroy();
    await running.quiet();
  });
});

describe('close()', { timeout: 120_000 }, () => {
  it('says 421 to idle clients, in clear and inside TLS, and refuses what comes later', async () => {
    const running = await startServer();
    await using clear = await running.greeted();
    await using inside = await running.upgraded();
    await inside.ask('EHLO client.test');
    const closing = running.server.close();
    const expected = ['421 4.3.2 Service shutting down'];
    assert.deepEqual((await clear.untilClosed()).replies, expected);
    assert.deepEqual((await inside.untilClosed()).replies, expected);
    await within(closing, 'close()');
    assert.deepEqual(running.reasons, ['the server shut down', 'the server shut down']);
    await assert.rejects(RawClient.connect(running.port), { code: 'ECONNREFUSED' });
    await assert.rejects(running.server.listen({ port: 0 }), ServerClosedError);
    const socket = connect({ port: 1, host: '127.0.0.1' }).on('error', () => {});
    assert.throws(() => running.server.accept(socket), ServerClosedError);
    assert.equal(socket.destroyed, true);
  });

  it('lets a message under way finish and get its 250, then says 421', async () => {
    const running = await startServer();
    await using client = await atData(running);
    await client.send('half ');
    const closing = running.server.close({ drainMs: 5_000 });
    await sleep(30);
    assert.equal(client.unread, '');
    await client.send('whole\r\n.\r\n');
    const { replies } = await client.untilClosed();
    assert.deepEqual(replies, ['250 2.0.0 Message accepted', '421 4.3.2 Service shutting down']);
    await within(closing, 'close()');
    assert.deepEqual(
      running.messages.map(({ body }) => body),
      ['half whole\r\n'],
    );
  });

  it('lets a handler under way finish', async () => {
    const running = await startServer({ onMessage: (message) => message.bytes().then(() => sleep(80)) });
    await using client = await atData(running);
    await client.send('whole\r\n.\r\n');
    await sleep(20);
    const closing = running.server.close();
    assert.deepEqual((await client.untilClosed()).replies, [
      '250 2.0.0 Message accepted',
      '421 4.3.2 Service shutting down',
    ]);
    await within(closing, 'close()');
  });

  it('cuts off what is not done after drainMs: the reader gets an error, no 250', async () => {
    const outcomes: string[] = [];
    const running = await startServer({
      onMessage: (message) =>
        message.bytes().then(
          () => outcomes.push('whole'),
          (error: { code?: string }) => outcomes.push(error.code ?? ''),
        ),
    });
    await using client = await atData(running);
    await client.send('half');
    await sleep(20);
    const begun = performance.now();
    await within(running.server.close({ drainMs: 100 }), 'close()');
    assert.ok(performance.now() - begun < 2_000);
    const { rest } = await client.closed();
    assert.doesNotMatch(rest.toString('latin1'), /^250/m);
    await eventually('the reader', () => outcomes.length > 0);
    assert.deepEqual([outcomes, running.server.connections], [['ERR_TLS_SMTP_MESSAGE_INCOMPLETE'], 0]);
  });

  it('a handshake under way does not hold it beyond drainMs (S47)', async () => {
    const running = await startServer();
    await using client = await running.greeted();
    assert.match(await client.ask('STARTTLS'), /^220 /);
    await using onConnect = await RawClient.connect(running.tlsPort);
    await eventually('two sessions', () => running.server.connections === 2);
    const begun = performance.now();
    await within(running.server.close({ drainMs: 100 }), 'close()');
    assert.ok(performance.now() - begun < 2_000);
    await onConnect.closed();
  });

  it('may be called again, and before anything was done', async () => {
    const running = await startServer();
    await Promise.all([running.server.close(), running.server.close()]);
    await running.server.close();
  });

  it('leaves no handle: the process ends by itself', { timeout: 120_000 }, async () => {
    const { issued } = await testIdentity();
    const url = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
    const program = `
      import { connect } from 'node:net';
      import { connect as connectTls } from 'node:tls';
      import { SmtpServer } from ${url('../../src/server/index.js')};
      const server = new SmtpServer({ hostname: 'mx.test', tls: JSON.parse(process.env.IDENTITY) });
      const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
      const { port: tlsPort } = await server.listen({ host: '127.0.0.1', port: 0, tlsOnConnect: true });
      const seen = [];
      const sockets = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1'), connect(tlsPort, '127.0.0.1'),
        connectTls({ port: tlsPort, host: '127.0.0.1', rejectUnauthorized: false })];
      for (const socket of sockets) {
        socket.on('error', () => {});
        socket.on('data', (chunk) => seen.push(String(chunk)));
      }
      setTimeout(async () => {
        sockets[0].write('EHLO c.test\\r\\nSTARTTLS\\r\\n');
        setTimeout(async () => {
          await server.close({ drainMs: 100 });
          console.log('CLOSED', process.getActiveResourcesInfo().filter((name) => /TCP|Timeout|TLS/.test(name)).join());
          globalThis.closedAt = performance.now();
        }, 50);
      }, 100);
      process.on('exit', () => console.log('EXIT', performance.now() - globalThis.closedAt < 1200));
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      env: {
        PATH: process.env['PATH'],
        IDENTITY: JSON.stringify({ certificate: issued.cert, privateKey: issued.key }),
      },
    });
    let printed = '';
    child.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString('utf8');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      printed += chunk.toString('utf8');
    });
    try {
      const [code] = (await within(once(child, 'close'), 'the process ends', 8_000)) as [number | null];
      assert.equal(code, 0, printed);
      assert.match(printed, /^CLOSED/m);
      assert.match(printed, /^EXIT true$/m);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
