import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { expand } from '../../../src/credentials/expansion.js';

describe('expand', () => {
  it('tags what became of an option', () => {
    assert.deepEqual([expand('x'), expand(undefined)], [{ kind: 'value', value: 'x' }, { kind: 'unset' }]);
  });
});

describe('expand, SPEC §3: a value or nothing', () => {
  it('takes every value but undefined for one, also those that are false', () => {
    for (const value of ['', 0, false, null]) assert.deepEqual(expand<unknown>(value), { kind: 'value', value });
  });

  it('hands a Buffer on as it is, without a copy', () => {
    const given = Buffer.from('x');
    const expanded = expand(given);
    assert.ok(expanded.kind === 'value' && expanded.value === given);
  });
});
