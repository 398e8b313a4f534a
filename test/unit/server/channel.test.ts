import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Channel, type ChannelEvents } from '../../../src/server/channel.js';
import { fixedReply } from '../../../src/smtp/reply.js';

const A = fixedReply(250, null, 'a');
const B = { code: 550, enhanced: '5.7.1', lines: ['b'] };

/** A socket that keeps what is written, and reads it off only when told. */
class Wire extends Duplex {
  readonly written: string[] = [];
  #done: (() => void) | null = null;
  readonly #slow: boolean;

  constructor(slow = false) {
    super({ writableHighWaterMark: 8 });
    this.#slow = slow;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.written.push(chunk.toString('latin1'));
    if (this.#slow) this.#done = done;
    else done();
  }

  drain(): void {
    this.#done?.();
    this.#done = null;
  }
}

function channel(socket: Wire): { channel: Channel; heard: string[] } {
  const heard: string[] = [];
  const events: ChannelEvents = {
    received: (chunk) => heard.push(chunk.toString()),
    ended: () => heard.push('ended'),
    drained: () => heard.push('drained'),
    closed: (code) => heard.push(`closed ${code}`),
  };
  return { channel: new Channel(socket, events), heard };
}

describe('Channel', () => {
  it('writes what was collected at once, and nothing where nothing was', () => {
    const wire = new Wire();
    const { channel: one } = channel(wire);
    one.flush();
    one.collect(A);
    one.collect(B);
    assert.deepEqual(wire.written, []);
    one.flush();
    assert.deepEqual(wire.written, ['250 a\r\n550 5.7.1 b\r\n']);
  });

  it('pauses a socket that was never paused, and hears nothing before it flows', async () => {
    const wire = new Wire();
    const { channel: one, heard } = channel(wire);
    one.listen();
    wire.push('NOOP\r\n');
    await turn();
    assert.deepEqual([wire.isPaused(), heard], [true, []]);
    one.flow(true);
    await turn();
    assert.deepEqual(heard, ['NOOP\r\n']);
    one.flow(false);
    wire.push('more');
    await turn();
    assert.deepEqual(heard, ['NOOP\r\n']);
  });

  it('is blocked while the client does not read, also by what a refused upgrade wrote', async () => {
    const wire = new Wire(true);
    const { channel: one, heard } = channel(wire);
    one.collect(B);
    one.flush();
    assert.equal(one.blocked, true);
    wire.drain();
    await turn();
    assert.deepEqual([one.blocked, heard], [false, ['drained']]);
    one.handOver().write('501 more than eight octets');
    one.takeBack();
    assert.equal(one.blocked, true);
  });

  it('writes what is collected before it hands the socket over, and hears it no more', async () => {
    const wire = new Wire();
    const { channel: one, heard } = channel(wire);
    one.listen();
    one.collect(A);
    assert.equal(one.handOver(), wire);
    wire.push('ClientHello');
    wire.push(null);
    await turn();
    assert.deepEqual([wire.written, heard, wire.readableLength], [['250 a\r\n'], [], 11]);
  });

  it('goes on inside TLS: from then on the raw socket is not heard, and its close is not the end', async () => {
    const raw = new Wire();
    const inside = new Wire();
    const { channel: one, heard } = channel(raw);
    one.handOver();
    assert.equal(one.secured(inside), true);
    one.listen();
    one.flow(true);
    inside.push('EHLO a\r\n');
    raw.destroy();
    await turn();
    one.collect(A);
    one.flush();
    inside.destroy();
    await turn();
    assert.deepEqual([heard, raw.written, inside.written], [['EHLO a\r\n', 'closed null'], [], ['250 a\r\n']]);
  });

  it('tells of a secured socket that is gone already, once', async () => {
    const inside = new Wire();
    inside.destroy();
    await turn();
    const { channel: one, heard } = channel(new Wire());
    one.handOver();
    assert.equal(one.secured(inside), false);
    await turn();
    assert.deepEqual(heard, ['closed null']);
  });

  it('says last words once, reads off what still comes, and names the error that ended it', async () => {
    const wire = new Wire();
    const { channel: one, heard } = channel(wire);
    one.listen();
    one.collect(A);
    one.end();
    one.end();
    wire.push('unread');
    await turn();
    assert.deepEqual([wire.written, wire.writableEnded, heard], [['250 a\r\n'], true, ['unread']]);
    wire.destroy(Object.assign(new Error('x'), { code: 'ECONNRESET' }));
    await turn();
    assert.equal(heard.at(-1), 'closed ECONNRESET');
  });
});
