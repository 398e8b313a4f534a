import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type IncomingMessage, MessageIncompleteError } from '../../src/server/index.js';
import { reject } from '../../src/smtp/rejection.js';
import { eventually, type RawClient, sleep } from '../support/raw-client.js';
import { beginMessage, startServer } from '../support/with-server.js';

/** A client that is not told 250 sends its message again: whoever has stored it must be able to know (RFC 1047). */

describe('message.signal', { timeout: 120_000 }, () => {
  for (const [what, end, body, reason] of [
    [
      'the connection is lost behind the final dot',
      reset,
      'x\r\n.\r\n',
      'the connection was lost before the message was answered',
    ],
    ['the connection is lost inside the message', reset, 'x\r\n', 'the connection was lost inside a message'],
    ['the handler takes too long', wait, 'x\r\n.\r\n', 'the session was ended before the message was answered'],
    ['it is too large', wait, `${'x'.repeat(200)}\r\n.\r\n`, 'Message too large'],
    ['it has a bare newline', wait, 'x\ny\r\n.\r\n', 'Message refused: lines end with CRLF'],
  ] as const) {
    it(`is aborted where ${what}`, async () => {
      const messages: IncomingMessage[] = [];
      await using running = await startServer({
        limits: { handlerTimeoutMs: 250, maxMessageBytes: 100 },
        onMessage(message) {
          messages.push(message);
          return new Promise(() => {});
        },
      });
      const client = await running.upgraded();
      await beginMessage(client);
      const [message] = messages;
      assert.ok(message && !message.signal.aborted);
      await client.send(body);
      await sleep(20);
      end(client);
      await eventually('it is aborted', () => message.signal.aborted);
      assert.ok(message.signal.reason instanceof MessageIncompleteError);
      assert.equal(message.signal.reason.message, reason);
      client.destroy();
    });
  }

  it('tells a handler that asks only when it is too late', async () => {
    let late: AbortSignal | undefined;
    await using running = await startServer({
      limits: { handlerTimeoutMs: 50 },
      async onMessage(message) {
        await message.bytes();
        await sleep(150);
        late = message.signal;
      },
    });
    const client = await running.upgraded();
    await beginMessage(client);
    await client.send('x\r\n.\r\n');
    await eventually('the handler is done', () => late !== undefined);
    assert.equal(late?.aborted, true);
    client.destroy();
  });

  it('is never aborted behind a 250, whatever becomes of the connection', async () => {
    for (const onMessage of [
      (message: IncomingMessage) => keep(message),
      async (message: IncomingMessage) => keep(message),
    ]) {
      await using running = await startServer({ onMessage });
      const client = await running.upgraded();
      await beginMessage(client);
      await client.send('x\r\n.\r\n');
      assert.match(await client.reply(), /^250 /);
      client.reset();
      await running.quiet();
      await sleep(10);
      assert.deepEqual(
        kept.splice(0).map(({ aborted }) => aborted),
        [false],
      );
    }
  });
});

describe('bytes() and text() that a handler has left behind', { timeout: 120_000 }, () => {
  for (const way of ['bytes', 'text'] as const) {
    it(`${way}(): a client that hangs up while the handler waits for something else does not end the process`, async () => {
      const unhandled: unknown[] = [];
      const note = (reason: unknown): void => void unhandled.push(reason);
      process.on('unhandledRejection', note);
      let seen: unknown;
      await using running = await startServer({
        async onMessage(message) {
          const whole = message[way]();
          await sleep(100); // asks a database, say
          await (whole as Promise<unknown>).catch((error) => {
            seen = error;
          });
        },
      });
      const client = await running.upgraded();
      await beginMessage(client);
      await client.send('half');
      client.reset();
      await eventually('the handler sees it', () => seen !== undefined);
      process.off('unhandledRejection', note);
      assert.ok(seen instanceof MessageIncompleteError);
      assert.deepEqual(unhandled, []);
    });

    it(`${way}(): a refusal ends it, and what it has collected is let go`, async () => {
      let whole: Promise<unknown> = Promise.resolve();
      await using running = await startServer({
        async onMessage(message) {
          whole = message[way]();
          throw reject(550, '5.7.1', 'not from you');
        },
      });
      const client = await running.upgraded();
      await beginMessage(client);
      await assert.rejects(whole, { message: 'the handler refused the message' });
      assert.equal(await client.ask('x\r\n.'), '550 5.7.1 not from you');
      client.destroy();
    });
  }
});

const kept: AbortSignal[] = [];

function keep(message: IncomingMessage): void {
  kept.push(message.signal);
}

function reset(client: RawClient): void {
  client.reset();
}

function wait(): void {}
