import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { itemsOf } from '../../../src/exim-list.js';
import { lintItems } from '../../../src/hostlist/lint.js';
import { parseItems } from '../../../src/hostlist/parse.js';

const lint = (source: string | readonly string[]): string[] => {
  const items = parseItems(
    itemsOf('host list', source),
    { primaryHostname: () => 'here.test', hasList: () => true },
    10,
  );
  return lintItems(items).map(({ kind, item, index }) => `${kind} ${index} ${item}`);
};

describe('lintItems', () => {
  it('is silent about a sound list', () => {
    assert.deepEqual(
      lint('!10.0.0.1 : 10.0.0.0/8 : ::::1 : a.test : *.a.test : mx?.b.test : ^c\\.test$ : /f : +l'),
      [],
    );
    assert.deepEqual(lint('!10.0.0.1'), []);
    assert.deepEqual(lint(''), []);
  });

  it('finds items that can never decide', () => {
    assert.deepEqual(lint('10.0.0.0/8 : !10.1.0.0/16 : 10.0.0.1 : 11.0.0.1'), [
      'never-matches 1 !10.1.0.0/16',
      'never-matches 2 10.0.0.1',
    ]);
    assert.deepEqual(lint('* : 10.0.0.1 : a.test'), ['never-matches 1 10.0.0.1', 'never-matches 2 a.test']);
    assert.deepEqual(lint('*.a.test : *.x.a.test : a.test : A.test : *.b.test : *.a.test'), [
      'never-matches 1 *.x.a.test',
      'never-matches 3 A.test',
      'never-matches 5 *.a.test',
    ]);
    assert.deepEqual(
      lint('mx?.test : ^a$ : mx?.test : ^a$ : ::::1 : ::::1').filter((one) => one.startsWith('never')),
      ['never-matches 2 mx?.test', 'never-matches 3 ^a$', 'never-matches 5 ::1'],
    );
    assert.deepEqual(lint('10.0.0.0/24 : 10.0.0.0/8'), []);
  });

  it('finds the end that lets the whole world in', () => {
    assert.deepEqual(lint('10.0.0.0/8 : !10.0.0.1'), ['never-matches 1 !10.0.0.1', 'ends-negative 1 !10.0.0.1']);
  });

  it('finds addresses behind names, and names that are negated', () => {
    assert.deepEqual(lint('a.test : 10.0.0.1 : !*.b.test : 10.0.0.2'), [
      'names-before-addresses 1 10.0.0.1',
      'negated-name 2 !*.b.test',
      'names-before-addresses 3 10.0.0.2',
    ]);
  });

  it('finds bits behind a prefix, endings that are open, and more names than one match looks up', () => {
    assert.deepEqual(lint('10.1.2.3/8 : *b.test : ^mx\\.'), [
      'host-bits 0 10.1.2.3/8',
      'open-suffix 1 *b.test',
      'open-regex 2 ^mx\\.',
    ]);
    assert.deepEqual(lint(Array.from({ length: 102 }, (_, at) => `h${at}.test`)), ['many-names 100 h100.test']);
  });
});
