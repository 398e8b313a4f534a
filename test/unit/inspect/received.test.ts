import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { receivedHeader, tlsClause, transmissionType } from '../../../src/inspect/received.js';

describe('the Received header', () => {
  it('names how the message came (RFC 3848, RFC 6531 §4.3)', () => {
    const flags = [
      [1, 0, 0, 0],
      [1, 1, 0, 0],
      [1, 0, 1, 0],
      [1, 1, 1, 0],
      [1, 1, 1, 1],
      [0, 1, 0, 0],
    ] as const;
    const types = flags.map(([esmtp, tls, authenticated, utf8]) =>
      transmissionType({ esmtp: !!esmtp, tls: !!tls, authenticated: !!authenticated, utf8: !!utf8 }),
    );
    assert.deepEqual(types, ['ESMTP', 'ESMTPS', 'ESMTPA', 'ESMTPSA', 'UTF8SMTPSA', 'SMTP']);
  });

  it('is folded, and tells the suite (RFC 8314 §4.3)', () => {
    const header = receivedHeader({
      heloName: 'me.test',
      peerAddress: '2001:db8::1',
      hostname: 'mx.test',
      transmissionType: 'ESMTPS',
      tls: { cipherStandardName: 'TLS_AES_256_GCM_SHA384' },
      id: 'abc1',
      recipient: 'b@y.test',
      date: new Date(0),
    });
    assert.equal(
      header,
      'Received: from me.test ([IPv6:2001:db8::1])\r\n\tby mx.test with ESMTPS\r\n\ttls TLS_AES_256_GCM_SHA384\r\n\tid abc1 for <b@y.test>;\r\n\tThu, 01 Jan 1970 00:00:00 +0000\r\n',
    );
    assert.equal(tlsClause({ cipherStandardName: 'X', keyExchangeGroup: 'X25519' }), 'tls X group X25519');
  });

  it('lets no peer text end a line, a comment or the header', () => {
    const header = receivedHeader({
      heloName: 'a) by evil;\r\nBcc: x',
      hostname: 'mx',
      transmissionType: 'SMTP',
      id: '1',
      recipient: 'a>\r\nX: y',
      date: new Date(0),
    });
    assert.deepEqual(
      header.split('\r\n').map((line) => /^(Received: |\t|$)/.test(line)),
      [true, true, true, true, true],
    );
    assert.doesNotMatch(header, /[;)] by evil|\nBcc|\nX:/);
  });
});
