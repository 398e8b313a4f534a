import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { recipientResult, statusOf } from '../../../src/client/result.js';

describe('what became of a recipient', () => {
  it('goes by the first digit of the reply (RFC 5321 §4.2.1)', () => {
    const statuses = [250, 251, 354, 450, 550].map((code) => recipientResult('a@b', { code, lines: ['x'] }).status);
    assert.deepEqual(statuses, ['delivered', 'delivered', 'deferred', 'deferred', 'failed']);
  });

  it('is one word for all where they agree, and partial where they do not', () => {
    const one = (code: number) => recipientResult('a@b', { code, lines: [] });
    assert.deepEqual(
      [statusOf([one(250), one(250)]), statusOf([one(550)]), statusOf([one(250), one(450)])],
      ['delivered', 'failed', 'partial'],
    );
  });
});
