import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { TICKET_KEY_MS } from '../../src/net/ticket-keys.js';
import { HeldTls } from '../support/held-tls.js';
import { clientHello, RawClient, sleep } from '../support/raw-client.js';
import { readServerHello, type ServerHello, withCompression } from '../support/server-hello.js';
import { tlsPair } from '../support/tls-pair.js';
import { visited } from '../support/visits.js';
import { type RunningServer, startServer, testIdentity } from '../support/with-server.js';

const { authority, issued } = await testIdentity();
const rsa = await authority.issue({ name: 'mx.test', key: 'rsa' });
const both = { certificate: [rsa.cert, issued.cert], privateKey: [rsa.key, issued.key] };

const WEAK_SUITES = ['NULL-SHA256', 'ECDHE-RSA-NULL-SHA', 'AECDH-AES128-SHA', 'AES256-SHA', 'AES128-GCM-SHA256'];
const SUITE = 'ECDHE-RSA-AES128-GCM-SHA256';

/** What a client offers that takes anything itself. */
const offering = (suite: string): ConnectionOptions => ({ maxVersion: 'TLSv1.2', ciphers: `${suite}:@SECLEVEL=0` });
const sha = (bits: 1 | 256): ConnectionOptions => ({ ...offering(SUITE), sigalgs: `RSA+SHA${bits}` });

const RENEGOTIATION_INFO = 0xff01;
const EXTENDED_MASTER_SECRET = 0x0017;
/** Types of TLS records. */
const [ALERT, APPLICATION_DATA] = [21, 23];

/** What the server answers to a ClientHello of TLS 1.2, in clear. */
async function answerTo(running: RunningServer, hello: Buffer): Promise<ServerHello> {
  await using client = await RawClient.connect(running.tlsPort);
  await client.send(hello);
  for (let round = 0; client.clearText === '' && round < 400; round++) await sleep(5);
  return readServerHello(Buffer.concat(client.clear));
}

/** @returns what is agreed with a client that has so much to offer, or `refused` */
async function agreed(running: RunningServer, offer: ConnectionOptions): Promise<string> {
  try {
    await using client = await RawClient.connectTls(running.tlsPort, { ...running.trust, ...offer });
    return `${client.tls?.getProtocol()} ${client.tls?.getCipher().name}`;
  } catch {
    return 'refused';
  }
}

describe('TLS, by RFC 9325', { timeout: 120_000 }, () => {
  it('[R56] TLS 1.3 is agreed where the client has it, whatever it would rather have', async () => {
    await using running = await startServer();
    for (const ciphers of ['ECDHE-ECDSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256', 'DEFAULT']) {
      assert.match(await agreed(running, { ciphers }), /^TLSv1\.3 /);
    }
  });

  it('[R61] compression is not taken from a client that offers it', async () => {
    await using running = await startServer();
    const hello = withCompression(await clientHello('TLSv1.2'));
    assert.equal((await answerTo(running, hello)).compression, 0);
  });

  it('[R64] TLS 1.2 has secure renegotiation and the extended master secret', async () => {
    await using running = await startServer();
    const { extensions } = await answerTo(running, await clientHello('TLSv1.2'));
    assert.ok(extensions.includes(RENEGOTIATION_INFO));
    assert.ok(extensions.includes(EXTENDED_MASTER_SECRET));
  });

  it('[R63] a resumed session of TLS 1.3 has a new key exchange (psk_dhe_ke)', async () => {
    await using running = await startServer();
    // a hybrid group has other facts, or none, on later versions of Node
    const offer: ConnectionOptions = { ...running.trust, minVersion: 'TLSv1.3', ecdhCurve: 'X25519' };
    await using first = await RawClient.connect(running.tlsPort);
    let session: Buffer | undefined;
    (await first.upgrade(offer)).on('session', (ticket) => {
      session = ticket;
    });
    await first.reply();
    await first.ask('EHLO client.test');
    assert.ok(session !== undefined);
    await using second = await RawClient.connectTls(running.tlsPort, { ...offer, session });
    assert.equal(second.tls?.isSessionReused(), true);
    assert.deepEqual({ ...second.tls?.getEphemeralKeyInfo() }, { type: 'ECDH', name: 'X25519', size: 253 });
  });

  it('[R62] without tls.ticketSecret too ticket keys are replaced: a session of before takes a full handshake', async (t) => {
    await using running = await startServer();
    const visit = async (session?: Buffer): Promise<{ resumed: boolean; ticket: Buffer | undefined }> => {
      await using client = await RawClient.connect(running.tlsPort);
      const tls = await client.upgrade({ ...running.trust, ...(session !== undefined && { session }) });
      let ticket: Buffer | undefined;
      tls.on('session', (one) => {
        ticket = one;
      });
      await client.reply();
      await client.ask('EHLO client.test');
      return { resumed: tls.isSessionReused(), ticket };
    };
    const begun = Date.now();
    const first = await visit();
    assert.equal((await visit(first.ticket)).resumed, true);
    t.mock.method(Date, 'now', () => begun + TICKET_KEY_MS);
    const next = await visit(first.ticket);
    assert.equal(next.resumed, false);
    assert.equal((await visit(next.ticket)).resumed, true);
  });

  it('[S43, R67] ALPN: smtp is agreed, foreign protocols alone are refused, who offers none is served', async () => {
    await using set = await visited();
    const table: Record<string, string> = {};
    for (const offer of [['smtp'], ['http/1.1'], ['h2', 'http/1.1'], ['smtp', 'http/1.1'], ['smtp', 'smtp'], []]) {
      const known = set.secured.length;
      const heard = await set.visit(offer.length === 0 ? {} : { ALPNProtocols: offer });
      table[offer.join()] = [heard.replace(/;.*/, ''), ...set.secured.slice(known).map(({ alpn }) => alpn)].join(' ');
    }
    assert.deepEqual(table, {
      smtp: '250 none smtp',
      'http/1.1': 'nothing',
      'h2,http/1.1': 'nothing',
      'smtp,http/1.1': '250 none smtp',
      'smtp,smtp': '250 none smtp',
      '': '250 none ',
    });
  });

  it('[R69] suites without encryption, without a certificate or without forward secrecy are not agreed', async () => {
    await using running = await startServer({ tls: both });
    for (const suite of WEAK_SUITES) assert.equal(await agreed(running, offering(suite)), 'refused', suite);
  });

  it('negative control: a server that takes any suite agrees to each of them', async () => {
    for (const suite of WEAK_SUITES) {
      const server = { cert: rsa.cert, key: rsa.key, ciphers: 'ALL:eNULL:aNULL:@SECLEVEL=0' };
      await using pair = await tlsPair(server, offering(suite));
      assert.equal(pair.client.getCipher().name, suite);
    }
  });

  it('[R70] ECDHE with AES-GCM is there for certificates of both kinds', async () => {
    await using running = await startServer({ tls: both });
    for (const key of ['ECDSA', 'RSA']) {
      for (const suite of [`ECDHE-${key}-AES128-GCM-SHA256`, `ECDHE-${key}-AES256-GCM-SHA384`]) {
        assert.equal(await agreed(running, { ciphers: suite, maxVersion: 'TLSv1.2' }), `TLSv1.2 ${suite}`);
      }
    }
  });

  it('[R71] no handshake is signed with SHA-1 or MD5', async () => {
    await using running = await startServer({ tls: { certificate: rsa.cert, privateKey: rsa.key } });
    assert.deepEqual([await agreed(running, sha(1)), await agreed(running, sha(256))], ['refused', `TLSv1.2 ${SUITE}`]);
  });

  it('negative control: a server of security level 0 signs with SHA-1', async () => {
    const server = { cert: rsa.cert, key: rsa.key, ciphers: 'DEFAULT:@SECLEVEL=0', sigalgs: 'RSA+SHA1' };
    await using pair = await tlsPair(server, sha(1));
    assert.equal(pair.client.getCipher().name, SUITE);
  });

  it('[R74] the server ends TLS with a close_notify before it closes', async () => {
    await using running = await startServer();
    using client = await HeldTls.greeted(running.tlsPort, { ...running.trust, maxVersion: 'TLSv1.2' });
    await client.ask('QUIT');
    await client.untilClosed();
    const records = Buffer.concat(client.received);
    const types: number[] = [];
    for (let at = 0; at < records.length; at += 5 + records.readUInt16BE(at + 3)) types.push(records[at] ?? 0);
    assert.deepEqual(types.slice(-2), [APPLICATION_DATA, ALERT]);
  });
});
