import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { MessageIncompleteError, MessageQueue } from '../../../src/server/message.js';

const envelope = { mailFrom: { address: 'a@x', parameters: {} }, rcptTo: [] };

function queue(): { message: MessageQueue; resumed: () => number } {
  let resumed = 0;
  const source = { resume: (): void => void resumed++, receivedHeader: () => 'Received: x\r\n' };
  return { message: new MessageQueue(envelope, null, source), resumed: () => resumed };
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

  it('drops what a handler leaves unread', () => {
    const { message, resumed } = queue();
    message.push(Buffer.alloc(70_000));
    message.drop();
    message.push(Buffer.alloc(70_000));
    assert.deepEqual([message.full, resumed()], [false, 1]);
  });
});
