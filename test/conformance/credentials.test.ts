import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { after, describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { perSni, type ServerConnectionFacts } from '../../src/credentials/index.js';
import { ForcedFailure } from '../../src/errors.js';
import { TestAuthority } from '../../src/testing/authority.js';
import { RawClient } from '../support/raw-client.js';
import { sendMessage, startServer } from '../support/with-server.js';

const authority = await TestAuthority.create();
const one = await authority.issue({ name: 'one.test' });
const two = await authority.issue({ name: 'two.test' });
const folder = await mkdtemp(join(tmpdir(), 'tls-smtp-credentials-'));
after(() => rm(folder, { recursive: true }));

const UNAVAILABLE = '454 4.7.0 TLS not available due to temporary reason';
const trust = { ca: authority.ca, checkServerIdentity: (): undefined => undefined };
const both = ({ cert, key }: typeof one): string => `${cert}${key}`;

function subject(client: RawClient): string | undefined {
  return client.tls?.getPeerX509Certificate()?.subject;
}

describe('SPEC §3: expansions, over real connections', { timeout: 120_000 }, () => {
  it('are called before the 220, with address, port and HELO name; no name is known yet', async () => {
    const seen: ServerConnectionFacts[] = [];
    const certificate = (facts: ServerConnectionFacts): string => {
      seen.push({ ...facts });
      return one.cert;
    };
    const credentialsRoot = folder;
    await using running = await startServer({ tls: { certificate, privateKey: () => one.key, credentialsRoot } });
    await using client = await RawClient.greeted(running.port, 'me.client.test');
    await client.starttls({ ...trust, servername: 'two.test' });
    await using odd = await RawClient.greeted(running.port, '../../etc/passwd');
    await odd.starttls({ ...trust, servername: 'one.test' });
    await using direct = await RawClient.connectTls(running.tlsPort, { ...trust, servername: 'one.test' });
    await direct.reply();
    const known = { senderHostAddress: '127.0.0.1', localAddress: '127.0.0.1' };
    assert.deepEqual(seen, [
      { ...known, receivedPort: running.port, heloName: 'me.client.test' },
      { ...known, receivedPort: running.port },
      { ...known, receivedPort: running.tlsPort },
    ]);
    assert.equal(subject(client), 'CN=one.test');
  });

  it('choose the certificate for each connection, and an unset one or an error is a 454 with its reason', async () => {
    let answer: () => unknown = () => both(one);
    await using running = await startServer({
      tls: { certificate: () => answer() as string, privateKey: () => undefined, whenUnavailable: 'continue' },
    });
    for (const [given, name] of [
      [() => both(one), 'CN=one.test'],
      [async () => both(two), 'CN=two.test'],
    ] as const) {
      answer = given;
      await using client = await running.upgraded(trust);
      assert.equal(subject(client), name);
      assert.match(await sendMessage(client), /^250 /);
    }
    await using client = await running.greeted();
    for (const [given, code] of [
      [() => undefined, 'ERR_TLS_SMTP_CREDENTIAL_MISSING'],
      [() => Promise.reject(new ForcedFailure()), 'ERR_TLS_SMTP_CREDENTIAL_MISSING'],
      [() => Promise.reject(new Error('no database')), 'ERR_TLS_SMTP_EXPANSION_FAILED'],
      [() => 5, 'ERR_TLS_SMTP_EXPANSION_FAILED'],
      [() => '/nowhere/cert.pem', 'ERR_TLS_SMTP_CREDENTIAL_UNREADABLE'],
    ] as const) {
      answer = given;
      assert.equal(await client.ask('STARTTLS'), UNAVAILABLE);
      assert.equal(running.errors.at(-1)?.code, code);
    }
    answer = () => both(one);
    await client.starttls(trust);
    assert.equal(subject(client), 'CN=one.test');
  });

  it('that do not answer in time are a 454 as well', async () => {
    const certificate = (): Promise<string> => new Promise(() => {});
    await using running = await startServer({
      tls: { certificate, privateKey: () => undefined, expansionTimeoutMs: 30 },
    });
    await using client = await running.greeted();
    assert.equal(await client.ask('STARTTLS'), UNAVAILABLE);
    assert.equal(running.errors[0]?.code, 'ERR_TLS_SMTP_EXPANSION_TIMEOUT');
  });

  it('that answer as before build nothing, and sessions resume', async () => {
    const tls = { certificate: () => both(one), privateKey: () => undefined };
    await using running = await startServer({ tls });
    await using first = await running.upgraded({ ...trust, maxVersion: 'TLSv1.2' });
    const session = first.tls?.getSession();
    assert.ok(session);
    await using second = await running.upgraded({ ...trust, maxVersion: 'TLSv1.2', session });
    assert.equal(second.tls?.isSessionReused(), true);
    const { contexts, misses } = running.server.credentials.stats;
    assert.deepEqual([contexts, misses], [1, 1]);
  });
});

describe('SPEC §3: perSni, over real connections', { timeout: 120_000 }, () => {
  const byName = perSni(async ({ sni }: ServerConnectionFacts) => {
    if (sni === 'breaks.test') throw new Error('no database');
    if (sni === 'never.test') return new Promise<undefined>(() => {});
    if (sni === 'nowhere.test') return '/nowhere/cert.pem';
    return sni === 'two.test' ? both(two) : sni === undefined ? both(one) : undefined;
  });
  const tls = { certificate: byName, privateKey: () => undefined, expansionTimeoutMs: 50, credentialsRoot: folder };

  it('[R65, R66, S42] the certificate of the server name is served, in any case, and the default for others and for none', async () => {
    await using running = await startServer({ tls });
    for (const [servername, expected] of [
      ['two.test', 'CN=two.test'],
      ['TWO.Test', 'CN=two.test'],
      ['unknown.test', 'CN=one.test'],
      ['', 'CN=one.test'],
    ] as const) {
      await using client = await running.upgraded({ ...trust, servername });
      assert.equal(subject(client), expected, servername);
      await using direct = await RawClient.connectTls(running.tlsPort, { ...trust, servername });
      assert.equal(subject(direct), expected, servername);
    }
    const { contexts, misses } = running.server.credentials.stats;
    assert.deepEqual([contexts, misses], [2, 2]);
  });

  it('[S42] a name whose certificate cannot be had fails the handshake with one event, and nothing is said in clear', async () => {
    await using running = await startServer({ tls });
    for (const [servername, code] of [
      ['breaks.test', 'ERR_TLS_SMTP_EXPANSION_FAILED'],
      ['never.test', 'ERR_TLS_SMTP_EXPANSION_TIMEOUT'],
      ['nowhere.test', 'ERR_TLS_SMTP_CREDENTIAL_UNREADABLE'],
    ] as const) {
      const known = running.errors.length;
      await using client = await running.greeted();
      await client.ask('STARTTLS');
      await assert.rejects(client.upgrade({ ...trust, servername }));
      await running.quiet();
      assert.deepEqual(
        running.errors.slice(known).map((error) => error.code),
        [code],
      );
    }
    await using client = await running.upgraded({ ...trust, servername: 'two.test' });
    assert.match(await sendMessage(client), /^250 /);
  });
});

describe('S20, S49: names in a handshake that are none', { timeout: 120_000 }, () => {
  const askedFor: string[] = [];
  const byName = perSni(({ sni }: ServerConnectionFacts) => {
    if (sni !== undefined) askedFor.push(sni);
    return sni === undefined ? both(one) : join(folder, `${sni}.pem`);
  });
  const tls = { certificate: byName, privateKey: () => undefined, credentialsRoot: folder };

  it('no callback hears of them, and the default certificate is served', async () => {
    await using running = await startServer({ tls });
    for (const servername of [
      '../../etc/passwd',
      '..',
      'a/b',
      '%2e%2e',
      'ａ．test',
      '.test',
      'a b.test',
      'a\r\nb.test',
      '*.test',
      'x'.repeat(255),
    ]) {
      await using client = await RawClient.connectTls(running.tlsPort, { ...trust, servername });
      assert.match(await client.reply(), /^220 /);
      assert.equal(subject(client), 'CN=one.test', servername);
    }
    assert.deepEqual([askedFor, running.errors], [[], []]);
  });

  it('octets that no client of Node would send, NUL and an address: neither does a callback hear of, and others are served', async () => {
    await using running = await startServer({ tls });
    for (const name of ['a\0b.test', '127.0.0.1', '\xff\xfe.test']) await hello(running.tlsPort, name);
    await running.quiet();
    assert.deepEqual(askedFor, []);
    await using client = await RawClient.connectTls(running.tlsPort, { ...trust, servername: '' });
    assert.equal(subject(client), 'CN=one.test');
  });
});

/** A ClientHello that asks for these octets: another name of their length is replaced on its way. */
async function hello(port: number, octets: string): Promise<void> {
  const stand = 'n'.repeat(octets.length);
  const raw = connect({ port, host: '127.0.0.1' });
  let replaced = 0;
  const wire = new Duplex({
    write(chunk: Buffer, _encoding, done): void {
      const at = chunk.indexOf(stand);
      if (at >= 0) replaced += Buffer.from(octets, 'latin1').copy(chunk, at);
      raw.write(chunk, done);
    },
    read(): void {},
  });
  raw.on('data', (chunk) => wire.push(chunk)).on('close', () => wire.destroy());
  raw.on('error', () => {});
  const socket = connectTls({ socket: wire, ...trust, servername: stand });
  socket.on('error', () => raw.destroy()); // what was signed is not what was sent
  await once(raw, 'close');
  assert.equal(replaced, octets.length);
}

describe('SPEC §3: reload, over real connections', { timeout: 120_000 }, () => {
  it('[S41] a certificate that is replaced on disk: the next connection gets the new one, and an open session goes on', async () => {
    const certificate = join(folder, 'live.pem');
    await writeFile(certificate, both(one), { mode: 0o600 });
    await using running = await startServer({ tls: { certificate, privateKey: () => undefined } });
    await using before = await running.upgraded(trust);
    await writeFile(`${certificate}.new`, both(two), { mode: 0o600 });
    await rename(`${certificate}.new`, certificate);
    await using next = await running.upgraded(trust);
    assert.deepEqual([subject(before), subject(next)], ['CN=one.test', 'CN=two.test']);
    assert.match(await sendMessage(before), /^250 /);
  });

  it('a file that goes bad changes nothing for clients, and is a warning once', async () => {
    const certificate = join(folder, 'bad.pem');
    await writeFile(certificate, both(one), { mode: 0o600 });
    await using running = await startServer({ tls: { certificate, privateKey: () => undefined } });
    await using first = await running.upgraded(trust);
    assert.equal(subject(first), 'CN=one.test');
    await writeFile(certificate, 'garbage');
    for (let time = 0; time < 3; time++) {
      await using client = await running.upgraded(trust);
      assert.equal(subject(client), 'CN=one.test');
    }
    assert.deepEqual(running.warnings, [
      `what was loaded before stays in use: tls.certificate: ${certificate}: holds no PEM block`,
    ]);
  });
});
