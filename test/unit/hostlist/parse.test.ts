import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { splitItems } from '../../../src/exim-list.js';
import { type ListItem, linesOf, parseItems, sourceItems } from '../../../src/hostlist/parse.js';

const texts = (list: string): string[] => splitItems(list).map((item) => item.text);
const parsed = (source: string | readonly string[], maxGlobs = 10): readonly ListItem[] =>
  parseItems(sourceItems(source), { primaryHostname: () => 'here.test', hasList: () => true }, maxGlobs);

describe('splitItems', () => {
  it('cuts at colons and takes the white space off', () => {
    assert.deepEqual(texts(' a :b\t:\n c '), ['a', 'b', 'c']);
    assert.deepEqual(texts(''), []);
    assert.deepEqual(texts('   '), []);
  });

  it('reads a doubled separator as one literal character', () => {
    assert.deepEqual(texts('a::b'), ['a:b']);
    assert.deepEqual(texts('127.0.0.1 : ::::1'), ['127.0.0.1', '::1']);
    assert.deepEqual(texts('127.0.0.1:::::1'), ['127.0.0.1::', '1']);
    assert.deepEqual(texts('3ffe::ffff::836f::::/48'), ['3ffe:ffff:836f::/48']);
  });

  it('keeps an empty item in the middle or alone, and drops one at the end', () => {
    assert.deepEqual(
      [texts('a : : b'), texts('a :'), texts(':'), texts(': a'), texts('a : :')],
      [['a', '', 'b'], ['a'], [''], ['', 'a'], ['a', '']],
    );
  });

  it('takes another separator from a leading <x, a control character too, which cannot be doubled', () => {
    assert.deepEqual(texts('<; a ; ::1;b;;c'), ['a', '::1', 'b;c']);
    assert.deepEqual(texts(' <\na\nb\n\nc\n'), ['a', 'b', '', 'c']);
    assert.deepEqual([texts('<'), texts('< a'), texts('<x a')], [['<'], ['< a'], ['<x a']]);
  });

  it('knows where each item begins', () => {
    assert.deepEqual(
      splitItems('10.0.0.1 : ::::1 :  b').map(({ offset }) => offset),
      [0, 11, 20],
    );
  });
});

describe('parseItems', () => {
  it('takes ! with and without space, and gives markers to all that follows them', () => {
    const items = parsed(
      'a.test : +ignore_unknown : ! b.test : +include_unknown : +include_defer : !c.test : +ignore_defer : d.test',
    );
    assert.deepEqual(
      items.map(({ index, negated, onUnknown, onDefer }) => [index, negated, onUnknown, onDefer]),
      [
        [0, false, null, null],
        [2, true, 'ignore', null],
        [5, true, 'include', 'include'],
        [7, false, 'include', 'ignore'],
      ],
    );
  });

  it('reads an array item by item, without separators', () => {
    assert.deepEqual(
      parsed(['::1', ' a.test ', '']).map(({ pattern }) => pattern.kind),
      ['network', 'name', 'local'],
    );
  });

  it('names the first item that cannot be read', () => {
    assert.throws(() => parsed('a.test : 1.2.3'), { item: '1.2.3', index: 1, offset: 9, list: null });
    assert.throws(() => parsed(['a.test', '! ']), { item: '!', index: 1, offset: 0, expected: 'an item behind the !' });
    assert.throws(() => parsed('!+ignore_unknown : !!a'), { item: '!!a' });
    assert.throws(() => parsed('a? : b? : c?', 2), { item: 'c?', expected: /at most 2 globs/ });
  });

  it('refuses what is no list', () => {
    for (const bad of [null, 7, {}, undefined, () => true, ['a', 7]]) {
      assert.throws(() => sourceItems(bad as unknown as string), { code: 'ERR_TLS_SMTP_OPTION' });
    }
  });
});

describe('linesOf', () => {
  it('drops comments and blank lines, and counts all of them', () => {
    assert.deepEqual(
      linesOf('# a\r\n\r\n 10.0.0.1 # b\r\n!::1').map(({ text, index }) => [text, index]),
      [
        ['10.0.0.1', 2],
        ['!::1', 3],
      ],
    );
  });
});
