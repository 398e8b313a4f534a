import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { splitItems } from '../../src/exim-list.js';

const texts = (list: string): string[] => splitItems(list).map((item) => item.text);

describe('splitItems (Exim, "List construction")', () => {
  it('cuts at colons, drops white space around items and an empty item at the very end', () => {
    assert.deepEqual(['a : b:c', ' a ', 'a :', '', '  ', ':', 'a : : b'].map(texts), [
      ['a', 'b', 'c'],
      ['a'],
      ['a'],
      [],
      [],
      [''],
      ['a', '', 'b'],
    ]);
  });

  it('reads a doubled separator as one that is meant', () => {
    assert.deepEqual(texts('a::b : ::::1'), ['a:b', '::1']);
    assert.deepEqual(texts('^(?::a|b) : c'), ['^(?:a|b)', 'c']);
  });

  it('takes another separator from a leading <x; a control character is never doubled', () => {
    assert.deepEqual(texts('<; a:b ; c;;d'), ['a:b', 'c;d']);
    assert.deepEqual(texts(' <\n a\n\nb'), ['a', '', 'b']);
    assert.deepEqual(texts('<'), ['<']);
    assert.deepEqual(texts('<a b'), ['<a b']);
  });

  it('says where each item begins', () => {
    assert.deepEqual(splitItems('<; ab;  c'), [
      { text: 'ab', index: 0, offset: 3 },
      { text: 'c', index: 1, offset: 8 },
    ]);
  });

  it('gives back what was joined, for any items without white space at their edges', () => {
    const item = fc
      .string({ minLength: 1, maxLength: 6 })
      .filter((text) => text === text.trim() && !/^[<:]|:$/.test(text));
    fc.assert(
      fc.property(fc.array(item, { maxLength: 6 }), (items) => {
        assert.deepEqual(texts(items.map((one) => one.replaceAll(':', '::')).join(' : ')), items);
      }),
    );
  });
});
