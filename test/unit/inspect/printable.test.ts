import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isHarmless, printable } from '../../../src/inspect/printable.js';

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

describe('printable, SPEC §4: what it lets through, and how it cuts', () => {
  it('leaves letters of any script, spaces, quotes and emoji as they are', () => {
    const text = `abc XYZ 0-9 "quoted" 'single' äöü Ελληνικά 日本語 العربية 😀`;
    assert.equal(printable(text, 200), text);
  });

  it('escapes so that no two texts look the same: the backslash doubles', () => {
    assert.equal(printable('\\u{a}', 99), '\\\\u{a}');
    assert.notEqual(printable('\\u{a}', 99), printable('\n', 99));
  });

  it('escapes each kind: C0, DEL, C1, bidi, zero-width, separators, BOM, tags, lone surrogates', () => {
    for (const character of '\0\t\u007f\u0085\u00ad\u061c\u200d\u200f\u202a\u2029\u2066\u2060\ufeff\u{e0041}') {
      assert.equal(printable(character, 99), `\\u{${character.codePointAt(0)?.toString(16)}}`);
    }
    assert.equal(printable('\udc00', 99), '\\u{dc00}');
  });

  it('cuts at its length, with three dots inside of it, and not where the text just fits', () => {
    assert.deepEqual(
      [printable('abcdef', 6), printable('abcdefg', 6), printable('', 6), printable('abcd', 3)],
      ['abcdef', 'abc...', '', '...'],
    );
  });

  it('never cuts a character in two', () => {
    assert.equal(printable('ab😀cdef', 6), 'ab...');
    assert.equal(printable('😀'.repeat(9), 8), '😀😀...');
  });

  it('does not walk through a megabyte to print a line', () => {
    const begun = performance.now();
    for (let count = 0; count < 200; count++) printable('\n'.repeat(1_000_000), 100);
    assert.ok(performance.now() - begun < 1_000);
  });
});

describe('isHarmless', () => {
  it('tells, each time anew, and minds no backslash', () => {
    const texts = ['', 'é 😀 \\', 'a\u0085', '\u202e', '\u200b', '\ud800'];
    for (let i = 0; i < 2; i++) assert.deepEqual(texts.map(isHarmless), [true, true, false, false, false, false]);
  });
});
