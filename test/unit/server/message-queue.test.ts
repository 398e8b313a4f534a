import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MessageIncompleteError } from '../../../src/server/message.js';
import { MessageQueue } from '../../../src/server/message-queue.js';

const envelope = { mailFrom: { address: 'a@x', parameters: {} }, rcptTo: [] };

function queue(): { message: MessageQueue; resumed: () => number } {
  let resumed = 0;
  const source = { resume: (): void => void resumed++, receivedHeader: () => 'Received: x\r\n', logLine: () => '<= x' };
  return { message: new MessageQueue(envelope, source), resumed: () => resumed };
}

describe('MessageQueue', () => {
  it('is read in one of four ways', async () => {
    const read: string[] = [];
    for (const way of ['bytes', 'text', 'stream', 'iterator'] as const) {
      const { message } = queue();
      message.push(Buffer.from('ab'));
      const result = (async () => {
        if (way === 'bytes') return (await message.bytes()).toString();
        if (way === 'text') return message.text();
        let text = '';
        for await (const slice of way === 'stream' ? message.stream() : message) text += slice;
        return text;
      })();
      await turn();
      message.push(Buffer.from('cd'));
      message.finish();
      read.push(await result);
    }
    assert.deepEqual(read, ['abcd', 'abcd', 'abcd', 'abcd']);
  });

  it('can be read once', async () => {
    const { message } = queue();
    message.finish();
    await message.bytes();
    await assert.rejects(message.bytes(), { code: 'ERR_TLS_SMTP_MESSAGE_ALREADY_READ' });
  });

  it('holds the client back while nobody reads, and lets it go on when the reader has caught up', async () => {
    const { message, resumed } = queue();
    message.push(Buffer.alloc(70_000));
    assert.ok(message.full);
    const iterator = message[Symbol.asyncIterator]();
    assert.equal((await iterator.next()).value?.length, 70_000);
    assert.deepEqual([message.full, resumed()], [false, 1]);
  });

  it('gives an error in place of an end where the message was cut short', async () => {
    const { message } = queue();
    message.push(Buffer.from('half'));
    const read = message.bytes();
    message.fail(new MessageIncompleteError('the connection was lost'));
    message.finish();
    await assert.rejects(read, { code: 'ERR_TLS_SMTP_MESSAGE_INCOMPLETE' });
  });

  it('gathers what a client drips: the memory held is that of the octets, not of an object for each', async () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    const { message } = queue();
    const read = message.bytes();
    gc();
    const before = process.memoryUsage();
    for (let index = 0; index < 300_000; index++) message.push(Buffer.from([index & 0xff, 0x0d, 0x0a]));
    gc();
    const after = process.memoryUsage();
    const grown = after.heapUsed + after.external - before.heapUsed - before.external;
    assert.ok(grown < 4_000_000, `${grown} octets for a body of 900,000`);
    message.finish();
    const body = await read;
    assert.deepEqual([body.length, body.subarray(-3)], [900_000, Buffer.from([299_999 & 0xff, 0x0d, 0x0a])]);
  });

  it('keeps the order of large and small parts, and never writes to what a reader has', async () => {
    const { message } = queue();
    const iterator = message[Symbol.asyncIterator]();
    const parts = [10, 20, 3_000, 5, 5, 70_000, 1, 5_000, 2_047, 2_047, 2_047].map((size, index) =>
      Buffer.alloc(size, 65 + index),
    );
    const seen: Buffer[] = [];
    const copies: Buffer[] = [];
    for (const [index, part] of parts.entries()) {
      message.push(part);
      if (index % 3 !== 2) continue;
      const { value } = await iterator.next();
      assert.ok(value);
      seen.push(value);
      copies.push(Buffer.from(value));
    }
    message.finish();
    for await (const slice of { [Symbol.asyncIterator]: () => iterator }) {
      seen.push(slice);
      copies.push(Buffer.from(slice));
    }
    assert.ok(Buffer.concat(seen).equals(Buffer.concat(parts)));
    assert.ok(seen.every((slice, index) => copies[index]?.equals(slice)));
  });

  it('drops what a handler leaves unread', () => {
    const { message, resumed } = queue();
    message.push(Buffer.alloc(70_000));
    message.drop();
    message.push(Buffer.alloc(70_000));
    assert.deepEqual([message.full, resumed()], [false, 1]);
  });

  it('tells the envelope, the declared size and the Received header before a byte is read', () => {
    const declared = { ...envelope, mailFrom: { address: 'a@x', parameters: { SIZE: '9' } } };
    const message = new MessageQueue(declared, {
      resume: () => {},
      receivedHeader: () => 'Received: x\r\n',
      logLine: () => '<= x',
    });
    assert.deepEqual([message.envelope, message.size, message.receivedHeader()], [declared, 9, 'Received: x\r\n']);
  });

  it('gives what had come before the error, then the error', async () => {
    const { message } = queue();
    message.push(Buffer.from('half'));
    message.fail(new MessageIncompleteError('lost'));
    const iterator = message[Symbol.asyncIterator]();
    assert.equal(String((await iterator.next()).value), 'half');
    await assert.rejects(iterator.next(), { code: 'ERR_TLS_SMTP_MESSAGE_INCOMPLETE', message: 'lost' });
  });

  it('takes the first end there is: a failure is not mended, an end not undone', async () => {
    const ended = queue().message;
    ended.finish();
    ended.fail(new MessageIncompleteError('too late'));
    assert.equal(await ended.text(), '');
    const failed = queue().message;
    failed.fail(new MessageIncompleteError('lost'));
    failed.finish();
    await assert.rejects(failed.text(), { message: 'lost' });
  });

  it('never holds the client back from a reader that wants all of it', () => {
    const { message, resumed } = queue();
    void message.bytes();
    message.push(Buffer.alloc(70_000));
    assert.deepEqual([message.full, resumed()], [false, 0]);
  });

  it('copies what is pushed: the memory is lent', async () => {
    const { message } = queue();
    const memory = Buffer.alloc(3_000);
    const iterator = message[Symbol.asyncIterator]();
    const seen: Buffer[] = [];
    for (let fill = 1; fill <= 90; fill++) {
      message.push(memory.fill(fill).subarray(0, 30 * fill));
      if (fill % 4 === 0) seen.push((await iterator.next()).value ?? Buffer.alloc(0));
    }
    message.finish();
    for await (const slice of { [Symbol.asyncIterator]: () => iterator }) seen.push(slice);
    const expected = Array.from({ length: 90 }, (_, index) => Buffer.alloc(30 * (index + 1), index + 1));
    assert.ok(Buffer.concat(seen).equals(Buffer.concat(expected)));
  });

  it('collects bytes() to the end though the handler is done', async () => {
    const { message } = queue();
    const read = message.text();
    message.push(Buffer.from('ab'));
    message.drop();
    message.push(Buffer.from('cd'));
    message.finish();
    assert.equal(await read, 'abcd');
  });

  it('lets the client go on when a reader breaks off', async () => {
    const { message, resumed } = queue();
    message.push(Buffer.alloc(70_000));
    for await (const _slice of message) break;
    message.push(Buffer.alloc(70_000));
    assert.deepEqual([message.full, resumed() > 0], [false, true]);
  });

  it('shows no reader a shortened message as a whole one: dropped while it reads, it ends in an error', async () => {
    const { message } = queue();
    const read = (async () => {
      let text = '';
      for await (const slice of message) text += slice;
      return text;
    })();
    message.push(Buffer.from('first half, '));
    await turn();
    message.drop(); // the handler has returned and left the reader running
    message.push(Buffer.from('second half'));
    message.finish();
    const outcome = await read.catch((error: MessageIncompleteError) => error.code);
    assert.ok(['first half, second half', 'ERR_TLS_SMTP_MESSAGE_INCOMPLETE'].includes(outcome), `read: ${outcome}`);
  });
});

describe('MessageQueue.signal', () => {
  it('is aborted with the reason, whether it was asked for before or behind; one and the same each time', () => {
    const { message } = queue();
    const { signal } = message;
    assert.deepEqual([signal.aborted, message.signal === signal], [false, true]);
    message.fail(new MessageIncompleteError('first'));
    message.fail(new MessageIncompleteError('second'));
    const late = queue().message;
    late.fail(new MessageIncompleteError('first'));
    assert.deepEqual([signal.reason.message, late.signal.reason.message], ['first', 'first']);
  });

  it('is not aborted by an end, nor where the handler is done with what it has read', () => {
    const { message } = queue();
    message[Symbol.asyncIterator]();
    message.drop();
    message.finish();
    assert.equal(message.signal.aborted, false);
  });

  it('tells of a loss behind the end, of which a reader hears nothing', async () => {
    const { message } = queue();
    message.push(Buffer.from('whole'));
    message.finish();
    message.fail(new MessageIncompleteError('lost behind the final dot'));
    assert.equal(await message.text(), 'whole');
    assert.ok(message.signal.aborted);
  });
});
