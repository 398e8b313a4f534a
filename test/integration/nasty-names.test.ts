import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { TlsInfo } from '../../src/inspect/index.js';
import { receivedHeader } from '../../src/inspect/received.js';
import { HARMFUL, textsIn } from '../support/harmful.js';
import { NASTY_NAMES, type NastyName } from '../support/nasty-names.js';
import { OddAuthority } from '../support/odd-certificate.js';
import { tlsPair } from '../support/tls-pair.js';

const authority = await OddAuthority.create();
const plain = authority.issue({ kind: 'server', altNames: [{ type: 'dns', value: 'mx.test' }] });

describe('names that are made to do harm, through real handshakes', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    for (const nasty of NASTY_NAMES) {
      it(`${version}, a client's: ${nasty.what}`, async () => {
        const mine = authority.issue({ subject: nasty.subject });
        await using pair = await tlsPair(
          { ...plain, requestCert: true, ca: authority.ca, maxVersion: version },
          { cert: mine.cert, key: mine.key, servername: 'mx.test' },
        );
        hold(nasty, TlsInfo.from(pair.server), version);
      });

      it(`${version}, a server's: ${nasty.what}`, async () => {
        const mine = authority.issue({
          subject: nasty.subject,
          kind: 'server',
          altNames: [{ type: 'dns', value: 'mx.test' }],
        });
        await using pair = await tlsPair({ ...mine, maxVersion: version }, { servername: 'mx.test', ca: authority.ca });
        hold(nasty, TlsInfo.from(pair.client), version);
      });
    }
  }
});

/** Every way in which a name can be printed. */
function hold(nasty: NastyName, tls: TlsInfo, version: string): void {
  const subject = tls.peerCertificate?.subject;
  assert.deepEqual([tls.protocol, tls.certificate, tls.verifyError], [version, 'verified', undefined]);
  assert.deepEqual(subject?.get('CN'), nasty.commonNames);
  assert.equal(tls.peerDn, nasty.oneline ?? tls.peerDn);
  assert.equal(tls.peerDnRfc4514, nasty.rfc4514 ?? tls.peerDnRfc4514);
  assert.ok(tls.peerDn.length <= 1_024 && tls.peerDnRfc4514.length <= 1_024);

  const line = tls.logFields('+all');
  const name = nasty.subject.length === 0 ? '' : ` DN="${tls.peerDn}"`;
  assert.equal(line, `X=${tls.cipher} CV=yes${name} SNI=mx.test`);
  // Whoever reads the line finds as many quotes that are not escaped as we have written.
  assert.equal(line.replace(/\\./g, '').match(/"/g)?.length ?? 0, name === '' ? 0 : 2);

  const header = receivedHeader({
    heloName: tls.peerDn,
    hostname: 'mx.test',
    transmissionType: 'ESMTPS',
    tls,
    id: '1',
    recipient: tls.peerDnRfc4514,
    date: new Date(0),
  });
  assert.match(
    header,
    /^Received: from \S+\r\n\tby mx\.test with ESMTPS\r\n\tid 1 for <\S+>\r\n\ttls \S+( group \S+)?;\r\n\t[^\r\n]+\r\n$/,
  );
  assert.match(header, /^[\t\r\n\x20-\x7e]+$/);

  for (const text of [
    tls.peerDn,
    tls.peerDnRfc4514,
    line,
    `${subject}`,
    tls.receivedClause(),
    ...textsIn(tls.toJSON()),
  ]) {
    assert.doesNotMatch(text, HARMFUL);
    assert.ok(text.length <= 1_200);
  }
  assert.doesNotMatch(inspect(tls, { depth: 9 }).replaceAll('\n', ''), HARMFUL);
}
