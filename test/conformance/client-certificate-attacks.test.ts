import assert from 'node:assert/strict';
import { randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { rename, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { type ConnectionOptions, connect, createServer, type TlsOptions } from 'node:tls';
import { reject } from '../../src/policy/index.js';
import { TestAuthority } from '../../src/testing/authority.js';
import { RawClient, sleep, within } from '../support/raw-client.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { visited } from '../support/visits.js';
import { startServer, testIdentity } from '../support/with-server.js';

const { authority, issued } = await testIdentity();
const good = await authority.issue({ name: 'client one', names: [], kind: 'client' });
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
const NODE = Number(process.versions.node.split('.', 1)[0]);

/** What an attacker saw, and what he took away for the next time. */
interface Raid {
  readonly session: Buffer | undefined;
  readonly resumed: boolean;
  /** Whether the server said anything to him behind the handshake. */
  readonly served: boolean;
}

/** A handshake with a listener on which TLS comes first; a ticket is waited for. */
function raid(port: number, options: ConnectionOptions & { readonly localAddress?: string }): Promise<Raid> {
  const attack = new Promise<Raid>((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', ca: authority.ca, servername: 'mx.test', ...options });
    let session: Buffer | undefined;
    let resumed = false;
    socket.on('session', (ticket) => {
      session = ticket;
    });
    socket.on('secureConnect', () => {
      resumed = socket.isSessionReused();
    });
    socket.once('data', async () => {
      await sleep(30); // TLS 1.3: a ticket may come behind it
      session ??= socket.destroyed ? undefined : socket.getSession();
      resolve({ session, resumed, served: true });
      socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve({ session, resumed, served: false }));
  });
  return within(attack, 'the end of a handshake');
}

/**
 * What ours would be without its rules: clients are asked for certificates and given tickets, one policy is like another
 * to a ticket, and the word of the stack counts. @returns the port, and what it thought of each client
 */
async function weakServer(options: TlsOptions): Promise<{ port: number; thought: string[]; close: () => void }> {
  const thought: string[] = [];
  const server = createServer({
    cert: issued.cert,
    key: issued.key,
    ca: authority.ca,
    rejectUnauthorized: false,
    sessionIdContext: 'one for all',
    ...options,
  });
  server.on('secureConnection', (socket) => {
    thought.push(socket.authorized ? 'authorized' : 'not authorized');
    socket.on('error', () => {}).write('220 weak.test\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, thought, close: () => void server.close() };
}

describe('S19, finding 1: a client without a certificate keeps its ticket and comes again', {
  timeout: 120_000,
}, () => {
  for (const maxVersion of VERSIONS) {
    it(`it is not resumed, and is as unverified as before (${maxVersion})`, async () => {
      await using set = await visited({ tryVerifyHosts: '*' });
      const { session } = await raid(set.running.tlsPort, { maxVersion });
      const again = await raid(set.running.tlsPort, { maxVersion, ...(session && { session }) });
      await set.running.quiet();
      assert.deepEqual([again.resumed, again.served], [false, true]);
      assert.deepEqual(
        set.secured.map(({ certificate, resumed }) => [certificate, resumed]),
        [
          ['none', false],
          ['none', false],
        ],
      );
    });

    it(`the session of a client that was verified is not resumed either (${maxVersion})`, async () => {
      await using set = await visited({ verifyHosts: '*' });
      const { session } = await raid(set.running.tlsPort, { maxVersion, ...good });
      const again = await raid(set.running.tlsPort, { maxVersion, ...(session && { session }) });
      await set.running.quiet();
      assert.deepEqual([again.resumed, again.served], [false, false]);
      assert.deepEqual(
        [set.secured.length, set.running.errors.map(({ error }) => Reflect.get(error, 'nodeCode'))],
        [1, ['ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE']],
      );
    });
  }

  it('negative control: a server without the rule resumes it, and Node up to 22 calls it authorized', async () => {
    const weak = await weakServer({ requestCert: true });
    const { session } = await raid(weak.port, { maxVersion: 'TLSv1.3' });
    assert.ok(session);
    const again = await raid(weak.port, { maxVersion: 'TLSv1.3', session });
    weak.close();
    assert.equal(again.resumed, true);
    assert.deepEqual(weak.thought, ['not authorized', NODE < 24 ? 'authorized' : 'not authorized']);
  });
});

describe('S19, finding 2: a session of one policy is shown to another', { timeout: 120_000 }, () => {
  for (const maxVersion of VERSIONS) {
    for (const [policy, elsewhere] of [
      ['that asks for nothing', {}],
      ['that only tries', { tryVerifyHosts: '127.0.0.2' }],
    ] as const) {
      it(`a session of a policy ${policy} opens none that must verify (${maxVersion})`, async () => {
        await using set = await visited({ verifyHosts: '127.0.0.1', ...elsewhere });
        const { session, served } = await raid(set.running.tlsPort, { maxVersion, localAddress: '127.0.0.2' });
        assert.equal(served, true);
        const again = await raid(set.running.tlsPort, { maxVersion, ...(session && { session }) });
        await set.running.quiet();
        assert.deepEqual([again.resumed, again.served], [false, false]);
        assert.deepEqual(
          [set.secured.length, set.running.errors.map(({ code }) => code)],
          [1, ['ERR_TLS_SMTP_HANDSHAKE_FAILED']],
        );
      });
    }
  }

  it('negative control: with one key and one context for all it is resumed; Node up to 22 serves it', async () => {
    const ticketKeys = randomBytes(48);
    const open = await weakServer({ ticketKeys });
    const closed = await weakServer({ ticketKeys, requestCert: true, rejectUnauthorized: true });
    const { session } = await raid(open.port, { maxVersion: 'TLSv1.3' });
    assert.ok(session);
    const again = await raid(closed.port, { maxVersion: 'TLSv1.3', session });
    open.close();
    closed.close();
    assert.equal(again.resumed, true);
    assert.deepEqual([again.served, closed.thought], NODE < 24 ? [true, ['authorized']] : [false, []]);
  });
});

describe('S19 (f): whom we trust has changed', { timeout: 120_000 }, () => {
  for (const maxVersion of VERSIONS) {
    it(`a client that was good before it was revoked does not come back by its session (${maxVersion})`, async () => {
      const ca = await TestAuthority.create();
      await using folder = await temporaryFolder({ 'ca.crl': ca.crl() });
      const crl = folder.file('ca.crl');
      const revoked = await ca.issue({ kind: 'client', flaw: 'revoked' });
      await using set = await visited({ verifyCertificates: ca.ca, crl, verifyHosts: '*' });
      const { session, served } = await raid(set.running.tlsPort, { maxVersion, ...revoked });
      assert.equal(served, true);
      await writeFile(`${crl}.new`, ca.crl());
      await rename(`${crl}.new`, crl);
      for (const shown of [revoked, {}]) {
        const again = await raid(set.running.tlsPort, { maxVersion, ...shown, ...(session && { session }) });
        assert.deepEqual([again.resumed, again.served], [false, false]);
      }
      await set.running.quiet();
      assert.deepEqual([set.secured.length, set.running.errors.length], [1, 2]);
    });

    it(`negative control: where a session is resumed, a revoked client is authorized (${maxVersion})`, async () => {
      const ca = await TestAuthority.create();
      const ticketKeys = randomBytes(48);
      const rules = { ticketKeys, requestCert: true, rejectUnauthorized: true, ca: ca.ca };
      const before = await weakServer({ ...rules, crl: ca.crl() });
      const revoked = await ca.issue({ kind: 'client', flaw: 'revoked' });
      const { session } = await raid(before.port, { maxVersion, ...revoked });
      assert.ok(session);
      const after = await weakServer({ ...rules, crl: ca.crl() });
      const direct = await raid(after.port, { maxVersion, ...revoked });
      const again = await raid(after.port, { maxVersion, session });
      before.close();
      after.close();
      assert.deepEqual(
        [direct.served, again.resumed, again.served, after.thought],
        [false, true, true, ['authorized']],
      );
    });
  }
});

describe('S07: behind a handshake that failed for its certificate', { timeout: 120_000 }, () => {
  it('nothing is said in clear, what the client says in clear is not read, and there is no second try', async () => {
    await using set = await visited({ verifyHosts: '*' });
    await using client = await set.running.greeted();
    await client.ask('STARTTLS');
    const before = client.clearText;
    await client.upgrade(set.running.trust).catch(() => {});
    client.raw.write('EHLO again\r\nSTARTTLS\r\n');
    await client.closed();
    await set.running.quiet();
    assert.equal(client.clearText, before);
    assert.deepEqual(
      [set.running.seen.map(({ command }) => command), set.running.errors.length],
      [['EHLO client.test'], 1],
    );
  });
});

describe('S18: renegotiation where a certificate is asked for', { timeout: 120_000 }, () => {
  it('is refused, so that nobody shows another certificate later', async () => {
    await using set = await visited({ tryVerifyHosts: '*' });
    await using client = await set.running.greeted();
    const tls = await client.starttls({ ...set.running.trust, ...good, maxVersion: 'TLSv1.2' });
    await client.ask('EHLO a');
    const error = await within(
      new Promise((resolve) => {
        tls.on('error', resolve);
        tls.on('close', resolve);
        tls.renegotiate({}, (failure) => failure !== null && resolve(failure));
      }),
      'an end of the renegotiation',
    );
    assert.notEqual(error, null);
    assert.deepEqual(
      set.secured.map(({ certificate }) => certificate),
      ['verified'],
    );
  });
});

describe('S20: a name in the handshake changes nothing about who must verify', { timeout: 120_000 }, () => {
  for (const servername of ['MX.TEST', 'unknown.test', 'xn--nxasmq6b.test', '']) {
    it(`asked for ${JSON.stringify(servername)}`, async () => {
      await using set = await visited({ verifyHosts: '*' });
      const any = { servername, checkServerIdentity: () => undefined, rejectUnauthorized: false };
      assert.deepEqual(
        [await set.visit({ ...any, ...good }), await set.visit(any)],
        ['250 verified', 'nothing; ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE'],
      );
    });
  }
});

describe('S24: a TLS 1.3 client is done before the server has judged it', { timeout: 120_000 }, () => {
  it('what it sends at once is read by nobody, and it hears nothing but the end', async () => {
    await using set = await visited({ verifyHosts: '*' });
    const expired = await authority.issue({ kind: 'client', flaw: 'expired' });
    for (const shown of [{}, expired]) {
      await using client = await RawClient.connect(set.running.tlsPort);
      await client.upgrade({ ...set.running.trust, ...shown, minVersion: 'TLSv1.3' });
      await client.send('EHLO too-early\r\nMAIL FROM:<a@x.test>\r\n').catch(() => {});
      assert.equal((await client.closed()).rest.length, 0);
    }
    await set.running.quiet();
    assert.deepEqual([set.running.seen, set.secured, set.running.errors.length], [[], [], 2]);
  });

  for (const maxVersion of VERSIONS) {
    it(`under tryVerifyHosts onSecure can tell it why, inside TLS, with a 554 of its own (${maxVersion})`, async () => {
      await using running = await startServer({
        tls: { verifyCertificates: authority.ca, tryVerifyHosts: '*' },
        onSecure(tls) {
          if (!tls.certificateVerified) throw reject(554, '5.7.1', `certificate: ${tls.verifyError ?? 'none'}`);
        },
      });
      const heard: string[][] = [];
      for (const shown of [{}, await authority.issue({ kind: 'client', flaw: 'expired' }), good]) {
        const options = { ...running.trust, ...shown, maxVersion };
        await using first = await RawClient.connectTls(running.tlsPort, options);
        await using second = await running.upgraded(options);
        await second.send('EHLO client.test\r\nQUIT\r\n');
        await first.send('QUIT\r\n').catch(() => {}); // it may be closed already
        const said = [await first.untilClosed(), await second.untilClosed()].map(({ replies }) => replies[0] ?? '');
        heard.push(said.map((reply) => reply.split('\r\n', 1)[0] ?? ''));
      }
      assert.deepEqual(heard, [
        ['554 5.7.1 certificate: none', '554 5.7.1 certificate: none'],
        ['554 5.7.1 certificate: CERT_HAS_EXPIRED', '554 5.7.1 certificate: CERT_HAS_EXPIRED'],
        ['220 mx.test ESMTP', '250-mx.test at your service'],
      ]);
      assert.equal(running.seen.filter(({ encrypted }) => encrypted).length, 1);
    });
  }
});

describe('S29: certificates that are hard to read', { timeout: 120_000 }, () => {
  it('chains of a hundred certificates cost their senders the handshake or nothing, and keep nobody else', async () => {
    await using set = await visited({ tryVerifyHosts: '*' });
    const others = await Promise.all(Array.from({ length: 100 }, () => authority.issue({ kind: 'client' })));
    const chain = { cert: [good.cert, ...others.map(({ cert }) => cert)].join(''), key: good.key };
    for (const maxVersion of VERSIONS) {
      assert.match(await set.visit({ ...chain, maxVersion }), /^(250 verified|nothing; \w+)$/);
    }
    const { tlsPort } = set.running;
    const crowd = Array.from({ length: 20 }, () => raid(tlsPort, chain));
    assert.equal((await raid(tlsPort, good)).served, true);
    await Promise.all(crowd);
  });
});

describe('a certificate that was changed behind its signature', { timeout: 120_000 }, () => {
  for (const maxVersion of VERSIONS) {
    it(`fails the handshake under tryVerifyHosts too: its name reaches nobody (${maxVersion})`, async () => {
      const { cert, key } = await authority.issue({ name: 'somebody', names: [], kind: 'client' });
      const octets = new X509Certificate(cert).raw.toString('latin1').replace('somebody', 'an admin');
      const forged = { cert: new X509Certificate(Buffer.from(octets, 'latin1')).toString(), key };
      assert.match(new X509Certificate(forged.cert).subject, /an admin/);
      for (const list of ['tryVerifyHosts', 'verifyHosts']) {
        await using set = await visited({ [list]: '*' });
        assert.match(await set.visit({ ...forged, maxVersion }), /^nothing; (ERR_SSL_EVP_LIB|\w*SIGNATURE_FAILURE)$/);
        assert.deepEqual(set.secured, []);
      }
    });
  }
});

describe('S30: the issuer of our own certificate among those that clients are held to', { timeout: 120_000 }, () => {
  it('is warned of: its root goes over the wire', async () => {
    await using set = await visited({ verifyHosts: '*' });
    assert.match(set.running.warnings.join(), /its issuer is in tls\.verifyCertificates and will be sent/);
  });

  it('clients that are not asked for a certificate get ours alone', async () => {
    await using set = await visited({ verifyHosts: '192.0.2.1' });
    await using client = await RawClient.connectTls(set.running.tlsPort, { rejectUnauthorized: false });
    const leaf = client.tls?.getPeerCertificate(true);
    assert.equal(leaf?.raw.equals(new X509Certificate(issued.cert).raw), true);
    assert.equal(leaf?.issuerCertificate, undefined);
  });
});

describe('S31: a certificate for servers, shown by a client', { timeout: 120_000 }, () => {
  it('does not verify, with a code that says so; where it is listed itself its purpose counts all the same', async () => {
    const forServers = await authority.issue({ kind: 'server' });
    await using set = await visited({ tryVerifyHosts: '*' });
    assert.equal(await set.visit(forServers), '250 unverified INVALID_PURPOSE');
    await using listed = await visited({ tryVerifyHosts: '*', verifyCertificates: forServers.cert });
    assert.equal(await listed.visit(forServers), '250 unverified INVALID_PURPOSE');
    assert.equal(
      listed.secured[0]?.peerCertificate?.fingerprint256,
      new X509Certificate(forServers.cert).fingerprint256,
    );
  });
});

describe('S32: weak parameters of a client', { timeout: 120_000 }, () => {
  it('a key of 1,024 bits counts as what OpenSSL makes of it: too small from Node 24 on', async () => {
    const weak = await authority.issue({ kind: 'client', flaw: 'weak' });
    await using set = await visited({ tryVerifyHosts: '*' });
    const outcome = await set.visit({ ...weak, ciphers: 'DEFAULT:@SECLEVEL=0' });
    assert.equal(outcome, NODE < 24 ? '250 verified' : '250 unverified UNSPECIFIED');
  });
});
