import assert from 'node:assert/strict';
import type { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import type { TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { TlsSmtpError } from '../../src/errors.js';
import { CipherList, TlsInfo } from '../../src/inspect/index.js';
import { receivedHeader } from '../../src/inspect/received.js';
import { HARMFUL, textsIn } from '../support/harmful.js';

const RUNS = { numRuns: 2_000 };

/** Texts in which what does harm is common, and what parsers divide at. */
const hostile: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.constantFrom('\r\n', '\n', '\0', '\u001b[2J', '\u0085', '\u202e', '\u200b', '\u2028', '\ud83d', '\u{e0041}'),
      fc.constantFrom(
        '\\',
        '\\0A',
        '"',
        ', DNS:',
        ' + ',
        '=',
        'CN=',
        '/',
        '+',
        '^',
        '*',
        ':',
        '!',
        '-',
        '(',
        'x'.repeat(99),
      ),
    ),
    { maxLength: 30 },
  )
  .map((pieces) => pieces.join(''));

/** All that a peer has a say in, as Node would hand it over; more than Node ever lets through. */
const socket: fc.Arbitrary<TLSSocket> = fc
  .record({
    subject: hostile,
    issuer: hostile,
    subjectAltName: hostile,
    serialNumber: hostile,
    servername: fc.oneof(hostile, fc.constant(false)),
    alpnProtocol: hostile,
    group: hostile,
    code: hostile,
    authorized: fc.boolean(),
    isServer: fc.boolean(),
    resumed: fc.boolean(),
  })
  .map(({ servername, alpnProtocol, group, code, authorized, isServer, resumed, ...names }) => {
    const leaf: Partial<X509Certificate> = {
      ...names,
      validFrom: 'Jan  1 00:00:00 2026 GMT',
      validTo: names.subject,
      fingerprint256: 'AB:CD',
      raw: Buffer.from('x'),
      checkHost: () => undefined,
      checkIP: () => undefined,
    };
    const fake: { readonly [Name in keyof TLSSocket]?: unknown } & { readonly servername: unknown } = {
      getCipher: () => ({ name: 'AES128-SHA', standardName: 'TLS_RSA_WITH_AES_128_CBC_SHA', version: 'SSLv3' }),
      getProtocol: () => 'TLSv1.2',
      getPeerX509Certificate: () => leaf,
      getEphemeralKeyInfo: () => (isServer ? null : { name: group }),
      isSessionReused: () => resumed,
      authorized,
      authorizationError: authorized ? null : code,
      servername,
      alpnProtocol,
    };
    return fake as unknown as TLSSocket;
  });

describe('inspect, SPEC §4 and §8: whatever a peer says', () => {
  it('no fact, no log line and no clause holds a character that does harm, and each is bounded', () => {
    fc.assert(
      fc.property(socket, (peer) => {
        const tls = TlsInfo.from(peer);
        const { subject, issuer, subjectAltNames = [] } = tls.peerCertificate ?? {};
        const printed = [
          ...textsIn(tls.toJSON()),
          ...subjectAltNames,
          `${subject}`,
          `${issuer}`,
          subject?.toOneline() ?? '',
          issuer?.toOneline() ?? '',
          tls.logFields('+all'),
          tls.receivedClause(),
          tls.receivedClause({ style: 'exim', esmtp: true }),
        ];
        for (const text of printed) {
          assert.doesNotMatch(text, HARMFUL);
          assert.ok(text.length <= 1_500, text);
        }
      }),
      RUNS,
    );
  });

  it('no name ends the quotes of a log line', () => {
    fc.assert(
      fc.property(socket, (peer) => {
        const bare = TlsInfo.from(peer).logFields('+all').replace(/\\./g, '');
        const quotes = bare.match(/"/g)?.length ?? 0;
        assert.equal(quotes, bare.includes(' DN=') ? 2 : 0);
      }),
      RUNS,
    );
  });

  it('a header in either style is one header of printable ASCII', () => {
    fc.assert(
      fc.property(socket, hostile, hostile, fc.constantFrom('rfc8314', 'exim'), (peer, heloName, recipient, style) => {
        const tls = TlsInfo.from(peer);
        const reception = { heloName, recipient, hostname: 'mx.test', transmissionType: 'ESMTPS', tls, id: '1' };
        const header = receivedHeader({ ...reception, date: new Date(0) }, { style });
        assert.match(header, /^Received: [\x20-\x7e]+\r\n(?:\t[\x20-\x7e]+\r\n)+$/);
        assert.equal(header.match(/[()<>;]/g)?.join(''), style === 'exim' ? '()<>;' : '<>;');
      }),
      RUNS,
    );
  });

  it('no error that is thrown holds one either', () => {
    fc.assert(
      fc.property(socket, hostile, (peer, text) => {
        const tls = TlsInfo.from(peer);
        for (const act of [
          () => tls.logFields(text),
          () => tls.encrypted(text),
          () => CipherList.parse([text, text]),
        ]) {
          try {
            act();
          } catch (error) {
            assert.ok(error instanceof TlsSmtpError, String(error));
            assert.doesNotMatch(error.message, HARMFUL);
            assert.ok(error.message.length <= 500);
          }
        }
      }),
      RUNS,
    );
  });
});
