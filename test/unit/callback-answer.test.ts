import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inTime, isThenable } from '../../src/callback-answer.js';

const late = (): Error => new Error('late');

describe('isThenable', () => {
  it('knows what will answer later by its then() alone', () => {
    const answers = [Promise.resolve(), { then: () => {} }, { then: 1 }, null, undefined, 'x', 0, () => {}];
    assert.deepEqual(answers.map(isThenable), [true, true, false, false, false, false, false, false]);
  });
});

describe('inTime', () => {
  it('gives the answer, or what it was rejected with', async () => {
    assert.equal(await inTime(sleep(1, 'yes'), 1_000, late), 'yes');
    await assert.rejects(inTime(Promise.reject(new Error('own')), 1_000, late), /own/);
  });

  it('rejects when the time is over, and ignores what comes later, a rejection too', async () => {
    await assert.rejects(inTime(new Promise(() => {}), 5, late), /late/);
    const failing = sleep(20).then(() => Promise.reject(new Error('own')));
    await assert.rejects(inTime(failing, 5, late), /late/);
    await sleep(30); // an unhandled rejection would fail this test
  });
});
