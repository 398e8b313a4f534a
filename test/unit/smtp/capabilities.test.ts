import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { offeredCapabilities, parseCapabilities } from '../../../src/smtp/capabilities.js';

describe('capabilities', () => {
  it('of a server: any case, never from the greeting line (RFC 5321 §4.1.1.1)', () => {
    assert.deepEqual(
      [...parseCapabilities(['mx STARTTLS', 'Size 10', 'pipelining', ''])],
      [
        ['SIZE', '10'],
        ['PIPELINING', ''],
      ],
    );
  });

  it('of ours: STARTTLS last but one, hidden ones left out', () => {
    assert.deepEqual(offeredCapabilities(['STARTTLS'], 9, new Set(['PIPELINING', 'SIZE'])), [
      '8BITMIME',
      'ENHANCEDSTATUSCODES',
      'STARTTLS',
      'HELP',
    ]);
  });
});
