import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NormalizingDecoder } from '../../../src/smtp/normalizing-decoder.js';

function decode(...chunks: string[]): { readonly body: string; readonly end: number } {
  const decoder = new NormalizingDecoder();
  let body = '';
  let end = -1;
  for (const chunk of chunks) {
    end = decoder.decode(Buffer.from(chunk, 'latin1'), 0, (slice) => {
      body += slice.toString('latin1');
    });
    if (end !== -1) break;
  }
  return { body, end };
}

describe("NormalizingDecoder (bareNewlines: 'normalize')", () => {
  it('makes CRLF of a bare LF, and a space of a bare CR', () => {
    assert.deepEqual(decode('a\nb\rc\r\n.\r\n'), { body: 'a\r\nb c\r\n', end: 10 });
  });

  it('ends at CRLF.CRLF alone; a dot by itself on another line is a stuffed one, and is dropped', () => {
    for (const [wire, body] of [
      ['a\n.\n', 'a\r\n\r\n'],
      ['a\n.\r\n', 'a\r\n\r\n'],
      ['a\r\n.\n', 'a\r\n\r\n'],
      ['a\r.\r\n', 'a .\r\n'],
      ['a\r\n.\r\r\n', 'a\r\n \r\n'],
    ] as const) {
      assert.deepEqual(decode(wire), { body, end: -1 }, JSON.stringify(wire));
    }
    assert.deepEqual(decode('a\n\r\n.\r\nQUIT'), { body: 'a\r\n\r\n', end: 7 });
  });

  it('takes off one dot of a line behind a bare LF too', () => {
    assert.deepEqual(decode('a\n..b\n.c\n'), { body: 'a\r\n.b\r\nc\r\n', end: -1 });
  });

  it('hands on a slice of the chunk where there is nothing to mend', () => {
    const plain = Buffer.from('hello\r\nworld\r\n');
    new NormalizingDecoder().decode(plain, 0, (slice) => assert.ok(slice === plain));
  });

  it('decides nothing of a CR that comes last before the next octet is there', () => {
    assert.deepEqual(
      ['a\r', 'a\r|\n', 'a\r|b', '\r|\r|\n', '.\r|x', '.|\r|\n'].map((wire) => decode(...wire.split('|'))),
      [
        { body: 'a', end: -1 },
        { body: 'a\r\n', end: -1 },
        { body: 'a b', end: -1 },
        { body: ' \r\n', end: -1 },
        { body: ' x', end: -1 },
        { body: '', end: 1 },
      ],
    );
  });

  it('makes a slice for 256 octets at most, however the lines end: a hostile body costs no object a line', () => {
    for (const line of ['\n', '\r', '.\n', '..\r', '\r\n.\n', `${'x'.repeat(65_535)}\n`, 'x\r\n..']) {
      const decoder = new NormalizingDecoder();
      const wire = Buffer.alloc(1_000_000, line);
      let slices = 0;
      for (let at = 0; at < wire.length; at += 16_384)
        decoder.decode(wire.subarray(at, at + 16_384), 0, () => slices++);
      assert.ok(slices <= wire.length / 256, `${JSON.stringify(line.slice(-5))}: ${slices}`);
    }
  });
});
