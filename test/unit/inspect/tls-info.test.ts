import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConnectionOptions, TlsOptions } from 'node:tls';
import { OptionError } from '../../../src/errors.js';
import { CipherList } from '../../../src/inspect/cipher-list.js';
import { CipherListSyntaxError } from '../../../src/inspect/errors.js';
import { TlsInfo } from '../../../src/inspect/tls-info.js';
import { TestAuthority } from '../../../src/testing/authority.js';
import { tlsPair } from '../../support/tls-pair.js';

const authority = await TestAuthority.create();
const server = await authority.issue({ name: 'mx.test' });
const client = await authority.issue({ name: 'client one', names: [], kind: 'client' });

/** One handshake; the facts on both sides. The client judges nothing itself, and asks for a name in capitals. */
async function handshake(
  serverOptions: TlsOptions,
  clientOptions: ConnectionOptions,
): Promise<{ ours: TlsInfo; theirs: TlsInfo }> {
  await using pair = await tlsPair(
    { cert: server.cert, key: server.key, ALPNProtocols: ['smtp'], ...serverOptions },
    { servername: 'MX.test', ALPNProtocols: ['smtp'], ...clientOptions },
  );
  const theirs = TlsInfo.from(pair.client, {
    mode: 'starttls',
    checkIdentity: (leaf) => (leaf.checkHost('mx.test') ? null : 'NAME'),
  });
  return { ours: TlsInfo.from(pair.server), theirs };
}

describe('TlsInfo', () => {
  it('tells the facts of a handshake on both sides', async () => {
    const { ours, theirs } = await handshake({}, { ca: authority.ca });
    assert.deepEqual(
      [
        ours.protocol,
        ours.cipher,
        ours.bits,
        ours.sni,
        ours.alpn,
        ours.mode,
        ours.certificate,
        ours.peerDn,
        ours.keyExchangeGroup,
      ],
      ['TLSv1.3', 'TLSv1.3:TLS_AES_256_GCM_SHA384:256', 256, 'mx.test', 'smtp', 'on-connect', 'none', '', undefined],
    );
    assert.deepEqual(
      [theirs.certificate, theirs.certificateVerified, theirs.peerDn, theirs.peerDnRfc4514, theirs.resumed],
      ['verified', true, '/CN=mx.test', 'CN=mx.test', false],
    );
    assert.equal(theirs.receivedClause({ style: 'exim' }), '(TLSv1.3:TLS_AES_256_GCM_SHA384:256)');
    assert.ok(Object.isFrozen(theirs));
    assert.doesNotMatch(JSON.stringify(theirs), /"der"/);
  });

  it('calls a certificate unverified with the code that says why', async () => {
    const untrusted = await handshake({}, {});
    assert.deepEqual(
      [untrusted.theirs.certificate, untrusted.theirs.verifyError],
      ['unverified', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    );
    const wrong = await authority.issue({ name: 'mx.test', flaw: 'wrong-name' });
    const misnamed = await handshake({ cert: wrong.cert, key: wrong.key }, { ca: authority.ca });
    assert.deepEqual([misnamed.theirs.certificate, misnamed.theirs.verifyError], ['unverified', 'NAME']);
  });

  it('tells on the server whether a client certificate came and verified', async () => {
    const ask = { requestCert: true, rejectUnauthorized: false, ca: authority.ca };
    const good = await handshake(ask, { cert: client.cert, key: client.key });
    const stranger = await (await TestAuthority.create()).issue({ name: 'x', kind: 'client' });
    const bad = await handshake(ask, { cert: stranger.cert, key: stranger.key });
    const none = await handshake(ask, {});
    assert.deepEqual(
      [good, bad, none].map(({ ours }) => ours.certificate),
      ['verified', 'unverified', 'none'],
    );
    assert.equal(good.ours.peerDn, '/CN=client one');
  });
});

describe('TlsInfo, SPEC §4: on TLS 1.2 and 1.3', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`${version}: both sides name the same suite, by both its names`, async () => {
      // Node 22 has no name for the group that it prefers itself, X25519MLKEM768.
      const { ours, theirs } = await handshake({ maxVersion: version, ecdhCurve: 'X25519' }, { ca: authority.ca });
      const suite = ({ protocol, cipher, cipherName, cipherStandardName, bits }: TlsInfo): unknown => [
        protocol,
        cipher,
        cipherName,
        cipherStandardName,
        bits,
      ];
      assert.deepEqual(suite(ours), suite(theirs));
      assert.equal(ours.protocol, version);
      assert.match(ours.cipherStandardName, /^TLS_/);
      assert.equal(ours.cipher, `${version}:${ours.cipherName}:${ours.bits}`);
      assert.deepEqual([theirs.keyExchangeGroup, ours.keyExchangeGroup], ['X25519', undefined]);
    });
  }

  it('knows neither name nor protocol where the client offers none', async () => {
    const { ours } = await handshake({}, { servername: '', ALPNProtocols: [] });
    assert.deepEqual([ours.sni, ours.alpn, ours.verifyError], [undefined, undefined, undefined]);
  });

  it('has no property for what is not known: `sni?` is absent, not undefined (exactOptionalPropertyTypes)', async () => {
    const { ours } = await handshake({}, { servername: '', ALPNProtocols: [] });
    const optional = ['keyExchangeGroup', 'peerCertificate', 'verifyError', 'sni', 'alpn'];
    assert.deepEqual(
      optional.filter((name) => name in ours || name in ours.toJSON()),
      [],
    );
  });

  it('sni is a host name in lower case without a dot at its end, or absent (RFC 6066 §3)', async () => {
    const names = [
      'MX.Test.',
      'mx.test',
      'A\u001b[2J\u202eb',
      'a b',
      '../etc',
      '*.test',
      'mx.test..',
      `${'a'.repeat(250)}.test`,
    ];
    const seen: unknown[] = [];
    for (const servername of names) {
      const { ours, theirs } = await handshake({}, { servername });
      seen.push([ours.sni, theirs.sni]);
    }
    const none = [undefined, undefined];
    assert.deepEqual(seen, [['mx.test', 'mx.test'], ['mx.test', 'mx.test'], none, none, none, none, none, none]);
  });

  it('verified needs our own name check too, on a certificate that OpenSSL takes', async () => {
    const { theirs } = await handshake({ cert: client.cert, key: client.key }, { ca: authority.ca });
    assert.deepEqual([theirs.certificate, theirs.certificateVerified], ['unverified', false]);
  });

  it('an expired certificate is unverified, with OpenSSL’s code', async () => {
    const old = await authority.issue({ name: 'mx.test', flaw: 'expired' });
    const { theirs } = await handshake({ cert: old.cert, key: old.key }, { ca: authority.ca });
    assert.deepEqual([theirs.certificate, theirs.verifyError], ['unverified', 'CERT_HAS_EXPIRED']);
  });

  it('is JSON without DER, with names as text', async () => {
    const { theirs } = await handshake({}, { ca: authority.ca });
    const json = JSON.parse(JSON.stringify(theirs));
    assert.equal(json.peerCertificate.subject, 'CN=mx.test');
    assert.equal(json.cipher, theirs.cipher);
    assert.ok(!('der' in json.peerCertificate));
    assert.equal(json.certificateVerified, true);
  });

  it('encrypted() asks a list, on both sides and both versions', async () => {
    for (const [ciphers, list, other] of [
      ['TLS_AES_128_GCM_SHA256', 'tls_aes_128_gcm_sha256', 'TLS_AES_256_GCM_SHA384'],
      ['ECDHE-ECDSA-AES256-GCM-SHA384', 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'AES256-GCM-SHA384'],
    ] as const) {
      const version = ciphers.startsWith('TLS_') ? 'TLSv1.3' : 'TLSv1.2';
      for (const info of Object.values(await handshake({ ciphers, maxVersion: version, minVersion: version }, {}))) {
        const answers = [ciphers, list, '*', `!${ciphers}`, other, [other, ciphers]].map((one) => info.encrypted(one));
        assert.deepEqual(answers, [true, true, true, false, false, true]);
        assert.equal(info.encrypted(CipherList.parse(list)), true);
        assert.throws(() => info.encrypted('HIGH'), CipherListSyntaxError);
      }
    }
  });

  it('writes its Received clause in both styles, and with the keyword of RFC 3848 on request', async () => {
    const { ours } = await handshake({}, {});
    assert.deepEqual(
      [
        ours.receivedClause(),
        ours.receivedClause({ style: 'exim' }),
        ours.receivedClause({ esmtp: true }),
        ours.receivedClause({ esmtp: true, authenticated: true, style: 'exim' }),
        ours.receivedClause({ authenticated: true, utf8: true }),
        ours.receivedClause({ esmtp: false }),
      ],
      [
        'tls TLS_AES_256_GCM_SHA384',
        '(TLSv1.3:TLS_AES_256_GCM_SHA384:256)',
        'with ESMTPS tls TLS_AES_256_GCM_SHA384',
        'with ESMTPSA (TLSv1.3:TLS_AES_256_GCM_SHA384:256)',
        'with UTF8SMTPSA tls TLS_AES_256_GCM_SHA384',
        'with SMTP tls TLS_AES_256_GCM_SHA384',
      ],
    );
    const options: readonly object[] = [{ style: 'rfc' }, { stile: 'exim' }];
    for (const wrong of options) assert.throws(() => ours.receivedClause(wrong), OptionError);
  });

  it('writes its log fields as Exim does', async () => {
    const { ours, theirs } = await handshake({}, { ca: authority.ca });
    assert.equal(ours.logFields(), `X=${ours.cipher} CV=no`);
    assert.equal(theirs.logFields('+tls_peerdn +tls_sni'), `X=${ours.cipher} CV=yes DN="/CN=mx.test" SNI=mx.test`);
  });

  it('gives out copies: what is changed in them changes no fact', async () => {
    const { theirs } = await handshake({}, { ca: authority.ca });
    const facts = JSON.stringify([theirs, theirs.peerCertificate?.der.toString('hex')]);
    theirs.peerCertificate?.der.fill(0);
    theirs.peerCertificate?.validFrom.setTime(0);
    theirs.peerCertificate?.validTo.setTime(0);
    assert.equal(JSON.stringify([theirs, theirs.peerCertificate?.der.toString('hex')]), facts);
  });
});

describe('TlsInfo.from() without a context: the name check of a client', () => {
  const facts = async (names: readonly string[], options: ConnectionOptions): Promise<unknown[]> => {
    const { cert, key } = await authority.issue({ name: names[0] ?? '', names });
    await using pair = await tlsPair({ cert, key }, { ca: authority.ca, ...options });
    const { certificate, verifyError, mode } = TlsInfo.from(pair.client);
    return [certificate, verifyError, mode];
  };
  const verified = ['verified', undefined, 'on-connect'];
  const misnamed = ['unverified', 'ERR_TLS_CERT_ALTNAME_INVALID', 'on-connect'];

  it('is against the name that it asked for', async () => {
    assert.deepEqual(await facts(['mx.test'], { servername: 'MX.test.' }), verified);
    assert.deepEqual(await facts(['other.test'], { servername: 'mx.test' }), misnamed);
    assert.deepEqual(await facts(['mx.test'], { servername: 'mx test' }), misnamed);
  });

  it('is against the address that it is connected to where it asked for no name', async () => {
    assert.deepEqual(await facts(['127.0.0.1'], {}), verified);
    assert.deepEqual(await facts(['mx.test', '127.0.0.2'], {}), misnamed);
  });

  it('is not made on a server: a client certificate names whom it likes', async () => {
    const { ours } = await handshake({ requestCert: true, ca: authority.ca }, { cert: client.cert, key: client.key });
    assert.deepEqual([ours.certificate, ours.sni, ours.peerDn], ['verified', 'mx.test', '/CN=client one']);
  });

  it('refuses an option that it does not know, and a socket without TLS, in words', async () => {
    await using pair = await tlsPair({ cert: server.cert, key: server.key }, {});
    const wrong: readonly object[] = [{ checkIdentiti: () => null }, { mode: 'smtps' }];
    for (const context of wrong) assert.throws(() => TlsInfo.from(pair.client, context), OptionError);
    pair.client.destroy();
    assert.throws(
      () => TlsInfo.from(pair.client),
      (error) => error instanceof OptionError && error.option === 'socket',
    );
  });
});
