import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { itemsOf } from '../../../src/exim-list.js';
import { type ListItem, linesOf, parseItems } from '../../../src/hostlist/parse.js';

const parsed = (source: string | readonly string[], maxGlobs = 10): readonly ListItem[] =>
  parseItems(itemsOf('host list', source), { primaryHostname: () => 'here.test', hasList: () => true }, maxGlobs);

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

  it('knows Exim’s list syntax: separators, doubled or other ones, empty items', () => {
    const texts = (list: string): string[] => parsed(list).map(({ text }) => text);
    assert.deepEqual(texts('127.0.0.1 : ::::1 : : 3ffe::ffff::836f::::/48 :'), [
      '127.0.0.1',
      '::1',
      '',
      '3ffe:ffff:836f::/48',
    ]);
    assert.deepEqual(texts('<; 127.0.0.1 ; ::1'), ['127.0.0.1', '::1']);
    assert.deepEqual(
      parsed('10.0.0.1 : ::::1 :  b').map(({ offset }) => offset),
      [0, 11, 20],
    );
    assert.throws(() => parsed('127.0.0.1:::::1'), { item: '127.0.0.1::' });
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
      assert.throws(() => itemsOf('host list', bad as unknown as string), { code: 'ERR_TLS_SMTP_OPTION' });
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
