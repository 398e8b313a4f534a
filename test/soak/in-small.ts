import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Row } from './row.js';
import { runRow } from './run-row.js';

/** Tests that a little of a row holds in all its counts, on a machine of any speed; memory and times are for `npm run soak`. */
export function itHoldsInSmall(row: Row): void {
  it(`SECURITY ${row.name}, a little of it: ${row.title}`, { timeout: 150_000 }, async () => {
    const result = await runRow(row, { size: 'small', seed: 1, progress: () => {} });
    const missed = result.figures.filter(({ verdict }) => verdict === 'missed');
    assert.deepEqual([result.failure, missed], [null, []], result.note ?? '');
    assert.ok(result.figures.some(({ verdict }) => verdict === 'met'));
  });
}
