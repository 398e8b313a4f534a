import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MessageIncompleteError } from '../../src/server/index.js';
import { eventually, RawClient, sleep, within } from '../support/raw-client.js';
import { atData, delivered, type RunningServer, sendMessage, startServer } from '../support/with-server.js';

const BARE_LF = '500 5.5.2 lines end with CRLF';
const NUL = '501 5.5.2 NUL characters are not allowed';
const UNPRINTABLE = '501 5.5.2 Commands are printable ASCII';
const UNKNOWN = '500 5.5.2 Command not recognized';

describe('SPEC §5: command lines that are none', { timeout: 120_000 }, () => {
  it('ended by a bare LF: 500 5.5.2, never run, and the session goes on', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    await client.send('MAIL FROM:<lf@x.test>\n');
    assert.equal(await client.reply(), BARE_LF);
    assert.equal(await client.ask('RCPT TO:<b@y.test>'), '503 5.5.1 MAIL first');
    assert.match(await sendMessage(client), /^250 /);
    assert.deepEqual(
      running.seen.filter(({ command }) => command.includes('lf@')),
      [],
    );
  });

  it('a bare LF is answered at once, without waiting for a CRLF', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    await client.send('NOOP\nNOOP\nNOOP');
    assert.deepEqual(await client.replies(2), [BARE_LF, BARE_LF]);
    await client.send('\r\n');
    assert.equal(await client.reply(), '250 2.0.0 OK');
  });

  it('a bare CR inside a line: 501, never run', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    assert.equal(await client.ask('NOOP\rMAIL FROM:<cr@x.test>'), UNPRINTABLE);
    assert.equal(await client.ask('NOOP\r'), UNPRINTABLE);
    assert.equal(await client.ask('NOOP'), '250 2.0.0 OK');
  });

  it('NUL anywhere in it: 501, and the session goes on', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    for (const line of ['\0', '\0NOOP', 'NO\0OP', 'NOOP\0', 'MAIL FROM:<a\0@x.test>', 'EHLO \0']) {
      assert.equal(await client.ask(line), NUL, JSON.stringify(line));
    }
    assert.match(await sendMessage(client), /^250 /);
  });

  it('eight-bit and control characters: 501, never echoed, and the session goes on (S15)', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    for (const line of [
      'EHLO caf\xe9',
      '\xff\xfe',
      'MAIL FROM:<a\x1b[2J@x.test>',
      'NOOP\x7f',
      'EHLO \x80\x9b',
      'NOOP\tx',
    ]) {
      assert.equal(await client.ask(line), UNPRINTABLE, JSON.stringify(line));
    }
    assert.equal(await client.ask('NOOP'), '250 2.0.0 OK');
  });

  it('empty: 500, and the session goes on', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    assert.equal(await client.ask(''), UNKNOWN);
    assert.match(await client.ask('   '), /^50\d /);
    assert.equal(await client.ask('NOOP'), '250 2.0.0 OK');
  });

  it('an unknown verb, also one that every object has: 500, never echoed', async () => {
    await using running = await startServer({ limits: { maxErrors: 50 } });
    await using client = await running.greeted();
    for (const line of [
      'XYZZY',
      'MAILFROM:<a@x.test>',
      '__proto__',
      'constructor',
      'toString',
      'hasOwnProperty x',
      'AUTH PLAIN',
      'GETTING / HTTP/1.1',
    ]) {
      assert.equal(await client.ask(line), UNKNOWN, line);
    }
  });

  it('a line of maxCommandOctets, its end included, is taken; one octet more is 500 and close', async () => {
    await using running = await startServer();
    for (const [octets, expected] of [
      [2_048, /^250 2\.0\.0 OK$/],
      [2_049, /^500 5\.5\.2 Line too long, closing$/],
    ] as const) {
      await using client = await running.greeted();
      assert.match(await client.ask(`NOOP ${'x'.repeat(octets - 7)}`), expected);
      if (octets === 2_049) await client.closed();
    }
  });

  it('an endless line: 500 and close, and memory stays small (S14)', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    const before = process.memoryUsage().rss;
    const block = Buffer.alloc(64 * 1024, 'x');
    for (let count = 0; count < 256 && !client.isClosed; count++) void client.send(block).catch(() => {});
    const { replies } = await client.untilClosed();
    const grownMiB = (process.memoryUsage().rss - before) / 1024 / 1024;
    assert.deepEqual(replies, ['500 5.5.2 Line too long, closing']);
    assert.ok(grownMiB < 24, `${grownMiB} MiB more, of which 16 may be the client's own queue`);
    await running.quiet();
    assert.deepEqual(running.reasons, ['a line was too long']);
  });

  it('an endless line one octet at a time: 500 as soon as the limit is reached', async () => {
    await using running = await startServer({ limits: { maxCommandOctets: 600 } });
    await using client = await running.greeted();
    for (let count = 0; count < 700 && !client.isClosed; count++) await client.send('x').catch(() => {});
    const { replies } = await client.untilClosed();
    assert.deepEqual(replies, ['500 5.5.2 Line too long, closing']);
  });

  it('too many errors: 421 4.7.0 behind the tenth, then close', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    await client.send('XYZZY\r\n'.repeat(30));
    const { replies } = await client.untilClosed();
    assert.deepEqual(replies, [...Array(10).fill(UNKNOWN), '421 4.7.0 Too many errors, closing']);
    await running.quiet();
    assert.deepEqual(running.reasons, ['too many errors']);
  });

  it('errors of each kind count: bare LF, NUL, out of order, syntax', async () => {
    await using running = await startServer({ limits: { maxErrors: 5 } });
    await using client = await running.greeted();
    await client.send('NOOP\nNO\0OP\r\nDATA\r\nMAIL nothing\r\nXYZZY\r\nNOOP\r\n');
    const { replies } = await client.untilClosed();
    assert.deepEqual(
      replies.map((reply) => reply.slice(0, 3)),
      ['500', '501', '503', '501', '500', '421'],
    );
  });

  it('errors before STARTTLS count inside TLS too (S05)', async () => {
    await using running = await startServer({ limits: { maxErrors: 3 } });
    await using client = await running.greeted();
    await client.ask('XYZZY');
    assert.match(await client.ask('STARTTLS now'), /^501 /);
    await client.starttls(running.trust);
    await client.send('XYZZY\r\n');
    assert.deepEqual((await client.untilClosed()).replies, [UNKNOWN, '421 4.7.0 Too many errors, closing']);
  });

  it('too many commands without a message: 421 4.7.0, then close', async () => {
    await using running = await startServer({ limits: { maxIdleCommands: 20 } });
    await using client = await running.greeted();
    await client.send('NOOP\r\n'.repeat(40));
    const { replies } = await client.untilClosed();
    assert.equal(replies.at(-1), '421 4.7.0 Too many commands without a message, closing');
    assert.equal(replies.length, 20);
  });

  it('silence: 421 4.4.2 after commandTimeoutMs, then close', async () => {
    await using running = await startServer({ limits: { commandTimeoutMs: 200 } });
    await using client = await running.greeted();
    const begun = performance.now();
    const { replies } = await client.untilClosed();
    assert.deepEqual(replies, ['421 4.4.2 Timeout, closing']);
    assert.ok(performance.now() - begun < 3_000);
    await running.quiet();
  });

  it('a command one octet at a time is held to commandTimeoutMs for the whole command', {
    timeout: 120_000,
  }, async () => {
    await using running = await startServer({ limits: { commandTimeoutMs: 300 } });
    await using client = await running.greeted();
    const begun = performance.now();
    while (!client.isClosed && performance.now() - begun < 3_000) {
      await client.send('N').catch(() => {});
      await sleep(50);
    }
    const tookMs = performance.now() - begun;
    assert.deepEqual((await client.untilClosed()).replies, ['421 4.4.2 Timeout, closing']);
    assert.ok(tookMs < 1_200, `${tookMs} ms`);
  });
});

describe('RFC 2920: a pipelined batch', { timeout: 120_000 }, () => {
  it('[R34] replies to a pipelined batch come in order, in one write where no handler is asked', async () => {
    await using running = await startServer({ onMailFrom: () => {}, onRcptTo: () => {}, onHelo: () => {} });
    await using client = await running.greeted();
    const chunks: string[] = [];
    client.raw.on('data', (chunk: Buffer) => chunks.push(chunk.toString('latin1')));
    await client.send('NOOP\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nRCPT TO:<c@y.test>\r\nDATA\r\n');
    assert.deepEqual(
      (await client.replies(5)).map((reply) => reply.slice(0, 3)),
      ['250', '250', '250', '250', '354'],
    );
    assert.equal(chunks.length, 1);
  });

  it('a whole transaction and QUIT in one segment: every reply, then close', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    await client.send('MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\nhello\r\n.\r\nNOOP\r\nQUIT\r\n');
    const { replies } = await client.untilClosed();
    assert.deepEqual(
      replies.map((reply) => reply.slice(0, 3)),
      ['250', '250', '354', '250', '250', '221'],
    );
    assert.deepEqual(
      running.messages.map(({ body }) => body),
      ['hello\r\n'],
    );
  });

  it('what stands behind QUIT is never run', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    await client.send('QUIT\r\nMAIL FROM:<late@x.test>\r\n');
    assert.deepEqual((await client.untilClosed()).replies, ['221 2.0.0 Bye']);
    assert.equal(running.seen.filter(({ command }) => command.includes('late')).length, 0);
  });

  it('RFC 2920 §3.2: a finished reply does not wait for a slow handler behind it', async () => {
    let resolve = (): void => {};
    const slow = new Promise<void>((done) => {
      resolve = done;
    });
    await using running = await startServer({ onRcptTo: () => slow });
    await using client = await running.greeted();
    await client.send('MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nNOOP\r\n');
    assert.equal(await client.reply(), '250 2.1.0 Sender OK');
    await sleep(30);
    assert.equal(client.unread, '');
    resolve();
    assert.deepEqual(await client.replies(2), ['250 2.1.5 Recipient OK', '250 2.0.0 OK']);
  });

  it('[R35] any fragmentation of one whole dialogue gives the same replies', async () => {
    const dialogue =
      'EHLO one.test\r\nNOOP x\nBAD\r\nMAIL FROM:<a@x.test> SIZE=100\r\nRCPT TO:<b@y.test>\r\nRCPT TO:<c@y.test>\r\n' +
      'DATA\r\n' +
      'Subject: x\r\n\r\n..dot\r\n.\rx\r\n.\r\nRSET\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n' +
      'Subject: y\r\n\r\n..stuffed\r\n...\r\nend\r\n.\r\nVRFY b\r\nNO\0OP\r\nQUIT\r\n';
    const run = async (cuts: readonly number[]): Promise<{ said: string[]; bodies: string[] }> => {
      await using running = await startServer();
      await using client = await RawClient.connect(running.port);
      const edges = [0, ...cuts, dialogue.length];
      for (let index = 0; index + 1 < edges.length; index++) {
        const piece = dialogue.slice(edges[index], edges[index + 1]);
        if (piece !== '') await client.send(piece);
        if (cuts.length > 0) await new Promise((resolve) => setImmediate(resolve));
      }
      const { replies } = await client.untilClosed();
      return { said: replies, bodies: running.messages.map(({ body }) => body) };
    };
    const whole = await run([]);
    assert.deepEqual(
      { codes: whole.said.map((reply) => reply.slice(0, 3)).join(' '), bodies: whole.bodies },
      {
        codes: '220 250 250 250 250 250 250 250 250 250 500 500 250 250 250 354 550 250 250 250 354 250 252 501 221',
        bodies: ['Subject: y\r\n\r\n.stuffed\r\n..\r\nend\r\n'],
      },
    );
    const everyOctet = Array.from({ length: dialogue.length - 1 }, (_none, index) => index + 1);
    assert.deepEqual(await run(everyOctet), whole);
    let seed = 42;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed % below;
    };
    for (let round = 0; round < 40; round++) {
      const cuts = [...new Set(Array.from({ length: 1 + random(12) }, () => 1 + random(dialogue.length - 1)))].sort(
        (a, b) => a - b,
      );
      assert.deepEqual(await run(cuts), whole, `cuts at ${cuts.join()}`);
    }
  });
});

describe('RFC 5321 §2.3.8, S11: line ends inside DATA', { timeout: 120_000 }, () => {
  const REFUSED = '550 5.5.2 Message refused: lines end with CRLF';

  it('a bare newline: read to CRLF.CRLF, then 550 5.5.2, nothing accepted, the session goes on', async () => {
    for (const body of ['one\ntwo\r\n', 'one\rtwo\r\n', '\n\r\n', 'one\r\r\n', 'one\n', '\r']) {
      await using running = await startServer();
      const thrown: unknown[] = [];
      running.server.on('tlsError', (error) => thrown.push(error));
      await using client = await atData(running);
      await client.send(body);
      await sleep(5);
      assert.equal(client.unread, '', 'no reply before the end of data');
      await client.send('\r\n.\r\n');
      assert.equal(await client.reply(), REFUSED, JSON.stringify(body));
      assert.match(await sendMessage(client), /^250 /);
      assert.equal(running.messages.length, 1, 'only the good one');
    }
  });

  it('the smuggling variants: only CRLF.CRLF ends a message, and no smuggled command runs', async () => {
    const ends = [
      '\n.\n',
      '\n.\r\n',
      '\r.\r',
      '\r.\r\n',
      '\r\n.\n',
      '\r\n.\r',
      '\n.\r',
      '\r.\n',
      '\r\n\0.\r\n',
      '\r\n.\0\r\n',
      '\r\n.\r\r\n',
      '\n\n.\r\n',
      '\r\n .\r\n',
      '\r\n. \r\n',
    ];
    for (const end of ends) {
      await using running = await startServer();
      await using client = await atData(running);
      const smuggled = 'MAIL FROM:<smuggled@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\nsmuggled\r\n';
      await client.send(`first${end}${smuggled}.\r\n`);
      const reply = await client.reply();
      assert.equal(await client.ask('NOOP'), '250 2.0.0 OK', JSON.stringify(end));
      assert.deepEqual(
        running.seen.filter(({ command }) => command.startsWith('MAIL')).map(({ command }) => command),
        ['MAIL a@x.test'],
        JSON.stringify(end),
      );
      const clean = /^(?:[^\r\n]|\r\n)*$/.test(end);
      assert.equal(reply, clean ? '250 2.0.0 Message accepted' : REFUSED, JSON.stringify(end));
      assert.equal(running.messages.length, clean ? 1 : 0);
    }
  });

  it('CR CRLF.CRLF contains the true end: refused, and what follows is a command', async () => {
    await using running = await startServer();
    await using client = await atData(running);
    await client.send('first\r\r\n.\r\nNOOP\r\n');
    assert.deepEqual(await client.replies(2), [REFUSED, '250 2.0.0 OK']);
  });

  it('inside TLS the same variants end nothing', async () => {
    await using running = await startServer();
    await using client = await running.upgraded();
    for (const line of ['EHLO c.test', 'MAIL FROM:<a@x.test>', 'RCPT TO:<b@y.test>', 'DATA']) await client.ask(line);
    await client.send('first\n.\nMAIL FROM:<smuggled@x.test>\n\n.\r\nQUIT\r\n.\r\n');
    assert.equal(await client.reply(), REFUSED);
    assert.equal(await client.ask('NOOP'), '250 2.0.0 OK');
    assert.deepEqual(running.messages, []);
  });

  it('dot-stuffing is undone, over any border of segments', async () => {
    const wire = '..\r\n...\r\n.x\r\n\r\n..\r\n.\r\n';
    for (let cut = 1; cut < wire.length; cut++) {
      await using running = await startServer();
      await using client = await atData(running);
      await client.send(wire.slice(0, cut));
      await sleep(2);
      await client.send(wire.slice(cut));
      assert.match(await client.reply(), /^250 /);
      assert.deepEqual(
        running.messages.map(({ body }) => body),
        ['.\r\n..\r\nx\r\n\r\n.\r\n'],
        `cut at ${cut}`,
      );
    }
  });

  it('an empty message, and one without headers, are messages', async () => {
    await using running = await startServer();
    for (const body of ['', '\r\n', 'x\r\n']) {
      await using client = await atData(running);
      await client.send(`${body}.\r\n`);
      assert.match(await client.reply(), /^250 /);
    }
    assert.deepEqual(
      running.messages.map(({ body }) => body),
      ['', '\r\n', 'x\r\n'],
    );
  });
});

describe('limits of a message', { timeout: 120_000 }, () => {
  it('oversize: read to its end, then 552 5.3.4, nothing is accepted, the session goes on', async () => {
    await using running = await startServer({ limits: { maxMessageBytes: 1_000 } });
    await using client = await atData(running);
    await client.send(`${'x'.repeat(98)}\r\n`.repeat(11));
    await sleep(20);
    assert.equal(client.unread, '');
    await client.send('.\r\n');
    assert.equal(await client.reply(), '552 5.3.4 Message too large');
    assert.deepEqual(running.messages, []);
    assert.match(await sendMessage(client), /^250 /);
  });

  it('exactly maxMessageBytes is accepted', async () => {
    await using running = await startServer({ limits: { maxMessageBytes: 1_000 } });
    await using client = await atData(running);
    await client.send(`${`${'x'.repeat(98)}\r\n`.repeat(10)}.\r\n`);
    assert.match(await client.reply(), /^250 /);
    assert.equal(running.messages[0]?.body.length, 1_000);
  });

  it('RFC 1870 §6.1: a declared SIZE beyond the limit is refused at MAIL', async () => {
    await using running = await startServer({ limits: { maxMessageBytes: 1_000 } });
    await using client = await running.greeted();
    assert.equal(await client.ask('MAIL FROM:<a@x.test> SIZE=1001'), '552 5.3.4 Message too large');
    assert.equal(await client.ask('MAIL FROM:<a@x.test> SIZE=1000'), '250 2.1.0 Sender OK');
  });

  it('an oversize message is not held in memory', async () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    await using running = await startServer({ limits: { maxMessageBytes: 16 * 1024 * 1024 } });
    await using client = await atData(running);
    const block = Buffer.from(`${'x'.repeat(65_534)}\r\n`);
    gc();
    const before = process.memoryUsage().arrayBuffers;
    for (let count = 0; count < 480; count++) await client.send(block); // 30 MiB: refused at the 16th, and read on
    await eventually('what was read of it is given back', () => {
      gc();
      return process.memoryUsage().arrayBuffers - before < 4 * 1024 * 1024;
    });
    await client.send('.\r\n');
    assert.equal(await client.reply(), '552 5.3.4 Message too large');
  });

  it('too many recipients: 452 4.5.3, and those before are served', async () => {
    await using running = await startServer({ limits: { maxRecipients: 2 } });
    await using client = await running.greeted();
    await client.ask('MAIL FROM:<a@x.test>');
    const replies = [];
    for (const name of ['b', 'c', 'd']) replies.push((await client.ask(`RCPT TO:<${name}@y.test>`)).slice(0, 9));
    assert.deepEqual(replies, ['250 2.1.5', '250 2.1.5', '452 4.5.3']);
  });

  it('too many connections: 421 4.7.0 and close; on TLS-on-connect close without a byte', async () => {
    await using running = await startServer({ limits: { maxConnections: 1 } });
    await using first = await running.greeted();
    await using second = await RawClient.connect(running.port);
    assert.deepEqual((await second.untilClosed()).replies, ['421 4.7.0 Too many connections, try again later']);
    await using third = await RawClient.connect(running.tlsPort);
    assert.equal((await third.closed()).rest.length, 0);
    assert.equal(await first.ask('NOOP'), '250 2.0.0 OK');
  });
});

describe('RFC 5321 §4.1.1.4, S23: a message cut short is never accepted', { timeout: 120_000 }, () => {
  interface Reader {
    readonly outcomes: string[];
    readonly running: RunningServer;
  }

  async function startReader(way: 'bytes' | 'iterator' | 'stream' | 'text'): Promise<Reader> {
    const outcomes: string[] = [];
    const running = await startServer({
      onMessage: async (message) => {
        try {
          if (way === 'bytes') await message.bytes();
          else if (way === 'text') await message.text();
          else if (way === 'stream') for await (const _slice of message.stream());
          else for await (const _slice of message);
          outcomes.push('accepted');
        } catch (error) {
          outcomes.push(error instanceof MessageIncompleteError ? error.code : `other: ${String(error)}`);
          throw error;
        }
      },
    });
    return { outcomes, running };
  }

  for (const way of ['bytes', 'text', 'iterator', 'stream'] as const) {
    it(`the connection is lost inside DATA: ${way} rejects with MessageIncompleteError`, async () => {
      for (const loss of ['FIN', 'RST'] as const) {
        for (const encrypted of [false, true]) {
          const { outcomes, running } = await startReader(way);
          await using _server = running;
          await using client = encrypted ? await running.upgraded() : await running.greeted();
          for (const line of ['EHLO c.test', 'MAIL FROM:<a@x.test>', 'RCPT TO:<b@y.test>', 'DATA'])
            await client.ask(line);
          await client.send('Subject: cut\r\n\r\nhalf of i');
          await sleep(20);
          if (loss === 'RST') client.reset();
          else if (encrypted)
            client.raw.end(); // TCP ends, TLS does not say so: a truncation (finding 9)
          else client.finish();
          await eventually(`an outcome (${loss}, encrypted: ${encrypted})`, () => outcomes.length > 0);
          await running.quiet();
          assert.deepEqual(outcomes, ['ERR_TLS_SMTP_MESSAGE_INCOMPLETE'], `${loss}, encrypted: ${encrypted}`);
        }
      }
    });
  }

  it('TLS that ends by close_notify inside DATA is a lost connection (finding 10)', async () => {
    const { outcomes, running } = await startReader('bytes');
    await using _server = running;
    await using client = await running.upgraded();
    for (const line of ['EHLO c.test', 'MAIL FROM:<a@x.test>', 'RCPT TO:<b@y.test>', 'DATA']) await client.ask(line);
    await client.send('half of it\r\n');
    await sleep(20);
    client.finish();
    await client.closed();
    await running.quiet();
    assert.deepEqual(outcomes, ['ERR_TLS_SMTP_MESSAGE_INCOMPLETE']);
  });

  it('at every octet before the last: no cut makes a message', async () => {
    const wire = 'a\r\n.\r\n';
    for (let cut = 0; cut < wire.length; cut++) {
      const { outcomes, running } = await startReader('bytes');
      await using _server = running;
      await using client = await atData(running);
      if (cut > 0) await client.send(wire.slice(0, cut));
      client.finish();
      const { rest } = await client.closed();
      await running.quiet();
      assert.deepEqual([outcomes, rest.toString('latin1')], [['ERR_TLS_SMTP_MESSAGE_INCOMPLETE'], ''], `cut at ${cut}`);
    }
  });

  it('a client that closes its side behind the final dot gets its 250', async () => {
    await using running = await startServer();
    await using client = await atData(running);
    await client.send('whole\r\n.\r\n');
    client.finish();
    const { replies } = await client.untilClosed();
    assert.deepEqual(replies, ['250 2.0.0 Message accepted']);
  });

  it('silence inside DATA: 421 after dataTimeoutMs, and the reader rejects', async () => {
    const outcomes: string[] = [];
    await using running = await startServer({
      limits: { dataTimeoutMs: 200 },
      onMessage: (message, session) =>
        message.bytes().then(
          (bytes) => outcomes.push(delivered(message, session, bytes.toString('latin1')).body),
          (error: { readonly code?: string }) => outcomes.push(error.code ?? 'none'),
        ),
    });
    await using client = await atData(running);
    await client.send('half\r\n');
    const { replies } = await within(client.untilClosed(), 'the time-out', 2_000);
    assert.deepEqual([replies, outcomes], [['421 4.4.2 Timeout, closing'], ['ERR_TLS_SMTP_MESSAGE_INCOMPLETE']]);
  });
});
