import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { block } from '../../../src/server/blocks.js';

describe('blocks', () => {
  it('are as large as was asked, and nobody else has them', () => {
    const sizes = [1, 100, 2_048, 4_096, 4_097, 65_536, 262_144];
    const blocks = sizes.flatMap((size) => Array.from({ length: 20 }, () => block(size)));
    for (const [index, one] of blocks.entries()) one.fill(index);
    assert.deepEqual(
      blocks.map(({ length }) => length),
      sizes.flatMap((size) => Array(20).fill(size)),
    );
    for (const [index, one] of blocks.entries()) assert.ok(one.every((octet) => octet === index % 256));
  });

  it('hold no more memory than their own where they are large, and little where they are small', () => {
    assert.equal(block(262_144).buffer.byteLength, 262_144);
    assert.ok(block(100).buffer.byteLength <= 65_536);
  });
});
