import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { patienceMs } from '../../../src/server/phase.js';

describe('patienceMs', () => {
  const limits = { handlerTimeoutMs: 1, commandTimeoutMs: 2, dataTimeoutMs: 3 };

  it('waits for whoever is due: the handler, the client, or nobody', () => {
    const phases = [
      'opening',
      'waiting',
      'commands',
      'authenticating',
      { full: false },
      'upgrading',
      'ending',
    ] as const;
    assert.deepEqual(
      phases.map((phase) => patienceMs(phase, limits)),
      [1, 1, 2, 2, 3, Number.POSITIVE_INFINITY, 2_000],
    );
  });

  it('inside a message that the application does not read, waits for the application', () => {
    assert.equal(patienceMs({ full: true }, limits), 1);
  });
});
