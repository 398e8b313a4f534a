import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Credentials } from '../../../src/credentials/resolved.js';
import { emptyContext, secureContextOf } from '../../../src/credentials/secure-context.js';

describe('secureContextOf', () => {
  it('builds once for the same credentials, and again for others', () => {
    const [one, other] = [new Credentials('a', { ca: [] }, []), new Credentials('a', { ca: [] }, [])];
    assert.equal(secureContextOf(one), secureContextOf(one));
    assert.notEqual(secureContextOf(one), secureContextOf(other));
  });
});

describe('emptyContext', () => {
  it('is one for all', () => {
    assert.equal(emptyContext(), emptyContext());
  });
});
