import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Arrival, arrivalLine } from '../../../src/inspect/arrival-line.js';

const arrival: Arrival = {
  sender: 'a@x.test',
  heloName: 'client.test',
  peerAddress: '192.0.2.1',
  transmissionType: 'ESMTPSA',
  tls: { cipher: 'TLSv1.3:X:256', certificateVerified: false, peerDn: '/CN=c', sni: 'mx.test', resumed: false },
  authenticated: { method: 'PLAIN', user: 'tim' },
  octets: 1_234,
};

describe('arrivalLine', () => {
  it('writes what Exim writes, in its order', () => {
    assert.equal(
      arrivalLine(arrival),
      '<= a@x.test H=(client.test) [192.0.2.1] P=esmtpsa X=TLSv1.3:X:256 CV=no A=plain:tim S=1234',
    );
    assert.equal(
      arrivalLine({ sender: '', heloName: 'c', transmissionType: 'SMTP', octets: 0 }),
      '<= <> H=(c) P=smtp S=0',
    );
  });

  it('takes the selectors of TLS fields', () => {
    assert.match(arrivalLine(arrival, '-all +tls_sni'), / P=esmtpsa SNI=mx\.test A=plain:tim /);
    assert.throws(() => arrivalLine(arrival, '+nothing'), { code: 'ERR_TLS_SMTP_OPTION' });
  });

  it('lets no text of a peer make a field, end the line or move a cursor', () => {
    const hostile = fc
      .array(
        fc.oneof(
          fc.constantFrom(' ', ' S=0', '\r\n', '\u001b[2J', '\u202e', '"', ')', ' [192.0.2.9]'),
          fc.string({ unit: 'binary' }),
        ),
        { maxLength: 8 },
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(hostile, hostile, hostile, (sender, heloName, user) => {
        const line = arrivalLine({ ...arrival, sender, heloName, authenticated: { method: 'LOGIN', user } });
        assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
        const names = line.split(' ').map((word) => /^(?:<=|\[|[A-Z]+=)?/.exec(word)?.[0]);
        assert.deepEqual(names.toSpliced(1, 1), ['<=', 'H=', '[', 'P=', 'X=', 'CV=', 'A=', 'S=']);
      }),
      { numRuns: 2_000 },
    );
  });
});
