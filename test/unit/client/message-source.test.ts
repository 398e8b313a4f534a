import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { type MessageSource, OutgoingMessage } from '../../../src/client/message-source.js';

async function wireOf(message: OutgoingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message.wire()) chunks.push(chunk);
  return Buffer.concat(chunks).toString('latin1');
}

const once = (): Readable => Readable.from([Buffer.from('a\n.'), Buffer.from('b')]);

describe('OutgoingMessage', () => {
  const sources: Readonly<Record<string, MessageSource>> = {
    string: 'a\n.b',
    Buffer: Buffer.from('a\n.b'),
    stream: once(),
    function: once,
  };
  for (const [kind, source] of Object.entries(sources)) {
    it(`encodes a ${kind} for DATA, its end included (RFC 5321 §4.5.2)`, async () => {
      assert.equal(await wireOf(new OutgoingMessage(source)), 'a\r\n..b\r\n.\r\n');
    });
  }

  it('can be sent again where it is whole or a function, and says so where it is not', async () => {
    const whole = new OutgoingMessage('x');
    await wireOf(whole);
    assert.equal(await wireOf(whole), 'x\r\n.\r\n');
    const stream = new OutgoingMessage(once());
    await wireOf(stream);
    assert.throws(() => stream.assertReadable(), { code: 'ERR_TLS_SMTP_MESSAGE_NOT_REPLAYABLE' });
  });
});
