import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StartTlsServer } from '../../src/net/starttls-server.js';
import { reject } from '../../src/smtp/rejection.js';
import { sendMessage, startServer, testIdentity } from '../support/with-server.js';

const { issued } = await testIdentity();

describe('what onSecure decides right behind the handshake (RFC 3207 §4.1)', { timeout: 120_000 }, () => {
  for (const command of ['EHLO inside.test', 'MAIL FROM:<a@x.test>', 'NOOP', 'QUIT']) {
    const reply = command === 'QUIT' ? '221 2.0.0 Bye' : '554 5.7.1 the key is too short';
    it(`[R15, R16] where TLS is not good enough for onSecure 554 is said, 221 to QUIT, and the connection closes (${command})`, async () => {
      await using running = await startServer({
        onSecure: ({ bits }) => {
          assert.equal(bits, 256);
          throw reject(554, '5.7.1', 'the key is too short');
        },
      });
      await using client = await running.upgraded({ maxVersion: 'TLSv1.3' });
      await client.send(`${command}\r\n`);
      assert.deepEqual((await client.untilClosed()).replies, [reply]);
      await running.quiet();
      assert.deepEqual(
        running.seen.filter(({ encrypted }) => encrypted),
        [],
      );
    });
  }

  it('[R33] 421 may be the answer to the first command inside TLS', async () => {
    await using running = await startServer({
      onSecure: () => {
        throw reject(421, '4.7.0', 'come back later');
      },
    });
    await using client = await running.upgraded();
    await client.send('EHLO inside.test\r\n');
    assert.deepEqual((await client.untilClosed()).replies, ['421 4.7.0 come back later']);
  });
});

describe('SMTP and TLS', { timeout: 120_000 }, () => {
  it('[R23] STARTTLS is offered at the port of submission as at any other', async () => {
    const server = new StartTlsServer({ tls: { certificate: issued.cert, privateKey: issued.key } });
    for (const localPort of [25, 587, 2525]) {
      assert.deepEqual(await server.session({ localPort }).ehlo('client.test'), ['STARTTLS']);
    }
  });

  it('[R28] a second EHLO discards the transaction, in clear and inside TLS', async () => {
    await using running = await startServer();
    for (const client of [await running.greeted(), await running.upgraded()]) {
      await using one = client;
      await one.ask('EHLO client.test');
      await one.ask('MAIL FROM:<first@x.test>');
      await one.ask('RCPT TO:<first@y.test>');
      await one.ask('EHLO client.test');
      assert.equal(await one.ask('DATA'), '503 5.5.1 MAIL first');
      assert.match(await sendMessage(one), /^250 /);
    }
    assert.deepEqual(
      running.messages.map(({ mailFrom, rcptTo }) => [mailFrom, ...rcptTo]),
      [
        ['a@x.test', 'b@y.test'],
        ['a@x.test', 'b@y.test'],
      ],
    );
  });
});
