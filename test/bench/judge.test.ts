import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isMissed, judge } from './judge.js';
import type { Samples } from './measure.js';
import { ROWS, type Row } from './rows.js';

const lockstep = row('lockstep'); // goal: a ratio of at least 0.95, at most 4 writes
const banner = row('banner'); // at most 2 ms
const memory = row('memory'); // at most 1.10 of the reference

describe('a verdict', () => {
  it('holds raw against us within rounds: what slows a whole round down changes nothing', () => {
    const { ours, verdict } = judge(lockstep, run([100, 300], [100, 300], [80, 240]), true);
    assert.deepEqual([ours.ratio, verdict], [{ median: 1.25, spread: 0 }, 'met']);
  });

  it('allows 3 %, and more where raw does not agree with itself', () => {
    const verdict = (again: number, ours: number): string => judge(lockstep, run([100], [again], [ours]), true).verdict;
    assert.equal(verdict(100, 100 / 0.921), 'met');
    assert.equal(verdict(100, 100 / 0.919), 'missed');
    assert.equal(verdict(110, 105 / 0.86), 'met');
    assert.equal(verdict(110, 105 / 0.84), 'missed');
  });

  it('is not given after a short run', () => {
    const result = judge(lockstep, run([100], [100], [1_000]), false);
    assert.deepEqual([result.verdict, isMissed(result)], ['not judged', false]);
  });

  it('counts writes also in a short run, and allows nothing', () => {
    const writes = (count: number): boolean => isMissed(judge(lockstep, run([1], [1], [1], count), false));
    assert.deepEqual([writes(4), writes(4.01)], [false, true]);
  });

  it('allows a time nothing, and knows that less memory is better', () => {
    const time = (ms: number): string => judge(banner, run([0.1], [0.3], [ms]), true).verdict;
    assert.deepEqual([time(2), time(2.01)], ['met', 'missed']);
    const octets = (count: number): string => judge(memory, run([1_000], [1_000], [count]), true).verdict;
    assert.deepEqual([octets(500), octets(1_129), octets(1_131)], ['met', 'met', 'missed']);
  });

  it('tells a peer’s figure from the rounds that it took part in', () => {
    const samples = run([100, 500], [100, 500], [100, 500]);
    const { peers } = judge(
      lockstep,
      [...samples, { role: 'peer', kind: 'smtp-server', values: [200], writes: 4 }],
      true,
    );
    assert.deepEqual(
      peers.map(({ kind, ratio }) => [kind, ratio.median]),
      [['smtp-server', 0.5]],
    );
  });
});

function row(name: string): Row {
  const found = ROWS.find((one) => one.name === name);
  assert.ok(found);
  return found;
}

function run(first: number[], again: number[], ours: number[], writes = 4): Samples[] {
  return [
    { role: 'reference', kind: 'raw', values: first, writes: 4 },
    { role: 'again', kind: 'raw', values: again, writes: 4 },
    { role: 'ours', kind: 'tls-smtp', values: ours, writes },
  ];
}
