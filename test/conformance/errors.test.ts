import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ErrorCode } from '../../src/index.js';
import { textOf } from '../architecture/project.js';
import { PROVOCATIONS } from '../support/provocations.js';

interface Row {
  readonly code: ErrorCode;
  readonly class: string;
  readonly phase: string | readonly string[];
  readonly fault: string | readonly string[];
  readonly temporary: boolean | 'it depends';
}

const rows: readonly Row[] = JSON.parse(textOf('test/tables/errors.json'));

describe('SPEC §8: each error can be met', { timeout: 120_000 }, () => {
  for (const row of rows) {
    it(`${row.code}, and is what the table says`, async () => {
      const provoke = PROVOCATIONS[row.code];
      if (provoke === undefined) {
        assert.fail(
          `nothing is known to throw ${row.code}: add a way by the public API to test/support/provocations.ts`,
        );
      }
      const { name, code, phase, fault, temporary, message } = (await provoke()) as Readonly<Record<string, unknown>>;
      assert.deepEqual([code, name], [row.code, row.class], String(message));
      assert.ok(
        [row.phase].flat().some((one) => one === phase),
        `phase ${phase}`,
      );
      assert.ok(
        [row.fault].flat().some((one) => one === fault),
        `fault ${fault}`,
      );
      assert.equal(temporary, row.temporary === 'it depends' ? Boolean(temporary) : row.temporary);
      assert.match(String(message), /^[ -~]{10,300}$/);
    });
  }

  it('and nothing else is provoked', () => {
    const codes = rows.map(({ code }) => code).sort();
    assert.deepEqual(Object.keys(PROVOCATIONS).sort(), codes);
  });
});
