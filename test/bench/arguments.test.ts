import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { benchArguments, USAGE } from './arguments.js';
import { ROWS } from './rows.js';

describe('the arguments of the bench', () => {
  it('are nine rounds of a second of everything by default, and judged', () => {
    const { rows, rounds, seconds, judged } = benchArguments([]);
    assert.deepEqual([rows, rounds, seconds, judged], [ROWS, 9, 1, true]);
  });

  it('name rows, with --rows or without', () => {
    const { rows } = benchArguments(['--rows', 'deep,bulk', 'memory']);
    assert.deepEqual(
      rows.map(({ name }) => name),
      ['deep', 'bulk', 'memory'],
    );
  });

  it('judge no goal in fewer rounds, shorter rounds, or under a profiler', () => {
    for (const few of [
      ['--rounds', '8'],
      ['--seconds', '0.9'],
      ['--profile', 'profiles'],
    ]) {
      assert.equal(benchArguments(few).judged, false, few.join(' '));
    }
  });

  it('are refused in words', () => {
    assert.throws(() => benchArguments(['nosuch']), /there is no row "nosuch"; there are handshake, /);
    assert.throws(() => benchArguments(['--rounds', '1.5']), /--rounds takes a whole number/);
    assert.throws(() => benchArguments(['--seconds', 'x']), /--seconds takes a number above 0/);
    assert.throws(() => benchArguments(['--sekonds', '1']), /--sekonds/);
  });

  it('are explained, with every row', () => {
    for (const { name, title } of ROWS) assert.match(USAGE, new RegExp(`^ +${name} +${title[0]}`, 'm'));
  });
});
