import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DataDecoder } from '../../src/smtp/data-decoder.js';
import { DataEncoder } from '../../src/smtp/data-encoder.js';
import { LineBuffer } from '../../src/smtp/line-buffer.js';

interface Decoded {
  readonly body: string;
  /** Behind `CRLF.CRLF`; -1 where it did not come. */
  readonly end: number;
  readonly bare: boolean;
}

/** RFC 5321 §4.5.2 read aloud: one octet at a time, no cleverness. */
function naive(wire: string): Decoded {
  let body = '';
  let bare = false;
  let lineStart = true;
  for (let at = 0; at < wire.length; ) {
    if (lineStart && wire.startsWith('.\r\n', at)) return { body, end: at + 3, bare };
    if (lineStart && wire[at] === '.') {
      if (/^\.\r?$/.test(wire.slice(at))) return { body, end: -1, bare }; // undecided
      at++;
      lineStart = false;
      continue;
    }
    if (wire.startsWith('\r\n', at)) {
      body += '\r\n';
      at += 2;
      lineStart = true;
      continue;
    }
    if (wire[at] === '\n' || (wire[at] === '\r' && at + 1 < wire.length)) bare = true;
    body += wire[at];
    at++;
    lineStart = false;
  }
  return { body, end: -1, bare };
}

function decode(wire: string, cuts: readonly number[]): Decoded {
  const decoder = new DataDecoder();
  const slices: Buffer[] = [];
  let offset = 0;
  for (const chunk of pieces(wire, cuts)) {
    const end = decoder.decode(chunk, 0, (slice) => slices.push(Buffer.from(slice)));
    if (end !== -1)
      return { body: Buffer.concat(slices).toString('latin1'), end: offset + end, bare: decoder.bareNewline };
    offset += chunk.length;
  }
  return { body: Buffer.concat(slices).toString('latin1'), end: -1, bare: decoder.bareNewline };
}

function pieces(wire: string, cuts: readonly number[]): Buffer[] {
  const borders = [...new Set([0, ...cuts.map((cut) => cut % (wire.length + 1)), wire.length])].sort((a, b) => a - b);
  return borders.slice(1).map((border, index) => Buffer.from(wire.slice(borders[index], border), 'latin1'));
}

/** Texts rich in what matters. */
const wireText = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom('\r', '\n', '.', '\r\n', '\r\n.', '.\r\n') },
      fc.constantFrom('a', 'bcdefghij', '\t', '\x8d\x8a', '\x0e'),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''));
const cuts = fc.array(fc.nat(200), { maxLength: 12 });

describe('DataDecoder', () => {
  it('agrees with a naive reader for any body in any fragmentation', () => {
    fc.assert(
      fc.property(wireText, cuts, (wire, where) => {
        assert.deepEqual(decode(wire, where), naive(wire));
      }),
      { numRuns: 5_000 },
    );
  });

  it('agrees with it one octet at a time', () => {
    fc.assert(
      fc.property(wireText, (wire) => {
        const everywhere = Array.from({ length: wire.length }, (_, index) => index);
        assert.deepEqual(decode(wire, everywhere), naive(wire));
      }),
      { numRuns: 1_000 },
    );
  });

  it('ends at CRLF.CRLF and at none of the other variants (SMTP smuggling, CVE-2023-51764)', () => {
    const variants = [
      '\n.\n',
      '\n.\r\n',
      '\r.\r',
      '\r.\r\n',
      '\r\n.\n',
      '\r\n.\r',
      '\n.\r',
      '\r.\n',
      '\n\n.\r\n',
      '\r\n\0.\r\n',
      '\r\n.\0\r\n',
      '\r\n.\r\r\n',
      '\r\n..\r\n',
      '\r\n .\r\n',
    ];
    const ended = variants.filter((variant) => decode(`body${variant}more`, []).end !== -1);
    assert.deepEqual([ended, decode('body\r\n.\r\nmore', []).end], [[], 9]);
  });
});

describe('DataEncoder', () => {
  it('gives back the message with CRLF line ends, and puts no bare CR or LF on the wire', () => {
    fc.assert(
      fc.property(wireText, cuts, (text, where) => {
        const encoder = new DataEncoder();
        const wire: Buffer[] = [];
        const take = (slice: Buffer): number => wire.push(Buffer.from(slice));
        for (const piece of pieces(text, where)) encoder.encode(piece, take);
        encoder.finish(take);
        const normal = text.replace(/\r\n|\r|\n/g, '\r\n');
        const expected = normal === '' || normal.endsWith('\r\n') ? normal : `${normal}\r\n`;
        const octets = Buffer.concat(wire).toString('latin1');
        assert.deepEqual(decode(octets, []), { body: expected, end: octets.length, bare: false });
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('LineBuffer', () => {
  it('cuts the same lines out of any fragmentation', () => {
    fc.assert(
      fc.property(wireText, cuts, (wire, where) => {
        const read = (parts: readonly Buffer[]): unknown[] => {
          const lines = new LineBuffer();
          const found: unknown[] = [];
          for (const part of parts) {
            lines.push(part);
            for (let line = lines.next(4_096); line !== null; line = lines.next(4_096)) found.push(line);
          }
          return [...found, lines.takeRest().toString('latin1')];
        };
        assert.deepEqual(read(pieces(wire, where)), read([Buffer.from(wire, 'latin1')]));
      }),
    );
  });
});
