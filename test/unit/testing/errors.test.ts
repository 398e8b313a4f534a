import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DependencyMissingError } from '../../../src/testing/errors.js';

describe('DependencyMissingError', () => {
  it('says what to type, and keeps the packages and what Node said', () => {
    const cause = new Error('not found');
    const error = new DependencyMissingError(['a', 'b'], { cause });
    assert.deepEqual(
      [error.message, error.packages, error.cause],
      ['optional packages are missing, install them: npm install --save-dev a b', ['a', 'b'], cause],
    );
  });
});
