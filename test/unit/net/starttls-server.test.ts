import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { OptionError, TlsSmtpError } from '../../../src/errors.js';
import type { StartTlsResult } from '../../../src/net/starttls-contract.js';
import { StartTlsServer, type StartTlsServerOptions } from '../../../src/net/starttls-server.js';
import { type Peer, peerOf } from '../../../src/peer.js';
import { TestAuthority } from '../../../src/testing/authority.js';
import { RawClient } from '../../support/raw-client.js';

const authority = await TestAuthority.create();
const { cert, key } = await authority.issue({ name: 'mx.test' });
const identity = { certificate: cert, privateKey: key };
const trust = { ca: authority.ca };
const folder = await mkdtemp(join(tmpdir(), 'tls-smtp-server-'));
const listener = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, '127.0.0.1');
await once(listener, 'listening');
after(async () => {
  listener.close();
  await rm(folder, { recursive: true });
});

async function pair(): Promise<{ near: Socket; client: RawClient; peer: Peer }> {
  const accepted = once(listener, 'connection') as Promise<[Socket]>;
  const client = await RawClient.connect((listener.address() as AddressInfo).port);
  const [near] = await accepted;
  return { near, client, peer: peerOf(near) };
}

/** EHLO and STARTTLS on a new connection; the client goes as far as it is let. */
async function starttls(server: StartTlsServer): Promise<{ result: StartTlsResult; reply: string; peer: Peer }> {
  const { near, client, peer } = await pair();
  const session = server.session(peer);
  await session.ehlo('client.test');
  const work = session.starttls(near, { args: '', unread: Buffer.alloc(0) });
  const reply = await client.reply();
  if (reply.startsWith('220 ')) await client.upgrade(trust);
  const result = await work;
  client.destroy();
  near.destroy();
  return { result, reply, peer };
}

describe('new StartTlsServer', () => {
  it('says where a certificate belongs that was given beside tls', () => {
    assert.throws(
      () => new StartTlsServer({ certificate: cert } as StartTlsServerOptions),
      /option certificate is unknown; tls\.certificate is meant\?/,
    );
    const secret = { ticketSecret: 'x'.repeat(32) } as StartTlsServerOptions;
    assert.throws(() => new StartTlsServer(secret), /option ticketSecret is unknown; tls\.ticketSecret is meant\?/);
  });

  it('refuses options that nobody reads, and values that cannot be meant', () => {
    for (const [given, option] of [
      [{ maxHandshake: 5 }, 'maxHandshake'],
      [{ maxHandshakes: 0 }, 'maxHandshakes'],
      [{ lockoutMs: -1 }, 'lockoutMs'],
      [{ tls: { cert } }, 'tls.cert'],
      [{ tls: { minVersion: 'TLSv1' } }, 'tls.minVersion'],
    ] as const) {
      assert.throws(
        () => new StartTlsServer(given as unknown as StartTlsServerOptions),
        (error: Error) => error instanceof OptionError && error.option === option,
      );
    }
  });

  it('refuses an onStartTls that is no function: it would be asked in vain, or never', () => {
    const given = { tls: identity, onStartTls: 'no' } as unknown as StartTlsServerOptions;
    assert.throws(() => new StartTlsServer(given), OptionError);
  });

  it('offers TLS once a certificate is configured (RFC 8314 §4.1), and knows its ports', () => {
    const server = new StartTlsServer({ tls: { ...identity, onConnectPorts: [465] } });
    assert.deepEqual([server.offersTls, server.onConnectPorts], [true, [465]]);
    assert.deepEqual([new StartTlsServer({}).offersTls, new StartTlsServer({}).onConnectPorts], [false, []]);
  });
});

describe('StartTlsServer.ready, SPEC §3', () => {
  it('resolves with good credentials, and where none are configured', async () => {
    await new StartTlsServer({ tls: identity }).ready();
    await new StartTlsServer({}).ready();
  });

  it('rejects for a bad file with option and path, and the next call tries again', async () => {
    const path = join(folder, 'later.pem');
    const server = new StartTlsServer({ tls: { certificate: path } });
    await assert.rejects(server.ready(), { code: 'ERR_TLS_SMTP_CREDENTIAL_UNREADABLE', source: path });
    await writeFile(path, `${cert}${key}`);
    await server.ready();
  });

  it('warns of a certificate that has expired', async () => {
    const old = await authority.issue({ name: 'mx.test', flaw: 'expired' });
    const server = new StartTlsServer({ tls: { certificate: old.cert, privateKey: old.key } });
    const warnings: string[] = [];
    server.on('warning', (warning) => warnings.push(warning));
    await server.ready();
    assert.match(warnings.join(), /^tls\.certificate: PEM text: the certificate has expired on \d{4}-/);
  });

  it('warns of a key that is too short, or says so where this version of Node refuses it', async () => {
    const weak = await authority.issue({ name: 'mx.test', flaw: 'weak' });
    const server = new StartTlsServer({ tls: { certificate: weak.cert, privateKey: weak.key } });
    const warnings: string[] = [];
    server.on('warning', (warning) => warnings.push(warning));
    if (Number(process.versions.node.split('.', 1)[0]) >= 24) {
      await assert.rejects(server.ready(), { code: 'ERR_TLS_SMTP_KEY_TOO_SMALL', option: 'tls.certificate' });
      return;
    }
    await server.ready();
    assert.deepEqual(warnings, ['tls.certificate: PEM text: the RSA key has 1024 bits; give it 2048 at least']);
  });

  it('rejects where the ciphers leave no version', async () => {
    const requireCiphers = 'ECDHE-RSA-AES128-GCM-SHA256';
    const server = new StartTlsServer({ tls: { ...identity, requireCiphers, minVersion: 'TLSv1.3' } });
    await assert.rejects(server.ready(), /tls\.requireCiphers names suites of TLSv1\.2 only/);
  });

  it('rejects for a cipher list that OpenSSL does not know with an error of ours (SPEC §8)', async () => {
    const server = new StartTlsServer({ tls: { ...identity, requireCiphers: 'NONSENSE' } });
    await assert.rejects(server.ready(), (error: Error) => {
      assert.ok(error instanceof TlsSmtpError, `${error.name}: ${error.message}`);
      return true;
    });
  });
});

describe('StartTlsServer.session, SPEC §5', { timeout: 120_000 }, () => {
  it('secures without ready(), with onStartTls asked once, about this peer', async () => {
    const asked: Peer[] = [];
    const server = new StartTlsServer({ tls: identity, onStartTls: (peer) => void asked.push(peer) });
    const { result, reply, peer } = await starttls(server);
    assert.deepEqual([result.kind, reply, asked], ['secured', '220 2.0.0 Ready to start TLS', [peer]]);
  });

  it('resumes across sessions: they share one engine', async () => {
    const server = new StartTlsServer({ tls: { ...identity, maxVersion: 'TLSv1.2' } });
    let session: Buffer | undefined;
    const resumed: boolean[] = [];
    for (const _time of [1, 2]) {
      const { near, client, peer } = await pair();
      const work = server.session(peer).tlsOnConnect(near);
      const socket = await client.upgrade({ ...trust, ...(session && { session }) });
      resumed.push((await work).tls.resumed);
      session = socket.getSession();
      client.destroy();
      near.destroy();
    }
    assert.deepEqual(resumed, [false, true]);
  });

  it('maxHandshakes: beyond it 454 4.7.0, and a place comes back when a handshake ends', async () => {
    const server = new StartTlsServer({ tls: { ...identity, handshakeTimeoutMs: 5_000 }, maxHandshakes: 1 });
    const errors: string[] = [];
    server.on('tlsError', ({ code }) => errors.push(code));
    const slow = await pair();
    const session = server.session(slow.peer);
    await session.ehlo('slow.test');
    const work = assert.rejects(session.starttls(slow.near, { args: '', unread: Buffer.alloc(0) }));
    await slow.client.reply();
    assert.match((await starttls(server)).reply, /^454 4\.7\.0 /);
    slow.client.destroy();
    await work;
    assert.equal((await starttls(server)).result.kind, 'secured');
    assert.deepEqual(errors, ['ERR_TLS_SMTP_CONNECTION_LIMIT', 'ERR_TLS_SMTP_HANDSHAKE_FAILED']);
  });

  it('tells of each failed upgrade once with the peer, and warns of lock-outs once in its life', async () => {
    const server = new StartTlsServer({ tls: { certificate: join(folder, 'missing.pem') } });
    const errors: (readonly [string, Peer])[] = [];
    const warnings: string[] = [];
    server.on('tlsError', (error, peer) => errors.push([error.code, peer]));
    server.on('warning', (warning) => warnings.push(warning));
    const peers = [(await starttls(server)).peer, (await starttls(server)).peer];
    assert.deepEqual(
      errors,
      peers.map((peer) => ['ERR_TLS_SMTP_CREDENTIAL_UNREADABLE', peer]),
    );
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /whenUnavailable: 'continue'/);
  });

  it('needs no listener: an error without one ends nothing', async () => {
    const server = new StartTlsServer({ tls: { certificate: join(folder, 'missing.pem') } });
    assert.match((await starttls(server)).reply, /^454 4\.7\.0 /);
  });

  it('a file that appears is used by the next STARTTLS', async () => {
    const certificate = join(folder, 'appears.pem');
    const server = new StartTlsServer({ tls: { certificate, whenUnavailable: 'continue' } });
    assert.match((await starttls(server)).reply, /^454 4\.7\.0 /);
    await writeFile(certificate, `${cert}${key}`);
    assert.equal((await starttls(server)).result.kind, 'secured');
  });

  it('without a certificate offers nothing, and TLS-on-connect closes without a byte', async () => {
    const server = new StartTlsServer({});
    const { near, client, peer } = await pair();
    assert.deepEqual(await server.session(peer).ehlo('client.test'), []);
    await assert.rejects(server.session(peer).tlsOnConnect(near), { code: 'ERR_TLS_SMTP_CREDENTIAL_MISSING' });
    assert.equal((await client.closed()).rest.length, 0);
  });
});
