import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Credentials } from '../../../src/credentials/resolved.js';
import { Shared } from '../../../src/credentials/shared.js';

describe('Shared', () => {
  it('gives one object for one content, proven once, until its last use is given back', () => {
    const shared = new Shared();
    const [one, same] = [new Credentials('a', {}, []), new Credentials('a', {}, [])];
    let proofs = 0;
    const prove = (): void => void proofs++;
    assert.equal(shared.acquire(one, prove), one);
    assert.equal(shared.acquire(same, prove), one);
    assert.deepEqual([proofs, shared.size], [1, 1]);
    assert.deepEqual([shared.release(one), shared.release(one), shared.size], [false, true, 0]);
    assert.equal(shared.acquire(same, prove), same);
  });

  it('takes nothing that is refused', () => {
    const shared = new Shared();
    const refuse = (): never => {
      throw new Error('no');
    };
    assert.throws(() => shared.acquire(new Credentials('a', {}, []), refuse), /no/);
    assert.deepEqual([shared.size, shared.release(new Credentials('a', {}, []))], [0, false]);
  });
});
