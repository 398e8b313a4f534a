import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { BodyDecoder } from '../../src/smtp/body-decoder.js';
import { DataDecoder } from '../../src/smtp/data-decoder.js';
import { DataEncoder } from '../../src/smtp/data-encoder.js';
import { MAX_SCAN_OCTETS, receivingMemory } from '../../src/smtp/data-scan.js';
import { LineBuffer } from '../../src/smtp/line-buffer.js';
import { NormalizingDecoder } from '../../src/smtp/normalizing-decoder.js';

interface Outcome {
  readonly body: string;
  /** Counted from the start of all chunks; -1 where the body does not end in them. */
  readonly end: number;
  readonly bareNewline: boolean;
}

/** RFC 5321 §4.5.2 as a regular expression: the body is what stands before the first line that is a single dot. */
function reference(wire: string): Outcome {
  const framed = `\r\n${wire}`; // DATA begins at the start of a line
  const terminator = framed.indexOf('\r\n.\r\n');
  const stuffed = terminator === -1 ? withoutUndecided(framed) : framed.slice(0, terminator + 2);
  const body = stuffed.replaceAll('\r\n.', '\r\n').slice(2);
  // Stuffing is looked past, not into: the CR of `.<CR>x` is as bare as any other. A CR that came last is undecided.
  const bareNewline = /\r(?!\n|$)|(?<!\r)\n/.test(stuffed);
  return { body, end: terminator === -1 ? -1 : terminator + 3, bareNewline };
}

/** A dot at the start of a line that may yet be the end of data is kept back: `<CRLF>.` and `<CRLF>.<CR>`. */
function withoutUndecided(framed: string): string {
  return framed.replace(/\r\n\.\r?$/, '\r\n');
}

/** The same with `bareNewlines: 'normalize'`: LF is CRLF, but not where the end is looked for, and a lone CR is a space. */
function normalizingReference(wire: string): Outcome {
  const framed = `\r\n${wire}`;
  const terminator = framed.indexOf('\r\n.\r\n');
  const stuffed = terminator === -1 ? withoutUndecided(framed).replace(/\r$/, '') : framed.slice(0, terminator + 2);
  const lines = stuffed.replace(/\r(?!\n)/g, ' ').replace(/\r?\n/g, '\r\n');
  const body = lines.replaceAll('\r\n.', '\r\n').slice(2);
  return { body, end: terminator === -1 ? -1 : terminator + 3, bareNewline: false };
}

/**
 * Decodes twice: chunks with memory of their own, and chunks that stand where sockets receive them, in turn with another body.
 * @param offset - octets before each chunk that are not of the body, as behind a DATA command
 */
function decode(chunks: readonly string[], offset = 0, make: () => BodyDecoder = () => new DataDecoder()): Outcome {
  const own = decodeFrom((text) => Buffer.from(text, 'latin1'), chunks, offset, make());
  if (chunks.some((text) => text.length + offset > MAX_SCAN_OCTETS)) return own;
  const other = make();
  const lent = (text: string): Buffer => {
    other.decode(received('..x\r\n.'), 0, () => {});
    return received(text);
  };
  assert.deepEqual(decodeFrom(lent, chunks, offset, make()), own, 'where it is received it is the same');
  return own;
}

/** Octets as they lie where all sockets receive them; what lay there before is gone. */
function received(text: string): Buffer {
  const memory = receivingMemory();
  return memory.subarray(0, memory.write(text, 'latin1'));
}

function decodeFrom(
  chunkOf: (text: string) => Buffer,
  chunks: readonly string[],
  offset: number,
  decoder: BodyDecoder,
): Outcome {
  const slices: Buffer[] = [];
  let seen = 0;
  let end = -1;
  for (const text of chunks) {
    const chunk = chunkOf('.'.repeat(offset) + text);
    end = decoder.decode(chunk, offset, (slice) => {
      assert.notEqual(slice.length, 0, 'no slice is empty');
      slices.push(Buffer.from(slice));
    });
    if (end !== -1) {
      assert.equal(chunk.toString('latin1', end), text.slice(end - offset), 'what stands behind the end stays');
      end += seen - offset;
      break;
    }
    seen += text.length;
  }
  return { body: Buffer.concat(slices).toString('latin1'), end, bareNewline: decoder.bareNewline };
}

/** Pieces rich in CR, LF and dots between runs long enough to reach the scanner's fast path. */
const piece = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('\r', '\n', '.', '\r\n', '\r\n.', '..', '.\r', '\n.\r\n') },
  { weight: 1, arbitrary: fc.constant('\r\n.\r\n') },
  { weight: 3, arbitrary: fc.constantFrom('a', 'hello world, this is a line', '\x8d\x8a\xae', '\x0e\x0c\0') },
);
const chunk = fc.array(piece, { maxLength: 12 }).map((parts) => parts.join(''));
/** A body together with its fragmentation; empty chunks too. */
const chunks = fc.array(chunk, { minLength: 1, maxLength: 8 });

/** Cuts a text into chunks of one octet. */
const singly = (text: string): string[] => [...text];

describe('DataDecoder agrees with RFC 5321 §4.5.2 read literally', () => {
  it('for any body, in any fragmentation, wherever the body begins in its chunk', () => {
    fc.assert(
      fc.property(chunks, fc.nat(9), (parts, offset) => {
        assert.deepEqual(decode(parts, offset), reference(parts.join('')));
      }),
      { numRuns: 5_000 },
    );
  });

  it('for a body that comes octet by octet, and for one that comes at once', () => {
    fc.assert(
      fc.property(chunks, (parts) => {
        const wire = parts.join('');
        assert.deepEqual([decode(singly(wire)), decode([wire])], [reference(wire), reference(wire)]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('for every text of up to six octets out of CR, LF, dot and a letter', () => {
    let texts = [''];
    for (let length = 1; length <= 6; length++) {
      texts = texts.flatMap((text) => ['\r', '\n', '.', 'a'].map((octet) => text + octet));
      for (const text of texts) {
        const expected = reference(text);
        assert.deepEqual([decode([text]), decode(singly(text))], [expected, expected], JSON.stringify(text));
      }
    }
  });
});

describe('NormalizingDecoder agrees with a reading that normalizes a whole message at once', () => {
  const normalize = (parts: readonly string[], offset = 0): Outcome =>
    decode(parts, offset, () => new NormalizingDecoder());

  it('for any body, in any fragmentation, wherever the body begins in its chunk', () => {
    fc.assert(
      fc.property(chunks, fc.nat(9), (parts, offset) => {
        assert.deepEqual(normalize(parts, offset), normalizingReference(parts.join('')));
      }),
      { numRuns: 5_000 },
    );
  });

  it('for bodies longer than it looks at in one go', () => {
    const run = fc.record({ octet: fc.constantFrom('\r', '\n', 'a', '\r\n', '\n.'), times: fc.nat(40_000) });
    const long = fc.array(
      run.map(({ octet, times }) => octet.repeat(times)),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(long, fc.array(piece, { maxLength: 6 }), (runs, pieces) => {
        const wire = runs.map((one, index) => one + (pieces[index] ?? '')).join('');
        assert.deepEqual(normalize([wire]), normalizingReference(wire));
      }),
      { numRuns: 100 },
    );
  });

  it('for every text of up to six octets out of CR, LF, dot and a letter, cut at any place', () => {
    let texts = [''];
    for (let length = 1; length <= 6; length++) {
      texts = texts.flatMap((text) => ['\r', '\n', '.', 'a'].map((octet) => text + octet));
      for (const text of texts) {
        const expected = normalizingReference(text);
        for (let cut = 0; cut < length; cut++) {
          // A body that ends before the cut leaves the rest unread.
          assert.deepEqual(normalize([text.slice(0, cut), text.slice(cut)]), expected, JSON.stringify([text, cut]));
        }
      }
    }
  });

  it('hands on no bare CR or LF, and lets no lone dot through but a stuffed one', () => {
    fc.assert(
      fc.property(chunks, (parts) => {
        const wire = parts.join('');
        const { body } = normalize(parts);
        assert.doesNotMatch(body, /\r(?!\n)|(?<!\r)\n/);
        if (!wire.includes('..')) assert.doesNotMatch(body, /^\.\r\n/m);
      }),
      { numRuns: 2_000 },
    );
  });
});

/** What some server took for the end of data, where the data ends for us, and whether we refuse the message. */
const VARIANTS: readonly (readonly [text: string, end: number, bareNewline: boolean])[] = [
  ['\r\n.\r\n', 9, false],
  ['\r\r\n.\r\n', 10, true], // it contains the true one
  ['\n.\n', -1, true],
  ['\n.\r\n', -1, true],
  ['\r\n.\n', -1, true],
  ['\r.\r', -1, true],
  ['\r.\r\n', -1, true],
  ['\r\n.\r', -1, true],
  ['\r.\n', -1, true],
  ['\n.\r', -1, true],
  ['\n\n.\r\n', -1, true],
  ['\r\n.\r\r\n', -1, true],
  ['\r\n\0.\r\n', -1, false],
  ['\r\n.\0\r\n', -1, false],
  ['\r\n..\r\n', -1, false],
];

describe('SMTP smuggling (CVE-2023-51764, -51765, -51766; RFC 5321 §4.1.1.4)', () => {
  for (const [variant, end, bareNewline] of VARIANTS) {
    const rule = end === -1 ? 'does not end the data' : 'ends the data';
    it(`${JSON.stringify(variant)} ${rule}${bareNewline ? ', and is noticed' : ''}`, () => {
      const wire = `body${variant}MAIL FROM:<admin@x.test>\r\n`;
      const facts = [decode([wire]), decode(singly(wire))].map((one) => [one.end, one.bareNewline]);
      const normalized = [[wire], singly(wire)].map((parts) => decode(parts, 0, () => new NormalizingDecoder()).end);
      assert.deepEqual(normalized, [end, end], 'with normalize the end is the same');
      assert.deepEqual(facts, [
        [end, bareNewline],
        [end, bareNewline],
      ]);
    });
  }
});

describe('DataEncoder and DataDecoder', () => {
  it('give any message back with its line ends as CRLF, and put no bare CR or LF on the wire (§2.3.8)', () => {
    fc.assert(
      fc.property(chunks, (parts) => {
        const message = parts.join('').replace(/\r\n|\r|\n/g, '\r\n');
        const expected = message === '' || message.endsWith('\r\n') ? message : `${message}\r\n`;
        const wire = encode(parts);
        assert.doesNotMatch(wire, /\r(?!\n)|(?<!\r)\n/);
        assert.deepEqual(decode([wire]), { body: expected, end: wire.length, bareNewline: false });
      }),
      { numRuns: 3_000 },
    );
  });

  it('make the same octets of a message in any fragmentation', () => {
    fc.assert(
      fc.property(chunks, (parts) => {
        assert.equal(encode(parts), encode([parts.join('')]));
      }),
      { numRuns: 2_000 },
    );
  });
});

function encode(parts: readonly string[]): string {
  const encoder = new DataEncoder();
  const wire: Buffer[] = [];
  const take = (slice: Buffer): number => wire.push(Buffer.from(slice));
  for (const part of parts) encoder.encode(Buffer.from(part, 'latin1'), take);
  encoder.finish(take);
  return Buffer.concat(wire).toString('latin1');
}

describe('LineBuffer (RFC 5321 §2.3.8, §4.5.3.1.4)', () => {
  it('gives the same lines for any fragmentation, up to the first one that is too long', () => {
    fc.assert(
      fc.property(chunks, fc.integer({ min: 1, max: 40 }), (parts, maxOctets) => {
        const wire = parts.join('');
        assert.deepEqual(lines(parts, maxOctets), lines([wire], maxOctets));
        assert.deepEqual(lines(singly(wire), maxOctets), lines([wire], maxOctets));
      }),
      { numRuns: 2_000 },
    );
  });

  it('loses no octet: lines with their ends, and the rest, are what was pushed', () => {
    fc.assert(
      fc.property(chunks, (parts) => {
        const read = lines(parts, 4_096).map((line) =>
          typeof line === 'string' ? line : line.text + (line.end === 'crlf' ? '\r\n' : '\n'),
        );
        assert.equal(read.join(''), parts.join(''));
      }),
    );
  });
});

type Read = { readonly text: string; readonly end: 'crlf' | 'lf' } | string;

/** @returns the lines, then the rest; what follows a line that is too long is nobody's business */
function lines(parts: readonly string[], maxOctets: number): Read[] {
  const buffer = new LineBuffer();
  const found: Read[] = [];
  for (const part of parts) {
    buffer.push(Buffer.from(part, 'latin1'));
    for (let line = buffer.next(maxOctets); line !== null; line = buffer.next(maxOctets)) {
      found.push(line);
      if (line === 'too-long') return found;
    }
  }
  return [...found, buffer.takeRest().toString('latin1')];
}
