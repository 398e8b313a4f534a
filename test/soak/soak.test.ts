import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { soakArguments, USAGE } from './arguments.js';
import { growthOf, slopeOf } from './growth.js';
import { seeded } from './random.js';
import { atMost, exactly, judge, type Row, told } from './row.js';
import { ROWS } from './rows.js';
import { isMissed, runRow } from './run-row.js';
import { formatResult } from './table.js';

const PACE = { size: 'small', seed: 1, progress: () => {} } as const;

describe('the soak', { timeout: 120_000 }, () => {
  const broken: Row = {
    name: 'R0',
    title: 'a row',
    reason: 'none',
    size: { target: 1, small: 1 },
    run: async ({ serve }) => {
      await serve({ certificate: 'no certificate' });
      return { figures: [] };
    },
  };

  it('says what a row broke at, and counts that as missed', async () => {
    const result = await runRow(broken, PACE);
    assert.match(result.failure ?? '', /tls\.certificate/);
    assert.ok(isMissed(result));
    assert.match(formatResult(result, false), /^R0 {2}a row .*\n.*tls\.certificate/);
  });

  it('says that the server is gone where its clients only see that nobody answers', async () => {
    const run: Row['run'] = async ({ serve }) => {
      const server = await serve();
      await server[Symbol.asyncDispose]();
      throw new Error('nobody answers');
    };
    assert.match((await runRow({ ...broken, run }, PACE)).failure ?? '', /^R0, server: the process ended/);
  });

  it('counts a missed target, and prints it', async () => {
    const figures = [exactly('left over', 1, 0), atMost('growth', 9, 'MiB', 4), told('each', 1, 'kB')];
    const result = await runRow({ ...broken, run: async () => ({ figures }) }, PACE);
    assert.ok(isMissed(result));
    assert.deepEqual(
      result.figures.map(({ verdict }) => verdict),
      ['missed', 'not judged', 'told'],
    );
    assert.match(formatResult(result, false), /left over +1 {2}= 0 +missed\n.*9\.00 MiB {2}<= 4\.00 MiB +not judged\n/);
  });

  it('judges memory and times in a run of full size', () => {
    const sizes = [false, true].map((small) => judge(atMost('growth', 5, 'MiB', 4), small));
    assert.deepEqual(sizes, ['missed', 'not judged']);
    assert.equal(judge(atMost('growth', 4, 'MiB', 4), false), 'met');
  });

  it('takes growth from where all is warm, and the slope of a line', () => {
    assert.equal(growthOf([9, 4, 5, 7], 1), 3);
    assert.equal(slopeOf([50, 1, 3, 5, 7], 1), 2);
    assert.equal(slopeOf([4, 4, 4], 0), 0);
  });

  it('rolls the same dice for the same seed', () => {
    const [one, same, other] = [seeded(7), seeded(7), seeded(8)].map((random) => Array.from({ length: 5 }, random));
    assert.deepEqual(one, same);
    assert.notDeepEqual(one, other);
    assert.ok(one?.every((number) => number >= 0 && number < 1));
  });

  it('runs all rows, or those that are named; JSON where there is no terminal', () => {
    const { rows, size, json } = soakArguments([], true);
    assert.deepEqual([rows, size, json], [ROWS, 'target', false]);
    const some = soakArguments(['r7', 'R10', '--full', '--seed', '3'], false);
    assert.deepEqual(
      [some.rows.map(({ name }) => name), some.size, some.seed, some.json],
      [['R7', 'R10'], 'full', 3, true],
    );
    assert.throws(() => soakArguments(['R1'], true), /there is no row "R1"; there are R2, /);
    assert.throws(() => soakArguments(['--seed', 'x'], true), /--seed takes a whole number/);
    assert.throws(() => soakArguments(['--small', '--full'], true), /exclude each other/);
    for (const { name } of ROWS) assert.match(USAGE, new RegExp(`^ +${name} +\\S`, 'm'));
  });

  it('is a program: exit code 0 and JSON, 2 for what it does not understand', () => {
    const soak = (...given: string[]): ReturnType<typeof spawnSync> =>
      spawnSync(process.execPath, [join(import.meta.dirname, 'soak.js'), ...given], { encoding: 'utf8' });
    const { status, stdout, stderr } = soak('R15', '--small');
    assert.deepEqual([status, stderr], [0, '']);
    assert.equal(JSON.parse(String(stdout)).results[0].row, 'R15');
    assert.equal(soak('R99').status, 2);
    assert.equal(soak('--help').status, 0);
  });
});
