import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkedLimits } from '../../../src/server/limits.js';

describe('checkedLimits', () => {
  it('has the defaults of SPEC §5, and a time for handlers', () => {
    assert.deepEqual(checkedLimits(undefined), {
      maxCommandOctets: 2_048,
      maxAuthOctets: 12_288,
      maxMessageBytes: 52_428_800,
      maxRecipients: 1_000,
      maxErrors: 10,
      maxIdleCommands: 100,
      commandTimeoutMs: 300_000,
      dataTimeoutMs: 180_000,
      sessionTimeoutMs: Number.POSITIVE_INFINITY,
      handlerTimeoutMs: 600_000,
      maxConnections: 1_000,
      maxConnectionsPerAddress: Number.POSITIVE_INFINITY,
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

  it('takes whole numbers from 1, and nothing else (no Infinity, no text)', () => {
    assert.deepEqual(
      [
        checkedLimits({ maxErrors: 1 }).maxErrors,
        checkedLimits({ maxMessageBytes: Number.MAX_SAFE_INTEGER }).maxMessageBytes,
      ],
      [1, Number.MAX_SAFE_INTEGER],
    );
    for (const bad of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '9', null]) {
      for (const name of ['maxRecipients', 'sessionTimeoutMs', 'maxConnectionsPerAddress', 'maxAuthOctets'])
        assert.throws(() => checkedLimits({ [name]: bad as number }), { code: 'ERR_TLS_SMTP_OPTION' });
    }
  });

  it('cannot be changed by those who hold them', () => {
    assert.ok(Object.isFrozen(checkedLimits({})));
  });
});
