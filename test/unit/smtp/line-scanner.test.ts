import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LineScanner } from '../../../src/smtp/line-scanner.js';

function scan(text: string): { dots: number[]; bare: boolean; before: string } {
  const scanner = new LineScanner();
  const octets = Buffer.from(text, 'latin1');
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const dots: number[] = [];
  for (let at = scanner.nextLeadingDot(view, 0); at !== -1; at = scanner.nextLeadingDot(view, at + 1)) dots.push(at);
  return { dots, bare: scanner.bareNewline, before: scanner.before };
}

describe('LineScanner', () => {
  it('finds a dot behind CRLF and at the very start, at each offset of a word', () => {
    for (let pad = 0; pad < 20; pad++) {
      const text = `.${'a'.repeat(pad)}\r\n.${'b.'.repeat(9)}`;
      assert.deepEqual(scan(text), { dots: [0, pad + 3], bare: false, before: 'other' });
    }
  });

  it('takes no dot behind a bare LF or CR for one, and notices the bare newline at each offset of a word', () => {
    for (let pad = 0; pad < 20; pad++) {
      for (const newline of ['\n', '\r']) {
        assert.deepEqual(scan(`${'a'.repeat(pad)}${newline}.${'b'.repeat(12)}`), {
          dots: [],
          bare: true,
          before: 'other',
        });
      }
    }
  });

  it('is not fooled by octets that differ from CR, LF and dot in one bit', () => {
    assert.deepEqual(scan('\x8d\x8a\xae\x0c\x0b\x2f\x2c\x09\x0e\x00\xff\x7f'.repeat(8)), {
      dots: [],
      bare: false,
      before: 'other',
    });
  });

  it('keeps what stands before a chunk from the chunk before it', () => {
    const text = 'abcdefgh\r\n.ijklmnop';
    for (let cut = 0; cut <= text.length; cut++) {
      const scanner = new LineScanner();
      const dots = [text.slice(0, cut), text.slice(cut)].map((part) => {
        const octets = Buffer.from(part);
        return scanner.nextLeadingDot(new DataView(octets.buffer, octets.byteOffset, octets.byteLength), 0);
      });
      const expected = cut <= 10 ? [-1, 10 - cut] : [10, -1];
      assert.deepEqual([...dots, scanner.bareNewline], [...expected, false], `cut at ${cut}`);
    }
  });

  it('stands behind a CR at the end of a chunk without calling it bare yet', () => {
    assert.deepEqual(scan('abcdefg\r'), { dots: [], bare: false, before: 'cr' });
    assert.deepEqual(scan('abcdef\r\n'), { dots: [], bare: false, before: 'line-start' });
  });
});
