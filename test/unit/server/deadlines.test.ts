import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Deadlines } from '../../../src/server/deadlines.js';

describe('Deadlines', () => {
  it('calls what is overdue, to within a tick, and nothing that was forgotten or waits for nobody', async () => {
    const clock = new Deadlines(80);
    const called: string[] = [];
    const item = (name: string, afterMs: number): { dueAt: number; overdue: () => void } => {
      const one = {
        dueAt: clock.now + afterMs,
        overdue: (): void => void (called.push(name), (one.dueAt = Number.POSITIVE_INFINITY)),
      };
      return one;
    };
    const forgotten = item('forgotten', 10);
    const items = [item('due', 60), item('later', 60_000), item('never', Number.POSITIVE_INFINITY), forgotten];
    for (const one of items) clock.watch(one);
    clock.forget(forgotten);
    await sleep(200);
    assert.deepEqual(called, ['due']);
    for (const one of items) clock.forget(one);
  });
});
