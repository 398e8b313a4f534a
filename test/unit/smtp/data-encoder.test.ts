import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DataEncoder } from '../../../src/smtp/data-encoder.js';

function encode(...chunks: string[]): string {
  const encoder = new DataEncoder();
  const wire: Buffer[] = [];
  const take = (slice: Buffer): number => wire.push(slice);
  for (const chunk of chunks) encoder.encode(Buffer.from(chunk), take);
  encoder.finish(take);
  return Buffer.concat(wire).toString();
}

describe('DataEncoder (RFC 5321 §4.5.2)', () => {
  it('makes line ends CRLF before it stuffs dots, so that none is smuggled past', () => {
    assert.equal(encode('a\n.\n.b\r.c\r\n.'), 'a\r\n..\r\n..b\r\n..c\r\n..\r\n.\r\n');
    assert.equal(encode('a\r', '\n', '.'), 'a\r\n..\r\n.\r\n');
  });

  it('ends an empty message, and one whose last line has no end', () => {
    assert.deepEqual(
      [encode(), encode('x'), encode('x\r'), encode('x\n')],
      ['.\r\n', 'x\r\n.\r\n', 'x\r\n.\r\n', 'x\r\n.\r\n'],
    );
  });

  it('makes the same octets wherever a message is cut in two', () => {
    const message = '.a\r\n..b\n\r.\r\r\n.';
    for (let cut = 0; cut <= message.length; cut++)
      assert.equal(encode(message.slice(0, cut), message.slice(cut)), '..a\r\n...b\r\n\r\n..\r\n\r\n..\r\n.\r\n');
  });

  it('hands on a chunk that needs nothing as it is', () => {
    const chunk = Buffer.from('hello\r\nworld\r\n');
    const taken: Buffer[] = [];
    new DataEncoder().encode(chunk, (slice) => taken.push(slice));
    assert.ok(taken.length === 1 && taken[0] === chunk);
  });
});
