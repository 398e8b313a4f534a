import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { itemsOf } from '../../../src/exim-list.js';
import { parseItems } from '../../../src/hostlist/parse.js';
import { statsOf, stepsOf } from '../../../src/hostlist/steps.js';

const items = parseItems(
  itemsOf('host list', '10.0.0.1 : 10.0.0.0/8 : /etc/hosts : a.test : *.a.test : +l : mx?.test : ^x$ : * : ::::1'),
  { primaryHostname: () => 'here.test', hasList: () => true },
  10,
);

describe('steps', () => {
  it('are runs of items with the files and named lists between them', () => {
    const steps = stepsOf(items).map((step) =>
      step.kind === 'items' ? step.index.items.map(({ index }) => index) : step.item.text,
    );
    assert.deepEqual(steps, [[0, 1], '/etc/hosts', [3, 4], '+l', [6, 7, 8, 9]]);
    assert.deepEqual(stepsOf([]), []);
  });

  it('are counted by kind', () => {
    assert.deepEqual(statsOf(items), { addresses: 2, networks: 1, names: 1, suffixes: 1, globs: 1, regexes: 1 });
  });
});
