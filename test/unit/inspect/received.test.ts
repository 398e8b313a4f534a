import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Reception, receivedHeader, tlsClause, transmissionType } from '../../../src/inspect/received.js';

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
      tls: { cipher: 'TLSv1.3:TLS_AES_256_GCM_SHA384:256', cipherStandardName: 'TLS_AES_256_GCM_SHA384' },
      id: 'abc1',
      recipient: 'b@y.test',
      date: new Date(0),
    });
    assert.equal(
      header,
      'Received: from me.test ([IPv6:2001:db8::1])\r\n\tby mx.test with ESMTPS\r\n\tid abc1 for <b@y.test>\r\n\ttls TLS_AES_256_GCM_SHA384;\r\n\tThu, 01 Jan 1970 00:00:00 +0000\r\n',
    );
    assert.equal(tlsClause({ cipher: 'c', cipherStandardName: 'X', keyExchangeGroup: 'X25519' }), 'tls X group X25519');
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

describe('receivedHeader, RFC 5321 §4.4', () => {
  const reception: Reception = {
    heloName: 'me.test',
    hostname: 'mx.test',
    transmissionType: 'ESMTPS',
    id: 'abc1',
    date: new Date(Date.UTC(2026, 0, 2, 3, 4, 5)),
  };
  const header = (more: Partial<Reception> = {}): string => receivedHeader({ ...reception, ...more });

  it('leaves out what is not known: address, TLS, recipient', () => {
    assert.equal(
      header(),
      'Received: from me.test\r\n\tby mx.test with ESMTPS\r\n\tid abc1;\r\n\tFri, 02 Jan 2026 03:04:05 +0000\r\n',
    );
  });

  it('writes an IPv4 address bare and an IPv6 address with its tag (RFC 5321 §4.1.3)', () => {
    assert.match(header({ peerAddress: '192.0.2.1' }), /^Received: from me\.test \(\[192\.0\.2\.1\]\)\r\n/);
    assert.match(header({ peerAddress: '2001:db8::1' }), /\(\[IPv6:2001:db8::1\]\)\r\n/);
  });

  it('keeps an address literal of HELO, and says unknown where a name is empty', () => {
    assert.match(header({ heloName: '[192.0.2.1]' }), /^Received: from \[192\.0\.2\.1\]\r\n/);
    assert.match(header({ heloName: '' }), /^Received: from unknown\r\n/);
  });

  it('has lines of at most 998 octets and only ASCII, whatever the peer says (RFC 5322 §2.1.1)', () => {
    const long = '\u{1f600}(é)<>"\\'.repeat(2_000);
    const text = header({
      heloName: long,
      peerAddress: long,
      transmissionType: long,
      id: long,
      recipient: long,
      tls: { cipher: long, cipherStandardName: long, keyExchangeGroup: long },
    });
    for (const line of text.split('\r\n')) assert.match(line, /^[\t\x20-\x7e]{0,998}$/);
    assert.equal(text.match(/[()]/g)?.length, 2);
    assert.equal(text.match(/[<>]/g)?.length, 2);
    assert.equal(text.match(/;/g)?.length, 1);
  });

  it('escapes nothing by a backslash or a quote: neither is left in it', () => {
    assert.doesNotMatch(header({ heloName: 'a"b\\c', recipient: '"a b"@y.test' }), /["\\]/);
  });
});

describe('tlsClause, RFC 8314 §4.3', () => {
  it('lets no name end it or begin another clause', () => {
    assert.equal(
      tlsClause({ cipher: 'c', cipherStandardName: 'A B\r\n', keyExchangeGroup: 'x;y' }),
      'tls A_B_u{d}_u{a} group x_y',
    );
  });
});

describe('transmissionType, RFC 3848, RFC 6531 §4.3', () => {
  it('has one word for each combination', () => {
    const words: string[] = [];
    for (let bits = 0; bits < 16; bits++) {
      words.push(
        transmissionType({ esmtp: !!(bits & 8), utf8: !!(bits & 4), tls: !!(bits & 2), authenticated: !!(bits & 1) }),
      );
    }
    assert.deepEqual(words, [
      ...Array<string>(8).fill('SMTP'),
      ...['ESMTP', 'ESMTPA', 'ESMTPS', 'ESMTPSA', 'UTF8SMTP', 'UTF8SMTPA', 'UTF8SMTPS', 'UTF8SMTPSA'],
    ]);
  });
});

describe('the Received header in the style of Exim 4.30', () => {
  it('tells TLS in a comment behind the protocol, and has no tls clause', () => {
    const header = receivedHeader(
      {
        heloName: 'me.test',
        hostname: 'mx.test',
        transmissionType: 'ESMTPS',
        tls: { cipher: 'TLSv1.3:TLS_AES_256_GCM_SHA384:256', cipherStandardName: 'TLS_AES_256_GCM_SHA384' },
        id: 'abc1',
        recipient: 'b@y.test',
        date: new Date(0),
      },
      { style: 'exim' },
    );
    assert.equal(
      header,
      'Received: from me.test\r\n\tby mx.test with ESMTPS (TLSv1.3:TLS_AES_256_GCM_SHA384:256)\r\n\tid abc1 for <b@y.test>;\r\n\tThu, 01 Jan 1970 00:00:00 +0000\r\n',
    );
  });

  it('lets no cipher end the comment', () => {
    assert.equal(tlsClause({ cipher: 'a) b (c', cipherStandardName: '' }, 'exim'), '(a__b__c)');
  });
});
