import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { beginMessage, type RunningServer, sendMessage, startServer } from '../support/with-server.js';

const VALUES = ['reject', 'normalize'] as const;

/** What handlers saw, but for the greeting. */
const commands = (running: RunningServer): string[] =>
  running.seen.map(({ command }) => command).filter((command) => !command.startsWith('EHLO '));

describe('S12: bare LF and CR in commands', { timeout: 120_000 }, () => {
  it('reject: 500 at the LF, never run, and the session goes on (RFC 5321 §2.3.8)', async () => {
    await using running = await startServer();
    await using client = await running.upgraded();
    await client.ask('EHLO client.test');
    await client.send('MAIL FROM:<lf@x.test>\nNOOP\n\nRSET\r\n');
    const bare = '500 5.5.2 lines end with CRLF';
    assert.deepEqual(await client.replies(4), [bare, bare, bare, '250 2.0.0 OK']);
    assert.deepEqual(commands(running), []);
  });

  it('normalize: LF ends a command like CRLF, a message can be sent so', async () => {
    await using running = await startServer({ bareNewlines: 'normalize' });
    await using client = await running.upgraded();
    await client.send('EHLO client.test\n');
    await client.reply();
    await client.send('MAIL FROM:<lf@x.test>\nRCPT TO:<b@y.test>\r\nDATA\n');
    await client.replies(3);
    await client.send('Subject: x\n\nbody\n..dot\n.\nnot the end\r\n.\r\n');
    assert.equal(await client.reply(), '250 2.0.0 Message accepted');
    await client.send('MAIL FROM:<lf@x.test>\nRCPT TO:<b@y.test>\nBDAT 2\na\nBDAT 1 LAST\n\nQUIT\n');
    const { replies } = await client.untilClosed();
    assert.deepEqual(replies.slice(2), ['250 2.0.0 Chunk received', '250 2.0.0 Message accepted', '221 2.0.0 Bye']);
    assert.deepEqual(
      running.messages.map(({ body }) => body),
      ['Subject: x\r\n\r\nbody\r\n.dot\r\n\r\nnot the end\r\n', 'a\n\n'],
    );
  });

  it('normalize: stuffed dots and a bare LF in one record, inside TLS: one message, its dots where they were', async () => {
    await using running = await startServer({ bareNewlines: 'normalize' });
    await using client = await running.upgraded();
    await beginMessage(client);
    const inner = 'MAIL FROM:<ceo@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\nSubject: order\r\n';
    await client.send(`Subject: x\r\n\r\n..\r\n${inner}..\r\nNOOP\r\na\nb\r\n.\r\nQUIT\r\n`);
    const { replies } = await client.untilClosed();
    assert.deepEqual(replies, ['250 2.0.0 Message accepted', '221 2.0.0 Bye']);
    assert.deepEqual(
      running.messages.map(({ body }) => body),
      [`Subject: x\r\n\r\n.\r\n${inner}.\r\nNOOP\r\na\r\nb\r\n`],
    );
  });

  for (const bareNewlines of VALUES) {
    it(`a bare CR in a command: 501, never run, ${bareNewlines}`, async () => {
      await using running = await startServer({ bareNewlines });
      await using client = await running.upgraded();
      await client.ask('EHLO client.test');
      await client.send('NOOP\rMAIL FROM:<cr@x.test>\r\nMAIL FROM:<cr@x.test>\r\r\nRSET\r\n');
      const refused = '501 5.5.2 Commands are printable ASCII';
      assert.deepEqual(await client.replies(3), [refused, refused, '250 2.0.0 OK']);
      assert.deepEqual(commands(running), []);
    });

    it(`STARTTLS that ends in a bare LF: no upgrade, with or without more behind it, ${bareNewlines} (RFC 3207 §4.2)`, async () => {
      await using running = await startServer({ bareNewlines });
      await using alone = await running.greeted();
      await alone.send('STARTTLS\n');
      assert.equal(await alone.reply(), '500 5.5.2 lines end with CRLF');
      assert.match(await alone.ask('NOOP'), /^250 /);
      await using followed = await running.greeted();
      await followed.send('STARTTLS\nMAIL FROM:<injected@x.test>\r\n');
      const { replies } = await followed.untilClosed();
      assert.ok(
        replies.every((reply) => !reply.startsWith('220')),
        replies.join(),
      );
      assert.deepEqual(commands(running), []);
    });

    it(`NUL in a command: 501; in a message it is an octet like any other, ${bareNewlines}`, async () => {
      await using running = await startServer({ bareNewlines });
      await using client = await running.upgraded();
      await client.ask('EHLO client.test');
      assert.equal(await client.ask('MAIL FROM:<a\0@x.test>'), '501 5.5.2 NUL characters are not allowed');
      assert.match(await sendMessage(client, 'Subject: \0\r\n\r\n\0\r\n'), /^250 /);
      assert.deepEqual(
        running.messages.map(({ body }) => body),
        ['Subject: \0\r\n\r\n\0\r\n'],
      );
    });

    it(`text lines beyond 1,000 octets are taken, as others do, ${bareNewlines} (RFC 5321 §4.5.3.1.6, §4.5.3.1.10)`, async () => {
      await using running = await startServer({ bareNewlines });
      await using client = await running.upgraded();
      const body = `Subject: x\r\n\r\n${'x'.repeat(998)}\r\n${'y'.repeat(999)}\r\n${'z'.repeat(1_000_000)}\r\n`;
      assert.match(await sendMessage(client, body), /^250 /);
      assert.ok(running.messages[0]?.body === body);
    });
  }

  it('reject: a message is read to its end and refused there, and its reader gets an error (RFC 5321 §2.3.8)', async () => {
    for (const body of ['a\nb\r\n', 'a\rb\r\n', '\n', '\r\r\n']) {
      await using running = await startServer();
      await using client = await running.upgraded();
      await beginMessage(client);
      await client.send(`${body}MAIL FROM:<smuggled@x.test>\r\n.\r\nNOOP\r\n`);
      assert.deepEqual(await client.replies(2), ['550 5.5.2 Message refused: lines end with CRLF', '250 2.0.0 OK']);
      assert.deepEqual([running.messages, running.errors], [[], []]);
    }
  });
});
