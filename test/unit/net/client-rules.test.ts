import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ClientRules } from '../../../src/net/client-rules.js';
import { ServerTlsPolicy } from '../../../src/policy/server-policy.js';

const PEER = { address: '192.0.2.1' };
const MATERIAL = { certificate: 'x', verifyCertificates: 'x' };

describe('ClientRules', () => {
  it('answers without a promise where nothing has to be waited for', () => {
    const lists = { advertiseHosts: '!192.0.2.1 : *', requireHosts: '192.0.2.0/24' };
    const rules = new ClientRules(new ServerTlsPolicy({ ...MATERIAL, ...lists }), PEER);
    assert.deepEqual([rules.offered, rules.required, rules.duty], [false, true, 'required']);
    const unset = new ClientRules(new ServerTlsPolicy(MATERIAL), PEER);
    assert.deepEqual([unset.offered, unset.required, unset.duty], [true, false, 'optional']);
  });

  it('asks each list once in a connection, and knows the answer of a promise when it is there', async () => {
    const asked: string[] = [];
    const says = (name: string, answer: boolean) => async () => {
      asked.push(name);
      return answer;
    };
    const lists = { advertiseHosts: says('advertise', false), requireHosts: says('require', true) };
    const rules = new ClientRules(new ServerTlsPolicy({ ...MATERIAL, ...lists }), PEER);
    assert.equal(rules.duty, 'undecided');
    assert.equal(await rules.required, true);
    assert.deepEqual([rules.duty, rules.required], ['required', true]);
    assert.deepEqual([await rules.offered, await rules.offered], [false, false]);
    assert.deepEqual(asked, ['require', 'advertise']);
  });

  it('says who is asked for a certificate', async () => {
    const lists = { verifyHosts: '192.0.2.1', tryVerifyHosts: '*' };
    const policy = new ServerTlsPolicy({ ...MATERIAL, ...lists });
    const rule = (address: string): unknown => new ClientRules(policy, { address }).certificate;
    assert.deepEqual([rule('192.0.2.1'), rule('192.0.2.2')], ['verify', 'try']);
    assert.equal(new ClientRules(new ServerTlsPolicy(MATERIAL), PEER).certificate, 'none');
    const later = { verifyHosts: async () => false, tryVerifyHosts: async () => true };
    assert.equal(await new ClientRules(new ServerTlsPolicy({ ...MATERIAL, ...later }), PEER).certificate, 'try');
  });
});
