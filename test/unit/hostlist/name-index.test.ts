import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NameIndex } from '../../../src/hostlist/name-index.js';
import { readPattern } from '../../../src/hostlist/pattern.js';
import { NOWHERE } from '../../../src/hostlist/range-index.js';

function indexOf(...items: string[]): (name: string) => number {
  const patterns = items.map((item) => readPattern(item, { primaryHostname: () => 'here.test', hasList: null }));
  const index = new NameIndex(patterns.filter((pattern) => typeof pattern !== 'string'));
  return (name) => index.find(name);
}

describe('NameIndex', () => {
  it('finds endings at a label and anywhere', () => {
    const find = indexOf('*.b.c', '*b.c', '*c', '*b.d');
    assert.deepEqual(['x.b.c', 'b.c', 'ab.c', 'x.ab.c', 'c', 'x.bc', 'zzb.d', 'b.d', 'b.e'].map(find), [
      0,
      1,
      1,
      1,
      2,
      2,
      3,
      3,
      NOWHERE,
    ]);
  });

  it('lets the first item win, of whatever kind it is', () => {
    assert.deepEqual(
      ['mx1.a.test', 'mx2.a.test', 'x.a.test'].map(indexOf('mx1.a.test', 'mx?.a.test', '*.a.test')),
      [0, 1, 2],
    );
    assert.deepEqual(['mx1.a.test', 'y.test'].map(indexOf('^mx', '10.0.0.0/8', '*.a.test', 'y.test')), [0, 3]);
    assert.deepEqual(['mx1.a.test', 'q.a.test'].map(indexOf('*.a.test', '^mx', '*')), [0, 0]);
  });
});
