import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { type MessageSource, OutgoingMessage, SourceFailure } from '../../../src/client/message-source.js';

async function wireOf(message: OutgoingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message.wire()) chunks.push(chunk);
  return Buffer.concat([...chunks, message.ending()]).toString('latin1');
}

async function causeOf(source: MessageSource): Promise<unknown> {
  const failure: unknown = await wireOf(new OutgoingMessage(source)).catch((error: unknown) => error);
  assert.ok(failure instanceof SourceFailure);
  return failure.cause;
}

const oneShot = (): Readable => Readable.from([Buffer.from('a\n.'), Buffer.from('b')]);

describe('OutgoingMessage', () => {
  const sources: Readonly<Record<string, MessageSource>> = {
    string: 'a\n.b',
    Buffer: Buffer.from('a\n.b'),
    stream: oneShot(),
    function: oneShot,
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
    const stream = new OutgoingMessage(oneShot());
    await wireOf(stream);
    assert.throws(() => stream.assertReadable(), { code: 'ERR_TLS_SMTP_MESSAGE_NOT_REPLAYABLE' });
  });

  it('takes text and octets as chunks, and nothing that would only be printed', async () => {
    const mixed = Readable.from(['a', Buffer.from('b'), new Uint8Array([0x63])]);
    assert.equal(await wireOf(new OutgoingMessage(mixed)), 'abc\r\n.\r\n');
    for (const chunk of [7, { a: 1 }]) assert.ok((await causeOf(Readable.from([chunk]))) instanceof TypeError);
  });

  it('hands on at most 256 KiB at once, so that each write has its own time', async () => {
    const sizes: number[] = [];
    for await (const slice of new OutgoingMessage(Buffer.alloc(600 * 1024, 'x')).wire()) sizes.push(slice.length);
    assert.deepEqual(sizes, [262_144, 262_144, 90_112]);
  });

  it('tells the failure of a source as such, wherever it arises', async () => {
    const broken = new Error('disk');
    async function* half(): AsyncGenerator<Buffer> {
      yield Buffer.from('a');
      throw broken;
    }
    const throwing = (): Readable => {
      throw broken;
    };
    const destroyed = new Readable({ read: () => {} });
    setImmediate(() => destroyed.destroy(broken));
    assert.deepEqual(
      [await causeOf(half()), await causeOf(half), await causeOf(throwing), await causeOf(destroyed)],
      [broken, broken, broken, broken],
    );
  });

  it('keeps a failure that comes before anybody reads, which would end the process otherwise', async () => {
    const absent = createReadStream('/nowhere/message.eml');
    const message = new OutgoingMessage(absent);
    await new Promise<void>((resolve) => absent.on('close', resolve));
    assert.throws(() => message.assertReadable(), { cause: absent.errored });
  });

  it('refuses a stream that has nothing to give any more, before and after it was handed over', async () => {
    const read = Readable.from(['x']);
    await read.toArray();
    assert.throws(() => new OutgoingMessage(read), { code: 'ERR_TLS_SMTP_OPTION', option: 'message' });
    const waiting = Readable.from(['x']);
    const message = new OutgoingMessage(waiting);
    waiting.destroy();
    assert.throws(() => message.assertReadable(), SourceFailure);
  });

  it('refuses what is no message', () => {
    for (const bad of [undefined, null, 7, {}, ['a'], new Uint8Array(1)]) {
      assert.throws(() => new OutgoingMessage(bad as unknown as MessageSource), { option: 'message' });
    }
  });

  it('gives a stream back as it was where it was never started, and destroys one that was', async () => {
    const untouched = Readable.from(['x']);
    new OutgoingMessage(untouched).release();
    assert.deepEqual([untouched.listenerCount('error'), untouched.destroyed], [0, false]);
    const silent = new Readable({ read: () => {} });
    const message = new OutgoingMessage(silent);
    const next = message.wire().next();
    message.abandon();
    await assert.rejects(next, SourceFailure);
    assert.equal(silent.destroyed, true);
  });
});
