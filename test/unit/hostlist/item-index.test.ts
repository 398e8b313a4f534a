import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { itemsOf } from '../../../src/exim-list.js';
import { readAddress } from '../../../src/hostlist/address.js';
import { ItemIndex, stopsAt } from '../../../src/hostlist/item-index.js';
import { parseItems } from '../../../src/hostlist/parse.js';
import { NOWHERE } from '../../../src/hostlist/range-index.js';

function indexOf(list: string): ItemIndex {
  return new ItemIndex(
    parseItems(itemsOf('host list', list), { primaryHostname: () => 'here.test', hasList: null }, 10),
  );
}

describe('ItemIndex', () => {
  it('knows where the first item of each kind stands', () => {
    const index = indexOf('10.0.0.1 : : a.test : @[] : *.b.test : * : 10.0.0.2');
    assert.deepEqual(
      [index.firstLocal, index.firstAny, index.ownAddresses, index.firstName, index.firstPattern, index.plainNames],
      [1, 5, 3, 2, 4, [2]],
    );
    const find = (text: string): number => index.findAddress(readAddress(text) ?? []);
    assert.deepEqual(['10.0.0.1', '10.0.0.2', '::1'].map(find), [0, 5, 5]);
    assert.equal(index.findName('x.b.test'), 4);
  });

  it('gives the answer of an item, the same object each time', () => {
    const index = indexOf('10.0.0.1 : !*.b.test');
    const expected = {
      result: 'no',
      item: '!*.b.test',
      index: 1,
      reason: 'the name matches !*.b.test',
      unknown: false,
    };
    assert.deepEqual(index.answer(1), { kind: 'decided', match: expected, stopped: false });
    assert.equal(index.answer(1), index.answer(1));
  });

  it('knows whether a plain name before a position says the opposite', () => {
    const index = indexOf('a.test : !b.test : *.c.test : !*.d.test');
    assert.deepEqual(
      [0, 1, 2, 3].map((position) => index.isContested(position)),
      [false, true, true, true],
    );
    assert.equal(indexOf('a.test : *.c.test').isContested(1), false);
  });

  it('stops at the first pattern that no marker passes over, by how it is asked', () => {
    const index = indexOf('a.test : *.a.test : *.b.test');
    assert.deepEqual([index.stop('other'), index.stop('require'), index.stop('defer')], [1, NOWHERE, 1]);
    assert.deepEqual(
      [stopsAt(null, 'other'), stopsAt(null, 'require'), stopsAt('include', 'require'), stopsAt('ignore', 'other')],
      [true, false, true, false],
    );
  });
});
