import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { type ConnectionOptions, connect, createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { TlsInfo } from '../../../src/inspect/tls-info.js';
import { TestAuthority } from '../../../src/testing/authority.js';

const authority = await TestAuthority.create();
const server = await authority.issue({ name: 'mx.test' });
const client = await authority.issue({ name: 'client one', names: [], kind: 'client' });

/** One handshake; the facts on both sides. */
async function handshake(
  serverOptions: TlsOptions,
  clientOptions: ConnectionOptions,
): Promise<{ ours: TlsInfo; theirs: TlsInfo }> {
  const listener = createServer({ cert: server.cert, key: server.key, ALPNProtocols: ['smtp'], ...serverOptions });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const accepted = once(listener, 'secureConnection') as Promise<[TLSSocket]>;
  const socket = connect({
    host: '127.0.0.1',
    port,
    servername: 'MX.test',
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
    ALPNProtocols: ['smtp'],
    ...clientOptions,
  });
  await once(socket, 'secureConnect');
  const theirs = TlsInfo.from(socket, {
    mode: 'starttls',
    checkIdentity: (leaf) => (leaf.checkHost('mx.test') ? null : 'NAME'),
  });
  const [peer] = await accepted;
  peer.on('error', () => {});
  const ours = TlsInfo.from(peer, { mode: 'on-connect' });
  socket.destroy();
  peer.destroy();
  listener.close();
  return { ours, theirs };
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
      const { ours, theirs } = await handshake({ maxVersion: version }, { ca: authority.ca });
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
      assert.deepEqual([typeof theirs.keyExchangeGroup, ours.keyExchangeGroup], ['string', undefined]);
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

  it('prints the name that a client asks for harmless and in lower case', async () => {
    const { ours } = await handshake({}, { servername: 'A\u001b[2J\u202eb' });
    assert.doesNotMatch(ours.sni ?? '', /[\p{Cc}\p{Cf}A-Z]/u);
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
  });

  it('writes its Received clause in both styles', async () => {
    const { ours } = await handshake({}, {});
    assert.equal(ours.receivedClause(), `tls ${ours.cipherStandardName}`);
    assert.equal(ours.receivedClause({ style: 'rfc8314' }), ours.receivedClause());
    assert.equal(ours.receivedClause({ style: 'exim' }), `(${ours.cipher})`);
  });
});
