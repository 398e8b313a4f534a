import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { printable } from '../../../src/inspect/printable.js';

describe('printable', () => {
  it('escapes what moves a cursor, ends a line or turns the reading direction', () => {
    assert.equal(
      printable('a\r\n\u001b[1m\u202eb\u200bc\\\u2028é😀', 200),
      'a\\u{d}\\u{a}\\u{1b}[1m\\u{202e}b\\u{200b}c\\\\\\u{2028}é😀',
    );
    assert.equal(printable('\ud800xy', 9), '\\u{d80...');
  });

  it('never lets such a character through, and keeps to its length, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 3, max: 50 }), (text, length) => {
        const shown = printable(text, length);
        assert.doesNotMatch(shown, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
        assert.ok(shown.length <= length);
      }),
    );
  });
});
