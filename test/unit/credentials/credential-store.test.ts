import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';
import { CredentialStore } from '../../../src/credentials/credential-store.js';
import { perSni } from '../../../src/credentials/expansion.js';
import type { ServerConnectionFacts } from '../../../src/credentials/facts.js';
import type { CredentialOptions } from '../../../src/credentials/options.js';
import { ForcedFailure } from '../../../src/errors.js';
import { TestAuthority } from '../../../src/testing/authority.js';

const authority = await TestAuthority.create();
const one = await authority.issue({ name: 'one.test' });
const other = await authority.issue({ name: 'other.test' });
const folder = await mkdtemp(join(tmpdir(), 'tls-smtp-'));
after(() => rm(folder, { recursive: true }));

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

describe('CredentialStore', () => {
  it('takes files, PEM text, Buffers, and one file with both; equal content has one id', async () => {
    const certificate = await file('cert.pem', one.cert);
    const privateKey = await file('key.pem', one.key);
    const both = await file('both.pem', `${one.cert}\n${one.key}`);
    const ids = await Promise.all(
      [
        { certificate, privateKey },
        { certificate: one.cert, privateKey: one.key },
        { certificate: Buffer.from(one.cert), privateKey: Buffer.from(one.key) },
        { certificate: both },
      ].map(async (options) => (await new CredentialStore(options).resolve())?.id),
    );
    assert.equal(new Set(ids).size, 1);
    assert.deepEqual((await new CredentialStore({ certificate: both }).check()).identities[0]?.subject, 'CN=one.test');
  });

  it('answers null where nothing is configured, and check() says what is missing', async () => {
    const store = new CredentialStore({});
    assert.equal(await store.resolve(), null);
    await assert.rejects(store.check(), { code: 'ERR_TLS_SMTP_CREDENTIAL_MISSING' });
  });

  it('names option and file of what is wrong, and never shows key material', async () => {
    const garbage = await file('garbage.pem', 'hello');
    const cut = await file('cut.pem', one.cert.replace(/\n.{20}/, '\n!!!'));
    const badKey = await file('bad-key.pem', one.key.replace(/\n.{20}/, '\nAAAA'));
    const cases: [object, string, RegExp][] = [
      [
        { certificate: '/nowhere/c.pem' },
        'ERR_TLS_SMTP_CREDENTIAL_UNREADABLE',
        /^tls\.certificate: \/nowhere\/c\.pem: cannot be read \(ENOENT\)$/,
      ],
      [{ certificate: folder }, 'ERR_TLS_SMTP_CREDENTIAL_INVALID', /is no regular file/],
      [{ certificate: 'c.pem' }, 'ERR_TLS_SMTP_CREDENTIAL_INVALID', /c\.pem: is a relative path/],
      [{ certificate: garbage }, 'ERR_TLS_SMTP_CREDENTIAL_INVALID', /garbage\.pem: holds no PEM block/],
      [
        { certificate: cut, privateKey: one.key },
        'ERR_TLS_SMTP_CREDENTIAL_INVALID',
        /CERTIFICATE block 1 does not parse/,
      ],
      [
        { certificate: one.cert, privateKey: badKey },
        'ERR_TLS_SMTP_CREDENTIAL_INVALID',
        /bad-key\.pem: PRIVATE KEY block does not parse/,
      ],
      [{ certificate: one.cert }, 'ERR_TLS_SMTP_CREDENTIAL_INVALID', /holds no PRIVATE KEY block; set tls\.privateKey/],
      [{ certificate: one.key }, 'ERR_TLS_SMTP_CREDENTIAL_INVALID', /holds no CERTIFICATE block/],
      [
        { certificate: one.cert, privateKey: other.key },
        'ERR_TLS_SMTP_KEY_MISMATCH',
        /tls\.privateKey: PEM text: is not the key of PEM text/,
      ],
      [
        { certificate: one.cert, privateKey: one.key.replaceAll('PRIVATE', 'ENCRYPTED PRIVATE') },
        'ERR_TLS_SMTP_CREDENTIAL_INVALID',
        /encrypted private key/,
      ],
    ];
    for (const [options, code, message] of cases) {
      await assert.rejects(new CredentialStore(options).check(), (error: Error & { code: string }) => {
        assert.deepEqual([error.code, message.test(error.message)], [code, true], error.message);
        const secret = one.key.split('\n')[1] ?? '';
        assert.ok(!inspect(error, { depth: 9 }).includes(secret.slice(0, 20)));
        return true;
      });
    }
  });

  it('tries again after a failure', async () => {
    const path = join(folder, 'later.pem');
    const store = new CredentialStore({ certificate: path });
    await assert.rejects(store.resolve());
    await writeFile(path, `${one.cert}\n${one.key}`);
    assert.equal((await store.resolve())?.subject, 'CN=one.test');
  });
});

describe('CredentialStore, SPEC §3: what it hands out', () => {
  it('gives the whole chain in its order, the key, the subject and the end of validity', async () => {
    const resolved = await new CredentialStore({
      certificate: await file('chain.pem', `${one.cert}\n${authority.ca}`),
      privateKey: one.key,
    }).resolve();
    assert.ok(resolved);
    const blocks = String(resolved.tls.cert).match(/-----BEGIN CERTIFICATE-----/g);
    assert.deepEqual([blocks?.length, String(resolved.tls.cert).startsWith(one.cert.trimEnd())], [2, true]);
    assert.deepEqual([resolved.tls.key, resolved.subject], [one.key.trimEnd(), 'CN=one.test']);
    const days = (resolved.notAfter.getTime() - Date.now()) / 86_400_000;
    assert.ok(days > 29 && days < 31, `${days} days`);
  });

  it('gives other content another id, also where only the chain or only the key differs', async () => {
    const chain = `${one.cert}\n${authority.ca}`;
    const options: CredentialOptions[] = [
      { certificate: one.cert, privateKey: one.key },
      { certificate: chain, privateKey: one.key },
      { certificate: other.cert, privateKey: other.key },
    ];
    const ids = await Promise.all(options.map(async (each) => (await new CredentialStore(each).resolve())?.id));
    assert.equal(new Set(ids).size, options.length);
  });

  it('shows neither key nor certificate in its id', async () => {
    const id = (await new CredentialStore({ certificate: one.cert, privateKey: one.key }).resolve())?.id ?? '';
    assert.match(id, /^[\w-]{43}$/);
  });

  it('reads once for many connections, also where they ask at the same time', async () => {
    const path = await file('once.pem', `${one.cert}\n${one.key}`);
    const store = new CredentialStore({ certificate: path });
    const [first, second] = await Promise.all([store.resolve(), store.resolve()]);
    await rm(path);
    assert.ok(first !== null && first === second && first === (await store.resolve()));
  });

  it('says whether a certificate is configured, without looking at it', () => {
    assert.deepEqual(
      [new CredentialStore({}).configured, new CredentialStore({ certificate: '/nowhere.pem' }).configured],
      [false, true],
    );
  });

  it('warns of a certificate that has expired, with the day, and hands it out all the same', async () => {
    const old = await authority.issue({ name: 'old.test', flaw: 'expired' });
    const store = new CredentialStore({ certificate: old.cert, privateKey: old.key });
    const report = await store.check();
    const day = report.identities[0]?.notAfter.toISOString();
    assert.deepEqual(report.warnings, [`tls.certificate: PEM text: the certificate has expired on ${day}`]);
    assert.ok(await store.resolve());
    const good = await new CredentialStore({ certificate: one.cert, privateKey: one.key }).check();
    assert.deepEqual(good.warnings, []);
  });
});

describe('CredentialStore, SPEC §3: what goes wrong', () => {
  it('fails for everybody who asked, and is tried again by the next: check() and resolve() alike', async () => {
    const path = join(folder, 'retry.pem');
    const store = new CredentialStore({ certificate: path });
    const failures = await Promise.allSettled([store.resolve(), store.resolve(), store.check()]);
    assert.deepEqual(
      failures.map(({ status }) => status),
      ['rejected', 'rejected', 'rejected'],
    );
    await writeFile(path, 'hello');
    await assert.rejects(store.check(), { code: 'ERR_TLS_SMTP_CREDENTIAL_INVALID' });
    await writeFile(path, `${one.cert}\n${one.key}`);
    assert.equal((await store.check()).identities[0]?.subject, 'CN=one.test');
  });

  it('leaves no rejection unhandled where nobody waits for it', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    const store = new CredentialStore({ certificate: '/nowhere/c.pem' });
    await store.resolve().catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off('unhandledRejection', note);
    assert.deepEqual(unhandled, []);
  });

  it('names the key file where the certificate is good, with ENOENT', async () => {
    await assert.rejects(new CredentialStore({ certificate: one.cert, privateKey: '/nowhere/k.pem' }).check(), {
      code: 'ERR_TLS_SMTP_CREDENTIAL_UNREADABLE',
      option: 'tls.privateKey',
      source: '/nowhere/k.pem',
      systemError: 'ENOENT',
    });
  });

  it('shows no key material: in no message, no cause, no inspection (SPEC §3, §8)', async () => {
    const lines = one.key.split('\n').slice(1, -2);
    const bodies = [lines.join(''), lines.join('\n'), one.key.replaceAll('-----', ''), one.key.slice(0, -40)];
    for (const privateKey of bodies.flatMap((body) => [body, Buffer.from(body)])) {
      const store = new CredentialStore({ certificate: one.cert, privateKey });
      await assert.rejects(store.check(), (error: Error) => {
        const shown = `${inspect(error, { depth: 9, showHidden: true })}${String(error.cause)}${JSON.stringify(error)}`;
        const leaked = lines.some((line) => shown.includes(line.slice(0, 20)));
        assert.ok(!leaked, `the error shows the key that was given as ${typeof privateKey}`);
        return true;
      });
    }
  });
});

describe('CredentialStore, SPEC §3: expansions', () => {
  it('answers each connection by its facts; the same answer is the same object, and builds nothing', async () => {
    const store = new CredentialStore({
      certificate: ({ localAddress }) => (localAddress === '192.0.2.1' ? one.cert : other.cert),
      privateKey: async ({ localAddress }) => Buffer.from(localAddress === '192.0.2.1' ? one.key : other.key),
    });
    const [first, second, third] = [
      await store.resolve({ localAddress: '192.0.2.1' }),
      await store.resolve({ localAddress: '192.0.2.2' }),
      await store.resolve({ localAddress: '192.0.2.1' }),
    ];
    assert.deepEqual([first?.subject, second?.subject], ['CN=one.test', 'CN=other.test']);
    assert.equal(first, third);
    assert.deepEqual(store.stats, { contexts: 2, hits: 1, misses: 2 });
  });

  it('proves new content once, whatever the values that it came by', async () => {
    const both = await file('proved.pem', `${one.cert}\n${one.key}`);
    const proved: boolean[] = [];
    const values: CredentialOptions['certificate'][] = [
      both,
      `${one.cert}${one.key}`,
      Buffer.from(`${one.key}${one.cert}`),
    ];
    let next = 0;
    const store = new CredentialStore(
      { certificate: () => String(values[next++ % 3]) },
      (_credentials, { forServerName }) => {
        proved.push(forServerName);
      },
    );
    const all = [await store.resolve({}), await store.resolve({}), await store.resolve({}), await store.resolve({})];
    assert.deepEqual([new Set(all).size, proved, store.stats.contexts], [1, [false], 1]);
  });

  it('keeps a bounded number of sets ready, the most recently used', async () => {
    const pairs = await Promise.all([1, 2, 3, 4].map((index) => authority.issue({ name: `n${index}.test` })));
    const store = new CredentialStore({
      certificate: ({ receivedPort = 0 }) => `${pairs[receivedPort]?.cert}${pairs[receivedPort]?.key}`,
      maxContexts: 3,
    });
    for (const receivedPort of [0, 1, 2, 0, 3, 0, 1]) await store.resolve({ receivedPort });
    assert.deepEqual(store.stats, { contexts: 3, hits: 2, misses: 5 });
  });

  it('is null where the certificate is unset for this connection', async () => {
    const store = new CredentialStore({
      certificate: ({ localAddress }) => {
        if (localAddress === undefined) throw new ForcedFailure();
        return one.cert;
      },
      privateKey: one.key,
    });
    assert.equal(await store.resolve({}), null);
    assert.equal((await store.resolve({ localAddress: '192.0.2.1' }))?.subject, 'CN=one.test');
  });

  it('rejects for a callback that throws or is late, with the option; nothing of it stays', async () => {
    let calls = 0;
    const store = new CredentialStore({
      certificate: () => {
        if (calls++ === 0) throw new Error('no database');
        return calls === 2 ? new Promise<string>(() => {}) : `${one.cert}${one.key}`;
      },
      expansionTimeoutMs: 20,
    });
    await assert.rejects(store.resolve({}), { code: 'ERR_TLS_SMTP_EXPANSION_FAILED', option: 'tls.certificate' });
    await assert.rejects(store.resolve({}), { code: 'ERR_TLS_SMTP_EXPANSION_TIMEOUT', timeoutMs: 20 });
    assert.equal((await store.resolve({}))?.subject, 'CN=one.test');
  });

  it('check() calls no callback, and loads what stands beside them', async () => {
    const certificate = (): never => assert.fail('called');
    assert.deepEqual(await new CredentialStore({ certificate }).check(), { identities: [], warnings: [] });
    await assert.rejects(new CredentialStore({ certificate, verifyCertificates: '/nowhere/ca.pem' }).check(), {
      option: 'tls.verifyCertificates',
    });
    await assert.rejects(new CredentialStore({ certificate, requireCiphers: 'NONSENSE' }).check(), {
      option: 'tls.requireCiphers',
    });
  });

  it('keeps no place for what cannot be loaded: peers may choose it', async () => {
    const store = new CredentialStore({
      certificate: ({ receivedPort }) => `/nowhere/${receivedPort}.pem`,
      maxContexts: 2,
    });
    for (let receivedPort = 1; receivedPort < 20; receivedPort++) await assert.rejects(store.resolve({ receivedPort }));
    assert.deepEqual(store.stats, { contexts: 0, hits: 0, misses: 19 });
  });

  it('runs perSni callbacks again with the name, the others once', async () => {
    let addresses = 0;
    const store = new CredentialStore({
      certificate: perSni(({ sni }) => (sni === 'other.test' ? `${other.cert}${other.key}` : `${one.cert}${one.key}`)),
      requireCiphers: () => {
        addresses++;
        return 'HIGH';
      },
    });
    const connection = store.connection({ senderHostAddress: '192.0.2.1' });
    const subjects = [await connection.resolve(), await connection.resolveServerName('OTHER.test')];
    assert.deepEqual([subjects.map((each) => each?.subject), addresses], [['CN=one.test', 'CN=other.test'], 1]);
    assert.equal(subjects[1]?.tls.ciphers, 'HIGH');
    assert.equal(await connection.resolveServerName('../other.test'), null);
  });
});

describe('CredentialStore, SECURITY S49: file names made from what a peer chose', () => {
  it('must lie below credentialsRoot', async () => {
    const root = await mkdtemp(join(folder, 'root-'));
    await mkdir(join(root, 'below'));
    const pem = `${one.cert}${one.key}`;
    await writeFile(join(root, 'client.test.pem'), pem);
    await writeFile(join(folder, 'outside.test.pem'), pem);
    await symlink(join(folder, 'outside.test.pem'), join(root, 'link.test.pem'));
    const byName = ({ heloName }: ServerConnectionFacts): string => `${root}/${heloName}.pem`;
    const rooted = new CredentialStore({ certificate: byName, credentialsRoot: root });
    assert.equal((await rooted.resolve({ heloName: 'client.test' }))?.subject, 'CN=one.test');
    await assert.rejects(rooted.resolve({ heloName: 'link.test' }), { code: 'ERR_TLS_SMTP_CREDENTIAL_PATH' });
    await assert.rejects(rooted.resolve({ heloName: 'absent.test' }), { code: 'ERR_TLS_SMTP_CREDENTIAL_UNREADABLE' });
    // As a program might call the store, which checked no name.
    for (const heloName of ['../outside.test', 'below/../../outside.test', '..', 'a\0b', '/etc/passwd']) {
      await assert.rejects(rooted.resolve({ heloName }), /^\w+Error: tls\.certificate: /, heloName);
    }
    await assert.rejects(new CredentialStore({ certificate: byName }).resolve({ heloName: 'client.test' }), {
      code: 'ERR_TLS_SMTP_CREDENTIAL_PATH',
      message: 'tls.certificate: expanded file name: is made from a name that the peer chose; set tls.credentialsRoot',
    });
  });

  it('is not bound where the callback looked at nothing that the peer chose, or gave PEM text', async () => {
    const path = await file('free.pem', `${one.cert}${one.key}`);
    const facts = { localAddress: '192.0.2.1', heloName: 'client.test' };
    assert.ok(
      await new CredentialStore({ certificate: ({ localAddress }) => (localAddress ? path : undefined) }).resolve(
        facts,
      ),
    );
    const store = new CredentialStore({
      certificate: ({ heloName }) => (heloName ? `${one.cert}${one.key}` : undefined),
    });
    assert.ok(await store.resolve(facts));
  });

  it('stays bound where another callback has had the same file loaded', async () => {
    const path = await file('same-file.pem', `${one.cert}${one.key}`);
    let look = false;
    const store = new CredentialStore({ certificate: (facts) => (look && facts.heloName === '' ? '' : path) });
    const facts: ServerConnectionFacts = { heloName: 'client.test' };
    assert.ok(await store.resolve(facts));
    look = true;
    await assert.rejects(store.resolve(facts), { code: 'ERR_TLS_SMTP_CREDENTIAL_PATH' });
  });
});

describe('CredentialStore, SPEC §3: reload', () => {
  interface Watched {
    readonly store: CredentialStore;
    readonly events: string[];
    subject(): Promise<string | undefined>;
  }

  function watched(options: CredentialOptions): Watched {
    const store = new CredentialStore(options);
    const events: string[] = [];
    store.on('reloaded', ({ subject }) => events.push(`reloaded ${subject}`));
    store.on('reloadFailed', ({ message }) => events.push(`failed ${message.replaceAll(folder, '')}`));
    store.on('warning', (message) => events.push(`warning ${message.replaceAll(folder, '')}`));
    return { store, events, subject: async () => (await store.resolve({}))?.subject };
  }

  async function privateFile(name: string, content: string): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, content, { mode: 0o600 });
    return path;
  }

  it('takes a changed file with the next connection, the pair as a whole', async () => {
    const certificate = await privateFile('reload-cert.pem', one.cert);
    const privateKey = await privateFile('reload-key.pem', one.key);
    const { store, events, subject } = watched({ certificate, privateKey });
    assert.equal(await subject(), 'CN=one.test');
    await writeFile(certificate, other.cert);
    assert.equal(await subject(), 'CN=one.test'); // the key is still the old one
    await writeFile(privateKey, other.key);
    assert.equal(await subject(), 'CN=other.test');
    assert.deepEqual(events, [
      'failed tls.privateKey: /reload-key.pem: is not the key of /reload-cert.pem',
      'reloaded CN=other.test',
    ]);
    assert.equal(store.stats.contexts, 1);
  });

  it('keeps the last good one while the file is bad, says why once, and takes it when it is mended', async () => {
    const certificate = await privateFile('bad-later.pem', `${one.cert}${one.key}`);
    const { events, subject } = watched({ certificate });
    assert.equal(await subject(), 'CN=one.test');
    await writeFile(certificate, 'hello');
    for (let time = 0; time < 5; time++) assert.equal(await subject(), 'CN=one.test');
    await rm(certificate);
    for (let time = 0; time < 5; time++) assert.equal(await subject(), 'CN=one.test');
    await privateFile('bad-later.pem', `${other.cert}${other.key}`);
    assert.equal(await subject(), 'CN=other.test');
    assert.deepEqual(events, [
      'failed tls.certificate: /bad-later.pem: holds no PEM block',
      'failed tls.certificate: /bad-later.pem: cannot be read (ENOENT)',
      'reloaded CN=other.test',
    ]);
  });

  it('keeps the last good one where OpenSSL refuses the new', async () => {
    const certificate = await privateFile('refused.pem', `${one.cert}${one.key}`);
    let refuse = false;
    const store = new CredentialStore({ certificate }, () => {
      if (refuse) throw Object.assign(new Error('openssl'), { code: 'ERR_SSL_EE_KEY_TOO_SMALL' });
    });
    const failures: string[] = [];
    store.on('reloadFailed', ({ code }) => failures.push(code));
    const before = await store.resolve({});
    refuse = true;
    await writeFile(certificate, `${other.cert}${other.key}`);
    assert.equal(await store.resolve({}), before);
    assert.deepEqual(failures, ['ERR_TLS_SMTP_KEY_TOO_SMALL']);
  });

  it('says nothing where a file was only touched, and gives the same object', async () => {
    const certificate = await privateFile('touched.pem', `${one.cert}${one.key}`);
    const { store, events } = watched({ certificate });
    const before = await store.resolve({});
    await writeFile(certificate, `${one.cert}${one.key}`);
    assert.equal(await store.resolve({}), before);
    assert.deepEqual(events, []);
  });

  it('follows links, as those who issue certificates turn them', async () => {
    const [old, fresh] = [
      await privateFile('live-1.pem', `${one.cert}${one.key}`),
      await privateFile('live-2.pem', `${other.cert}${other.key}`),
    ];
    const link = join(folder, 'live.pem');
    await symlink(old, link);
    const { subject } = watched({ certificate: link });
    assert.equal(await subject(), 'CN=one.test');
    await symlink(fresh, `${link}.new`);
    await rename(`${link}.new`, link);
    assert.equal(await subject(), 'CN=other.test');
  });

  it('loads once for many connections that find a file changed, and each gets the new one', async () => {
    const certificate = await privateFile('many.pem', `${one.cert}${one.key}`);
    let proofs = 0;
    const store = new CredentialStore({ certificate }, () => void proofs++);
    await store.resolve({});
    await writeFile(certificate, `${other.cert}${other.key}`);
    const all = await Promise.all(Array.from({ length: 50 }, () => store.resolve({})));
    assert.deepEqual([new Set(all).size, all[0]?.subject, proofs], [1, 'CN=other.test', 2]);
  });

  it('reads nothing while nothing changes', async () => {
    const certificate = await privateFile('quiet.pem', `${one.cert}${one.key}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
    const { store } = watched({ certificate });
    for (let time = 0; time < 100; time++) await store.resolve({});
    assert.deepEqual(store.stats, { contexts: 1, hits: 99, misses: 1 });
  });

  it('reloads what an expansion names, too', async () => {
    const certificate = await privateFile('expanded.pem', `${one.cert}${one.key}`);
    const { subject } = watched({ certificate: () => certificate });
    assert.equal(await subject(), 'CN=one.test');
    await writeFile(certificate, `${other.cert}${other.key}`);
    assert.equal(await subject(), 'CN=other.test');
  });

  it('tells of a certificate that ends within 14 days, once a day', async (context) => {
    const { cert, key } = await authority.issue({ name: 'ending.test' }); // lives for 30 days
    const store = new CredentialStore({ certificate: cert, privateKey: key });
    const told: number[] = [];
    store.on('expiring', ({ notAfter }) => told.push(notAfter.getTime()));
    await store.resolve({});
    const now = Date.now();
    context.mock.timers.enable({ apis: ['Date'], now: now + 17 * 86_400_000 });
    for (let time = 0; time < 3; time++) await store.resolve({});
    context.mock.timers.setTime(now + 18.5 * 86_400_000);
    for (let time = 0; time < 3; time++) await store.resolve({});
    assert.equal(told.length, 2);
  });
});

describe('a listener of a CredentialStore that throws', () => {
  /** In a thread of its own: what a listener throws is an uncaughtException there. */
  const PROGRAM = `
    const { parentPort, workerData: { library, path, contents } } = require('node:worker_threads');
    const { writeFileSync } = require('node:fs');
    const uncaught = [];
    process.on('uncaughtException', (error) => uncaught.push(error.message));
    import(library).then(async ({ CredentialStore }) => {
      const store = new CredentialStore({ certificate: path });
      for (const event of ['warning', 'expiring', 'reloaded', 'reloadFailed']) {
        store.on(event, () => { throw new Error(event); });
      }
      for (const content of contents) {
        writeFileSync(path, content, { mode: 0o600 });
        const said = await store.resolve().then((credentials) => credentials.subject, String);
        await new Promise(setImmediate);
        parentPort.postMessage([said, ...uncaught.splice(0)]);
      }
    });`;

  it('spoils no load: the credentials are there, and the error comes a turn later', async () => {
    const expired = await authority.issue({ name: 'expired.test', flaw: 'expired' });
    const worker = new Worker(PROGRAM, {
      eval: true,
      workerData: {
        library: new URL('../../../src/credentials/index.js', import.meta.url).href,
        path: join(folder, 'told.pem'),
        contents: [`${one.cert}${one.key}`, `${expired.cert}${expired.key}`, 'garbage, longer or shorter'],
      },
    });
    const said: unknown[] = [];
    worker.on('message', (message) => said.push(message));
    await once(worker, 'exit');
    assert.deepEqual(said, [
      ['CN=one.test'],
      ['CN=expired.test', 'warning', 'reloaded', 'expiring'],
      ['CN=expired.test', 'reloadFailed'],
    ]);
  });
});
