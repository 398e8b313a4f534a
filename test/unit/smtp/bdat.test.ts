import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Chunk, ChunkDecoder, isBdat, parseChunk } from '../../../src/smtp/bdat.js';

describe('parseChunk (RFC 3030 §2)', () => {
  it('takes a number of octets, and LAST in any case', () => {
    const accepted = ['0', '5', '007', '9007199254740991', '0 LAST', '5 last', '86 LaST'].map(parseChunk);
    assert.deepEqual(accepted, [
      { octets: 0, last: false },
      { octets: 5, last: false },
      { octets: 7, last: false },
      { octets: Number.MAX_SAFE_INTEGER, last: false },
      { octets: 0, last: true },
      { octets: 5, last: true },
      { octets: 86, last: true },
    ]);
  });

  it('takes nothing else: no sign, fraction, exponent or base, nothing beyond 2^53-1, nothing behind LAST', () => {
    const signs = ['', ' ', '-1', '+1', '-0', '1.0', '1e3', '0x10', '1_000', '1,000', '٣', 'Infinity', 'NaN'];
    const sizes = ['9007199254740992', '9'.repeat(30), '9'.repeat(400)];
    const words = ['LAST', 'LAST 5', '5LAST', '5 LASTS', '5 FIRST', '5 LAST extra', '5  LAST', '5\tLAST', '5 5', '5\n'];
    const refused = [...signs, ...sizes, ...words].map(parseChunk);
    assert.deepEqual(new Set(refused), new Set([null]));
  });
});

describe('isBdat', () => {
  it('knows a BDAT by its first letters, whatever is wrong with the rest', () => {
    const lines = ['BDAT', 'bdat\t5', 'BDAT 5\0', 'BDA 5', ' BDAT 5', 'MAIL FROM:<BDAT>'];
    assert.deepEqual(lines.map(isBdat), [true, true, true, false, false, false]);
  });
});

describe('ChunkDecoder', () => {
  function decode(chunk: Chunk, ...parts: readonly Buffer[]): { readonly slices: Buffer[]; readonly end: number } {
    const decoder = new ChunkDecoder(chunk);
    const slices: Buffer[] = [];
    let end = -1;
    for (const part of parts) end = decoder.decode(part, 0, (slice) => slices.push(slice));
    return { slices, end };
  }

  it('counts octets and looks at none: dots, line ends and NUL are handed on as they came', () => {
    const octets = Buffer.from('\r\n.\r\nQUIT\n\0..\r');
    const { slices, end } = decode({ octets: octets.length, last: false }, octets);
    assert.ok(slices[0] === octets, 'the very chunk, no copy');
    assert.deepEqual([slices.length, end], [1, octets.length]);
  });

  it('ends at the same octet however the chunk is cut, and hands out no empty slice', () => {
    const wire = Buffer.from('hello world');
    for (let cut = 0; cut <= wire.length; cut++) {
      const decoder = new ChunkDecoder({ octets: 5, last: true });
      const taken: string[] = [];
      const take = (slice: Buffer): number => taken.push(slice.toString());
      const first = decoder.decode(wire.subarray(0, cut), 0, take);
      const end = first === -1 ? cut + decoder.decode(wire.subarray(cut), 0, take) : first;
      assert.deepEqual([end, taken.join(''), taken.includes('')], [5, 'hello', false], `cut at ${cut}`);
    }
  });

  it('of no octets has ended before the first', () => {
    assert.deepEqual(decode({ octets: 0, last: true }, Buffer.from('QUIT')), { slices: [], end: 0 });
    assert.equal(decode({ octets: 1, last: true }, Buffer.alloc(0)).end, -1);
  });

  it('begins where it is told', () => {
    const taken: string[] = [];
    const end = new ChunkDecoder({ octets: 2, last: false }).decode(Buffer.from('abcdef'), 3, (slice) =>
      taken.push(slice.toString()),
    );
    assert.deepEqual([end, taken], [5, ['de']]);
  });

  it('is the whole message with LAST alone', () => {
    assert.deepEqual(
      [true, false].map((last) => new ChunkDecoder({ octets: 1, last }).whole),
      [true, false],
    );
  });
});
