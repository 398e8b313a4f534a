import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HandlerFailedError, PlaintextAfterStartTlsError } from '../../../src/net/starttls-errors.js';

describe('errors of STARTTLS', () => {
  it('count what a peer injected, and keep what an application threw out of their words', () => {
    assert.equal(new PlaintextAfterStartTlsError(7).discardedOctets, 7);
    const error = new HandlerFailedError('onStartTls', new Error('secret'));
    assert.deepEqual(
      [error.message, (error.cause as Error).message],
      ['onStartTls failed with something other than a rejection', 'secret'],
    );
  });
});
