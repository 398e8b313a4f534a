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

  it('goes over each octet twice at most: eight times the body takes no time that grows with its square', () => {
    const time = (octets: Buffer): number => {
      const began = performance.now();
      new NormalizingDecoder().decode(octets, 0, () => {});
      return performance.now() - began;
    };
    for (const line of ['\n', '\r', '.\n', '..\r', '\r\n.\n', `${'x'.repeat(65_530)}\n`]) {
      const octets = Buffer.alloc(4_000_000, line);
      time(octets);
      const part = Math.min(...[1, 2, 3, 4].map(() => time(octets.subarray(0, 500_000))));
      const whole = Math.min(...[1, 2, 3].map(() => time(octets)));
      assert.ok(whole < 30 * part, `${JSON.stringify(line.slice(-5))}: ${part} and ${whole} ms`);
    }
  });
});
