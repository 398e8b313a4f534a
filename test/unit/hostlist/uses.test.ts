import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HostList } from '../../../src/hostlist/host-list.js';
import type { HostMatch } from '../../../src/hostlist/host-match.js';
import { belongs, type HostListUse, unknownRule } from '../../../src/hostlist/uses.js';

const USES: readonly HostListUse[] = ['require', 'verify', 'avoid', 'advertise', 'permit'];
const match = (result: HostMatch['result']): HostMatch => ({
  result,
  item: null,
  index: -1,
  reason: '',
  unknown: false,
});

describe('belongs', () => {
  it('fails closed: undecided is in for those who must, out for those who are let off', () => {
    assert.deepEqual(
      USES.map((use) => belongs(match('defer'), use)),
      [true, true, false, true, false],
    );
  });

  it('is the answer where there is one', () => {
    for (const use of USES) assert.deepEqual([belongs(match('yes'), use), belongs(match('no'), use)], [true, false]);
  });

  it('takes what has not been asked yet for no answer: read as a no, it would let off who must', () => {
    const unasked = HostList.parse('*.mx.test').matchSync({ address: '192.0.2.1' });
    assert.equal(unasked.result, 'needs-names');
    assert.throws(() => belongs(unasked as unknown as HostMatch, 'require'), {
      code: 'ERR_TLS_SMTP_OPTION',
      option: 'match',
    });
    assert.throws(() => belongs(match('no'), 'requires' as HostListUse), { option: 'use', message: /require, verify/ });
  });
});

describe('unknownRule', () => {
  it('passes over what cannot be told only in lists of those who must do something', () => {
    assert.deepEqual(USES.map(unknownRule), ['require', 'require', 'other', 'other', 'other']);
  });
});
