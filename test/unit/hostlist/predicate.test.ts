import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ForcedFailure } from '../../../src/errors.js';
import type { HostPredicate } from '../../../src/hostlist/options.js';
import { predicateMatcher } from '../../../src/hostlist/predicate.js';

const peer = { address: '10.0.0.1' };
const ask = (predicate: unknown, timeoutMs = 1_000): Promise<unknown> =>
  predicateMatcher(predicate as HostPredicate, timeoutMs).match(peer);
const told = (result: string, reason: string): object => ({ result, item: null, index: -1, reason, unknown: false });

describe('a callback in place of a list', () => {
  it('is asked with the peer, at once or later', async () => {
    assert.deepEqual(await ask((one: unknown) => one === peer), told('yes', 'the callback says yes'));
    assert.deepEqual(await ask(async () => false), told('no', 'the callback says no'));
  });

  it('leaves the option unset by a ForcedFailure, thrown or rejected', async () => {
    const unset = { ...told('no', 'the callback leaves the option unset'), unset: true };
    assert.deepEqual(
      await ask(() => {
        throw new ForcedFailure();
      }),
      unset,
    );
    assert.deepEqual(await ask(() => Promise.reject(new ForcedFailure())), unset);
  });

  it('is undecided after any other throw, for what is no boolean, and when its time is up', async () => {
    const failed = told('defer', 'the callback failed');
    assert.deepEqual(
      await ask(() => {
        throw new Error('secret');
      }),
      failed,
    );
    assert.deepEqual(await ask(() => Promise.reject(undefined)), failed);
    for (const odd of [undefined, 'yes', 1, null]) {
      assert.deepEqual(await ask(() => odd), told('defer', 'the callback gave neither true nor false'));
    }
    assert.deepEqual(await ask(() => new Promise(() => {}), 20), told('defer', 'the callback took longer than 20 ms'));
  });

  it('rejects with the reason of the caller who aborts', async () => {
    const controller = new AbortController();
    const answer = predicateMatcher(() => new Promise(() => {}), 10_000).match(peer, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await assert.rejects(answer, /enough/);
  });
});
