import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clientVerdict } from '../../../src/policy/verdict.js';

describe('clientVerdict, SPEC §5', () => {
  it('lets by who is not held to a certificate, whatever it showed', () => {
    for (const rule of ['none', 'try'] as const) {
      for (const certificate of ['none', 'unverified', 'verified'] as const) {
        for (const resumed of [false, true]) assert.equal(clientVerdict(rule, { certificate, resumed }), null);
      }
    }
  });

  it('where one must verify: only a certificate in hand, whose chain verified in this handshake', () => {
    const table = (['none', 'unverified', 'verified'] as const).flatMap((certificate) =>
      [false, true].map((resumed) => [certificate, resumed, clientVerdict('verify', { certificate, resumed })]),
    );
    assert.deepEqual(table, [
      ['none', false, 'NO_CERTIFICATE'],
      ['none', true, 'SESSION_RESUMED'],
      ['unverified', false, 'NOT_VERIFIED'],
      ['unverified', true, 'SESSION_RESUMED'],
      ['verified', false, null],
      ['verified', true, 'SESSION_RESUMED'],
    ]);
    const expired = { certificate: 'unverified', resumed: false, verifyError: 'CERT_HAS_EXPIRED' } as const;
    assert.equal(clientVerdict('verify', expired), 'CERT_HAS_EXPIRED');
  });
});
