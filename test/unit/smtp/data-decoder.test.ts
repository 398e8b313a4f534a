import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DataDecoder } from '../../../src/smtp/data-decoder.js';

function decode(...chunks: string[]): { body: string[]; end: number; bare: boolean } {
  const decoder = new DataDecoder();
  const body: string[] = [];
  let end = -1;
  for (const chunk of chunks) {
    end = decoder.decode(Buffer.from(chunk, 'latin1'), 0, (slice) => body.push(slice.toString('latin1')));
    if (end !== -1) break; // a decoder is for one message
  }
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
    assert.deepEqual(decode('a\r\n.\r', 'x'), { body: ['a\r\n', '\rx'], end: -1, bare: true });
  });

  it('hands on a slice of the chunk where no dot was stuffed, and one copy, closed up, where some were', () => {
    const plain = Buffer.from('hello\r\nworld\r\n');
    new DataDecoder().decode(plain, 0, (slice) => assert.equal(slice, plain));
    const long = 'x'.repeat(100);
    const stuffed = Buffer.from(`..a\r\n..${long}\r\n..\r\n${long}\r\n.\r\n`);
    const before = Buffer.from(stuffed);
    const slices: string[] = [];
    const end = new DataDecoder().decode(stuffed, 0, (slice) => slices.push(slice.toString()));
    assert.deepEqual([slices, end], [[`.a\r\n.${long}\r\n.\r\n${long}\r\n`], stuffed.length]);
    assert.ok(stuffed.equals(before), 'the chunk is not ours to write to');
  });

  it('ends at the same place however a body is cut in two', () => {
    const wire = 'a\r\n..b\r\n.\r\nQUIT\r\n';
    for (let cut = 0; cut <= wire.length; cut++) {
      const { body, end, bare } = decode(wire.slice(0, cut), wire.slice(cut));
      const place = cut < 11 ? cut + end : end;
      assert.deepEqual([body.join(''), place, bare], ['a\r\n.b\r\n', 11, false], `cut at ${cut}`);
    }
  });

  it('reads from the place it is told, and what follows the end is left alone', () => {
    const slices: string[] = [];
    const chunk = Buffer.from('DATA\r\nbody\r\n.\r\n.\r\n');
    const end = new DataDecoder().decode(chunk, 6, (slice) => slices.push(slice.toString()));
    assert.deepEqual([slices, chunk.subarray(end).toString()], [['body\r\n'], '.\r\n']);
  });

  it('begins no line behind a bare LF or CR: a dot there is text (§2.3.8)', () => {
    assert.deepEqual(decode('a\n.\r\nb\r.\r\n'), { body: ['a\n.\r\nb\r.\r\n'], end: -1, bare: true });
  });
});
