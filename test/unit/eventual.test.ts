import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { andThen, type Eventual } from '../../src/eventual.js';

describe('andThen', () => {
  it('goes on now with what is there, and then with what comes', async () => {
    const double = (value: number): number => 2 * value;
    const later = andThen(Promise.resolve(2), double);
    assert.deepEqual([andThen(1, double), later instanceof Promise, await later], [2, true, 4]);
  });

  it('gives what the next step gives, now or later', async () => {
    const later = andThen(1, (value): Eventual<number> => Promise.resolve(value + 1));
    assert.ok(later instanceof Promise);
    assert.equal(await later, 2);
  });

  it('fails as the answer or the next step fails: thrown where it is there, rejected where it comes', async () => {
    const fail = (): never => {
      throw new Error('own');
    };
    assert.throws(() => andThen(1, fail), /own/);
    await assert.rejects(async () => andThen(Promise.resolve(1), fail), /own/);
    await assert.rejects(async () => andThen(Promise.reject(new Error('first')), fail), /first/);
  });
});
