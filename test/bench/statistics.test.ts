import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allowance, means, median, ratios, summary } from './statistics.js';

describe('the statistics of the bench', () => {
  it('take the middle of the values, in whatever order they came, and leave the values alone', () => {
    const values = [9, 1, 5];
    assert.deepEqual([median(values), median([4, 1, 3, 2]), values], [5, 2.5, [9, 1, 5]]);
  });

  it('say within what distance of the median half of the values lie; one wild value does not count', () => {
    assert.deepEqual(summary([1, 2, 3, 4, 1_000]), { median: 3, spread: 1 });
    assert.deepEqual(summary([7]), { median: 7, spread: 0 });
  });

  it('have nothing to say of no values', () => {
    assert.throws(() => median([]), RangeError);
  });

  it('divide within rounds, over the rounds that both sides have', () => {
    assert.deepEqual(ratios([10, 20, 30], [20, 20]), [0.5, 1]);
    assert.deepEqual(ratios([10], [20, 20]), [0.5]);
    assert.deepEqual(means([1, 2], [3, 4]), [2, 3]);
  });

  it('allow what a run against itself is off by, and never less than 3 %', () => {
    assert.deepEqual([allowance(1), allowance(0.98)], [0.03, 0.03]);
    assert.ok(Math.abs(allowance(0.92) - 0.08) < 1e-9);
    assert.ok(Math.abs(allowance(1.05) - 0.05) < 1e-9);
  });
});
