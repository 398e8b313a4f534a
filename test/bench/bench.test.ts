import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const BENCH = join(import.meta.dirname, 'bench.js');

function bench(...given: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [BENCH, ...given], { encoding: 'utf8', timeout: 110_000 });
}

describe('npm run bench', { timeout: 120_000 }, () => {
  it('runs every contestant: messages on kept connections, and connections', () => {
    const rows = ['deep', 'resumed'];
    const { status, stdout, stderr } = bench('--json', '--rounds', '1', '--seconds', '0.02', ...rows);
    assert.deepEqual([status, stderr], [0, '']);
    const { results } = JSON.parse(stdout);
    for (const [index, result] of results.entries()) {
      const figures = [result.reference, result.ours, ...result.peers];
      assert.deepEqual(
        [result.row, result.verdict, figures.map(({ kind }) => kind)],
        [rows[index], 'not judged', ['raw', 'tls-smtp', 'smtp-server']],
      );
      for (const { value } of figures) assert.ok(value.median > 0);
    }
    assert.deepEqual([results[0].ours.writes, results[0].peers[0].writes], [1, 4]);
  });

  it('explains itself, and says what it does not understand', () => {
    const { status, stdout } = bench('--help');
    assert.deepEqual([status, /^ +--rounds N/m.test(stdout)], [0, true]);
    const wrong = bench('nosuch');
    assert.deepEqual([wrong.status, /there is no row "nosuch"/.test(wrong.stderr)], [2, true]);
  });
});
