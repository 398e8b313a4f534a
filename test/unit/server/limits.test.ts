import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkedLimits } from '../../../src/server/limits.js';

describe('checkedLimits', () => {
  it('has the defaults of SPEC §5', () => {
    assert.deepEqual(checkedLimits(undefined), {
      maxCommandOctets: 2_048,
      maxMessageBytes: 52_428_800,
      maxRecipients: 1_000,
      maxErrors: 10,
      maxIdleCommands: 100,
      commandTimeoutMs: 300_000,
      dataTimeoutMs: 180_000,
      maxConnections: 1_000,
      maxHandshakes: 256,
    });
  });

  it('refuses what is no limit', () => {
    assert.throws(() => checkedLimits({ maxErrors: 0 }), /option limits\.maxErrors/);
    assert.throws(
      () => checkedLimits({ maxSize: 1 } as object),
      /option limits\.maxSize is unknown; limits\.maxMessageBytes is meant/,
    );
  });
});
