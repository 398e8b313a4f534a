import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EmptyBuffer } from '../../../src/smtp/empty-buffer.js';

describe('EmptyBuffer', () => {
  it('is had by counting nothing in every place, and not otherwise', () => {
    assert.ok(EmptyBuffer.is(EmptyBuffer.prove(0, 0)));
    assert.deepEqual(EmptyBuffer.prove(0, 3, 4), { unread: 7 });
  });

  it('cannot be made up', () => {
    assert.equal(EmptyBuffer.is({ unread: 0 }), false);
    assert.throws(() => EmptyBuffer.is(Object.create(EmptyBuffer.prototype)), TypeError);
  });
});
