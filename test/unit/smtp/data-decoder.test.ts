import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DataDecoder } from '../../../src/smtp/data-decoder.js';

function decode(...chunks: string[]): { body: string[]; end: number; bare: boolean } {
  const decoder = new DataDecoder();
  const body: string[] = [];
  let end = -1;
  for (const chunk of chunks)
    end = decoder.decode(Buffer.from(chunk, 'latin1'), 0, (slice) => body.push(slice.toString('latin1')));
  return { body, end, bare: decoder.bareNewline };
}

describe('DataDecoder (RFC 5321 §4.5.2)', () => {
  it('ends an empty body at once, and takes off one dot of a line that begins with one', () => {
    assert.deepEqual(decode('.\r\nQUIT'), { body: [], end: 3, bare: false });
    assert.deepEqual(decode('..a\r\n.\r\n'), { body: ['.a\r\n'], end: 8, bare: false });
  });

  it('finds the end wherever chunks are cut', () => {
    assert.deepEqual(decode('a\r', '\n', '.', '\r', '\nX'), { body: ['a\r', '\n'], end: 1, bare: false });
    assert.deepEqual(decode('a\r\n.', '\rx'), { body: ['a\r\n', '\rx'], end: -1, bare: true });
    assert.deepEqual(decode('a\r\n.\r', 'x'), { body: ['a\r\n', '\r', 'x'], end: -1, bare: true });
  });

  it('hands on slices of the chunk, not copies', () => {
    const chunk = Buffer.from('hello\r\n..world\r\n');
    new DataDecoder().decode(chunk, 0, (slice) => assert.equal(slice.buffer, chunk.buffer));
  });
});
