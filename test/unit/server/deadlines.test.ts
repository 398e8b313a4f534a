import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Deadlines, type Overdue } from '../../../src/server/deadlines.js';

describe('Deadlines', () => {
  it('calls what is overdue, to within a tick, and nothing that was forgotten or waits for nobody', async () => {
    const clock = new Deadlines(80);
    const called: string[] = [];
    const item = (name: string, afterMs: number): Overdue & { dueAt: number } => ({
      dueAt: clock.now + afterMs,
      endsAt: Number.POSITIVE_INFINITY,
      overdue() {
        called.push(name);
        this.dueAt = Number.POSITIVE_INFINITY;
      },
    });
    const forgotten = item('forgotten', 10);
    const items = [item('due', 60), item('later', 60_000), item('never', Number.POSITIVE_INFINITY), forgotten];
    for (const one of items) clock.watch(one);
    clock.forget(forgotten);
    await sleep(200);
    assert.deepEqual(called, ['due']);
    for (const one of items) clock.forget(one);
  });

  it('knows the time from the first item on, however long it watched nobody before', async () => {
    const clock = new Deadlines(40);
    await sleep(50);
    const item = { dueAt: Number.POSITIVE_INFINITY, endsAt: Number.POSITIVE_INFINITY, overdue: assert.fail };
    const before = performance.now();
    clock.watch(item);
    assert.ok(clock.now >= before);
    clock.forget(item);
  });

  it('calls an item that is still overdue again at the next tick, until it is forgotten', async () => {
    const clock = new Deadlines(40);
    let calls = 0;
    const item = {
      dueAt: 0,
      endsAt: Number.POSITIVE_INFINITY,
      overdue: (): void => {
        calls++;
        if (calls === 3) clock.forget(item);
      },
    };
    clock.watch(item);
    await sleep(200);
    assert.equal(calls, 3);
  });
});
