import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTransport } from 'nodemailer';
import { sendMessage, startServer } from '../support/with-server.js';

/** A line as a client sends it, for a support that writes latin1. */
const utf8 = (line: string): string => Buffer.from(line, 'utf8').toString('latin1');

describe('SMTPUTF8 over the wire', () => {
  it('addresses come out as text, the message and its Received header as UTF8SMTPS', async () => {
    await using running = await startServer();
    await using client = await running.upgraded();
    assert.match(await client.ask('EHLO client.test'), /^250-SMTPUTF8$/m);
    const lines = ['MAIL FROM:<δοκιμή@παράδειγμα.δοκιμή> BODY=8BITMIME SMTPUTF8', 'RCPT TO:<用户@例子.广告>', 'DATA'];
    const replies: string[] = [];
    for (const line of lines) replies.push(await client.ask(utf8(line)));
    assert.deepEqual(
      replies.map((reply) => reply.slice(0, 3)),
      ['250', '250', '354'],
    );
    assert.match(await client.ask(utf8('Subject: ü\r\n\r\nü\r\n.')), /^250 /);
    const [message] = running.messages;
    assert.deepEqual([message?.mailFrom, message?.rcptTo], ['δοκιμή@παράδειγμα.δοκιμή', ['用户@例子.广告']]);
    assert.match(message?.received ?? '', /with UTF8SMTPS\r\n/);
    assert.match(message?.received ?? '', /^[\t\r\n -~]*$/);
    assert.match(await sendMessage(client), /^250 /);
    assert.equal(running.messages[1]?.transmissionType, 'ESMTPS');
  });

  it('nodemailer delivers to an address in Unicode', async () => {
    await using running = await startServer();
    await createTransport({
      host: '127.0.0.1',
      port: running.port,
      requireTLS: true,
      tls: { ca: running.authority.ca, servername: 'mx.test' },
    }).sendMail({ from: 'a@x.test', to: 'δοκιμή@y.test', text: 'hello' });
    assert.deepEqual(running.messages[0]?.rcptTo, ['δοκιμή@y.test']);
    assert.equal(running.messages[0]?.transmissionType, 'UTF8SMTPS');
  });

  it('without the parameter 553 5.6.7; octets that are no UTF-8, or that do harm, 501', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    assert.match(await client.ask(utf8('MAIL FROM:<ü@x.test>')), /^553 5\.6\.7 /);
    assert.match(await client.ask('MAIL FROM:<\xfc@x.test> SMTPUTF8'), /^501 5\.5\.2 /);
    assert.match(await client.ask(utf8('MAIL FROM:<a\u202eb@x.test> SMTPUTF8')), /^501 5\.5\.2 /);
    assert.match(await client.ask(utf8('MAIL FROM:<a\u009bb@x.test> SMTPUTF8')), /^501 5\.5\.2 /);
    assert.match(await client.ask('MAIL FROM:<a@x.test>'), /^250 /);
    assert.match(await client.ask(utf8('RCPT TO:<ü@y.test>')), /^553 5\.6\.7 /);
    assert.match(await client.ask('RCPT TO:<b@y.test>'), /^250 /);
  });

  it('hidden, it is refused as well, and so is what needs 8BITMIME where that is hidden', async () => {
    for (const keyword of ['SMTPUTF8', '8BITMIME']) {
      await using running = await startServer({ hide: [keyword] });
      await using client = await running.greeted();
      assert.doesNotMatch(await client.ask('EHLO me'), /SMTPUTF8/);
      assert.match(await client.ask(utf8('MAIL FROM:<ü@x.test> SMTPUTF8')), /^555 5\.5\.4 /, keyword);
    }
  });
});

describe('hide', () => {
  it('what is not offered is not accepted: STARTTLS, SIZE, 8BITMIME', async () => {
    await using running = await startServer({ hide: ['starttls', 'size', '8bitmime', 'pipelining', 'help'] });
    await using client = await running.greeted();
    assert.equal(await client.ask('EHLO me'), '250-mx.test at your service\n250-CHUNKING\n250 ENHANCEDSTATUSCODES');
    assert.match(await client.ask('STARTTLS'), /^503 5\.5\.1 /);
    assert.match(await client.ask('MAIL FROM:<a@x.test> SIZE=1'), /^555 /);
    assert.match(await client.ask('MAIL FROM:<a@x.test> BODY=8BITMIME'), /^555 /);
    assert.match(await sendMessage(client), /^250 /);
  });
});

describe('the log line', () => {
  it('tells sender, client, TLS, user and size as Exim does', async () => {
    const lines: string[] = [];
    await using running = await startServer({
      onAuth: ({ username }) => ({ user: username }),
      onMessage: async (message) => {
        await message.bytes();
        lines.push(message.logLine());
      },
    });
    await using client = await running.upgraded();
    await client.ask('EHLO client.test');
    await client.ask(`AUTH PLAIN ${Buffer.from('\0tim S=0\0x').toString('base64')}`);
    assert.match(await sendMessage(client, 'hello\r\n'), /^250 /);
    assert.match(
      lines[0] ?? '',
      /^<= a@x\.test H=\(client\.test\) \[127\.0\.0\.1\] P=esmtpsa X=TLSv1\.3:TLS_\w+:256 CV=no A=plain:tim\\u\{20\}S=0 S=7$/,
    );
  });
});
