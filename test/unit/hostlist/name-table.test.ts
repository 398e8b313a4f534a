import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NameTable } from '../../../src/hostlist/name-table.js';
import { NOWHERE } from '../../../src/hostlist/range-index.js';

describe('NameTable', () => {
  it('keeps a name and a suffix of the same text apart, and the first of two alike', () => {
    const table = new NameTable([
      { text: 'b.c', isSuffix: true, position: 0 },
      { text: 'b.c', isSuffix: false, position: 1 },
      { text: 'x.b.c', isSuffix: false, position: 2 },
      { text: 'b.c', isSuffix: false, position: 3 },
      { text: 'c', isSuffix: true, position: 4 },
    ]);
    const found = ['b.c', 'x.b.c', 'y.x.b.c', 'xb.c', 'c', 'd', 'c.d'].map((name) => table.find(name));
    assert.deepEqual(found, [1, 0, 0, 4, NOWHERE, NOWHERE, NOWHERE]);
  });

  it('finds each of many', () => {
    const names = Array.from({ length: 5_000 }, (_, at) => ({
      text: `h${at}.example`,
      isSuffix: at % 2 === 0,
      position: at,
    }));
    const table = new NameTable(names);
    const wrong = names.filter(
      ({ text, isSuffix, position }) => table.find(isSuffix ? `a.${text}` : text) !== position,
    );
    assert.deepEqual(wrong, []);
    assert.equal(table.find('h5000.example'), NOWHERE);
  });
});
