import assert from 'node:assert/strict';
import { subscribe } from 'node:diagnostics_channel';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { createTransport } from 'nodemailer';
import type { AuthRequest, SmtpSession } from '../../src/server/index.js';
import { reject } from '../../src/server/index.js';
import { debugLines } from '../support/debug-lines.js'; // first: it is asked for when src is read
import type { RawClient } from '../support/raw-client.js';
import { sleep } from '../support/raw-client.js';
import { type RunningServer, type StartOptions, sendMessage, startServer } from '../support/with-server.js';

const SECRET = 'hunter2-hunter2';
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const TIM = base64(`\0tim\0${SECRET}`);
const SUCCEEDED = '235 2.7.0 Authentication succeeded';
const INVALID = '535 5.7.8 Authentication credentials invalid';

const published: unknown[] = [];
for (const room of ['server', 'starttls']) subscribe(`tls-smtp:${room}`, (event) => published.push(event));

function withTim(options: StartOptions = {}): Promise<RunningServer> {
  return startServer({
    onAuth: ({ username, password }) => username === 'tim' && password === SECRET && { user: 'tim' },
    ...options,
  });
}

/** Inside TLS, greeted again. */
async function ready(running: RunningServer): Promise<RawClient> {
  const client = await running.upgraded();
  await client.ask('EHLO client.test');
  return client;
}

describe('AUTH over the wire', () => {
  it('PLAIN and LOGIN, with and without a first response; the identity stands in session and Received', async () => {
    for (const lines of [
      [`AUTH PLAIN ${TIM}`],
      ['auth plain', TIM],
      ['AUTH LOGIN', base64('tim'), base64(SECRET)],
      [`AUTH LOGIN ${base64('tim')}`, base64(SECRET)],
    ]) {
      await using running = await withTim();
      await using client = await ready(running);
      const replies: string[] = [];
      for (const line of lines) replies.push(await client.ask(line));
      assert.deepEqual(replies.pop(), SUCCEEDED, lines.join());
      assert.ok(
        replies.every((reply) => reply.startsWith('334 ')),
        replies.join(),
      );
      assert.match(await sendMessage(client), /^250 /);
      assert.match(running.messages[0]?.received ?? '', /with ESMTPSA\r\n/);
      assert.equal(running.messages[0]?.transmissionType, 'ESMTPSA');
    }
  });

  it('nodemailer authenticates with each, and is told where the password is wrong', async () => {
    for (const authMethod of ['PLAIN', 'LOGIN']) {
      await using running = await withTim();
      const send = (pass: string): Promise<unknown> =>
        createTransport({
          host: '127.0.0.1',
          port: running.port,
          requireTLS: true,
          authMethod,
          auth: { user: 'tim', pass },
          tls: { ca: running.authority.ca, servername: 'mx.test' },
        }).sendMail({ from: 'a@x.test', to: 'b@y.test', text: 'hello' });
      await assert.rejects(send('wrong'), { code: 'EAUTH', responseCode: 535 });
      await send(SECRET);
      assert.deepEqual(
        running.messages.map(({ transmissionType }) => transmissionType),
        ['ESMTPSA'],
      );
    }
  });

  it('a response is never run as a command, nor what is sent behind it taken for one', async () => {
    await using running = await withTim();
    await using client = await ready(running);
    await client.send('AUTH LOGIN\r\nQUIT\r\nNOOP\r\nAUTH PLAIN\r\n*\r\nRSET\r\n');
    assert.deepEqual(await client.replies(6), [
      '334 VXNlcm5hbWU6',
      '501 5.5.2 Response does not fit the mechanism', // QUIT is base64, and no name in UTF-8
      '250 2.0.0 OK',
      '334 ',
      '501 5.7.0 Authentication cancelled',
      '250 2.0.0 OK',
    ]);
  });

  it('a response that ends in a bare LF is not taken, and ends the exchange', async () => {
    await using running = await withTim();
    await using client = await ready(running);
    await client.send(`AUTH PLAIN\r\n${TIM}\nNOOP\r\n`);
    assert.deepEqual(await client.replies(3), ['334 ', '500 5.5.2 lines end with CRLF', '250 2.0.0 OK']);
  });

  it('what is pipelined behind a whole exchange waits for the verdict, and runs once', async () => {
    const order: string[] = [];
    await using running = await withTim({
      onAuth: async () => {
        await sleep(20);
        order.push('auth');
        return { user: 'tim' };
      },
      onMailFrom: (_address, session) => void order.push(`mail as ${session.user}`),
    });
    await using client = await ready(running);
    await client.send(`AUTH PLAIN\r\n${TIM}\r\nMAIL FROM:<a@x.test>\r\nNOOP\r\n`);
    assert.deepEqual(await client.replies(4), ['334 ', SUCCEEDED, '250 2.1.0 Sender OK', '250 2.0.0 OK']);
    assert.deepEqual(order, ['auth', 'mail as tim']);
  });

  it('any cut of an exchange gives the same replies', async () => {
    const dialogue = `AUTH LOGIN\r\n${base64('tim')}\r\n${base64(SECRET)}\r\nNOOP\r\n`;
    for (const cut of [1, 5, 12, 13, 17, 20, dialogue.length - 8]) {
      await using running = await withTim();
      await using client = await ready(running);
      await client.send(dialogue.slice(0, cut));
      await sleep(10);
      await client.send(dialogue.slice(cut));
      const replies = await client.replies(4);
      assert.deepEqual(replies, ['334 VXNlcm5hbWU6', '334 UGFzc3dvcmQ6', SUCCEEDED, '250 2.0.0 OK'], `cut at ${cut}`);
    }
  });

  it('lines up to maxAuthOctets, the command and a response alike; beyond: 500, close', async () => {
    const asked: number[] = [];
    const onAuth = ({ password = '' }: AuthRequest): unknown => void asked.push(password.length);
    const padded = (octets: number): string => base64(`\0tim\0${'p'.repeat((octets / 4) * 3 - 5)}`);
    await using running = await startServer({ onAuth });
    {
      await using client = await ready(running);
      assert.equal(await client.ask(`AUTH PLAIN ${padded(12_272)}`), INVALID);
      assert.equal(await client.ask('AUTH PLAIN'), '334 ');
      assert.equal(await client.ask(padded(12_284)), INVALID);
      assert.deepEqual(asked, [9_199, 9_208]);
    }
    for (const [first, line] of [
      [null, `AUTH PLAIN ${padded(12_280)}`],
      ['AUTH PLAIN', padded(12_288)],
      [null, `NOOP ${'x'.repeat(2_048)}`],
    ] as const) {
      await using client = await ready(running);
      if (first !== null) await client.ask(first);
      assert.equal(await client.ask(line), '500 5.5.2 Line too long, closing');
      await client.closed();
    }
    assert.equal(asked.length, 2);
  });

  it('without onAuth AUTH is no command, and a long line of it is too long at 2,048', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    assert.equal(await client.ask('AUTH PLAIN'), '500 5.5.2 Command not recognized');
    assert.equal(await client.ask(`AUTH PLAIN ${'a'.repeat(2_040)}`), '500 5.5.2 Line too long, closing');
  });

  it('wrong passwords are errors: 421 at the tenth', async () => {
    await using running = await withTim();
    await using client = await ready(running);
    const wrong = `AUTH PLAIN ${base64('\0tim\0wrong')}\r\n`;
    await client.send(wrong.repeat(12));
    const { replies } = await client.untilClosed();
    assert.deepEqual(replies, [...Array<string>(10).fill(INVALID), '421 4.7.0 Too many errors, closing']);
  });

  it('in clear it is not offered and not taken; allowInsecureAuth offers it', async () => {
    let asked = 0;
    const onAuth = (): unknown => ({ user: `tim${++asked}` });
    {
      await using running = await startServer({ onAuth });
      await using client = await running.greeted();
      assert.doesNotMatch(await client.ask('EHLO me'), /AUTH/);
      assert.match(await client.ask(`AUTH PLAIN ${TIM}`), /^538 5\.7\.11 /);
      assert.match(await client.ask('AUTH LOGIN'), /^538 5\.7\.11 /);
      assert.equal(asked, 0);
    }
    await using running = await startServer({ onAuth, allowInsecureAuth: true });
    await using client = await running.greeted();
    assert.match(await client.ask('EHLO me'), /^250-AUTH PLAIN LOGIN$/m);
    assert.equal(await client.ask(`AUTH PLAIN ${TIM}`), SUCCEEDED);
    assert.match(await sendMessage(client), /^250 /);
    assert.equal(running.messages[0]?.transmissionType, 'ESMTPA');
  });

  it('hidden, it is no command', async () => {
    await using running = await withTim({ hide: ['auth'] });
    await using client = await running.upgraded();
    assert.doesNotMatch(await client.ask('EHLO me'), /AUTH/);
    assert.match(await client.ask(`AUTH PLAIN ${TIM}`), /^500 /);
  });

  it('a client that goes away inside an exchange, or while it is judged, leaves nothing behind', async () => {
    let session: SmtpSession | null = null;
    await using running = await withTim({
      onAuth: async (_auth, given) => {
        session = given;
        await sleep(50);
        return { user: 'late' };
      },
    });
    {
      await using client = await ready(running);
      await client.ask('AUTH PLAIN');
      client.finish();
      await client.closed();
    }
    await using client = await ready(running);
    await client.send(`AUTH PLAIN ${TIM}\r\n`);
    await sleep(10);
    client.reset();
    await running.quiet();
    await sleep(60);
    assert.ok(session);
    assert.deepEqual([running.errors, running.warnings], [[], []]);
  });

  it('close() ends a client that is asked for its response', async () => {
    await using running = await withTim();
    await using client = await ready(running);
    await client.ask('AUTH PLAIN');
    const closing = running.server.close({ drainMs: 2_000 });
    assert.match(await client.reply(), /^421 4\.3\.2 /);
    await client.closed();
    await closing;
  });

  it('no secret reaches debug output, diagnostics, events, errors or a session that is printed', async () => {
    debugLines.length = published.length = 0;
    const shown: unknown[] = [];
    await using running = await startServer({
      onAuth: (auth, session) => {
        shown.push(inspect(auth), JSON.stringify(auth), inspect(session, { depth: 9, showHidden: true }));
        if (auth.username === 'fails') throw new Error(`cannot bind with ${auth.password}`);
        if (auth.username === 'refused') throw reject(535, '5.7.8', 'no');
        return { user: auth.username };
      },
      onClose: (session, reason) => void shown.push(inspect(session, { depth: 9, showHidden: true }), reason),
    });
    for (const name of ['fails', 'refused', 'tim']) {
      await using client = await ready(running);
      const replies = [await client.ask(`AUTH PLAIN ${base64(`\0${name}\0${SECRET}`)}`)];
      if (name !== 'tim')
        for (const line of ['AUTH LOGIN', base64(name), base64(SECRET)]) replies.push(await client.ask(line));
      shown.push(replies.join(), await client.ask('QUIT'));
    }
    await running.quiet();
    assert.deepEqual(
      running.errors.map(({ code }) => code),
      Array(2).fill('ERR_TLS_SMTP_HANDLER_FAILED'),
    );
    assert.ok(debugLines.length > 0 && published.length > 0);
    const all = inspect([shown, running.errors, running.warnings, running.reasons, debugLines, published], {
      depth: 20,
      maxArrayLength: null,
      maxStringLength: null,
      showHidden: true,
    });
    for (const form of [SECRET, base64(SECRET), base64(`\0fails\0${SECRET}`)]) assert.ok(!all.includes(form), form);
  });
});
