import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { type CredentialOptions, CredentialStore } from '../../../src/credentials/credential-store.js';
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

  it('builds an engine once for the same content and policy', async () => {
    const store = new CredentialStore<object>({ certificate: one.cert, privateKey: one.key });
    const resolved = await store.resolve();
    assert.ok(resolved);
    const build = (): object => ({});
    const first = store.engine(resolved, 'a', build);
    assert.equal(store.engine(resolved, 'a', build), first);
    assert.notEqual(store.engine(resolved, 'b', build), first);
    assert.deepEqual(store.stats, { contexts: 2, hits: 1, misses: 2 });
    for (let i = 0; i < 400; i++) store.engine(resolved, `p${i}`, build);
    assert.equal(store.stats.contexts, 256);
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
    assert.deepEqual(report.warnings, [`the certificate has expired on ${day}`]);
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

describe('CredentialStore, SPEC §3: the cache of engines', () => {
  const build = (): object => ({});

  it('is shared by connections with the same content and policy, wherever the content came from', async () => {
    const store = new CredentialStore<object>({ certificate: one.cert, privateKey: one.key });
    const both = await file('shared.pem', `${one.cert}\n${one.key}`);
    const [mine, same] = [await store.resolve(), await new CredentialStore({ certificate: both }).resolve()];
    assert.ok(mine && same);
    assert.equal(store.engine(mine, 'p', build), store.engine(same, 'p', build));
    assert.deepEqual(store.stats, { contexts: 1, hits: 1, misses: 1 });
  });

  it('tells content apart, and builds with the content that was asked for', async () => {
    const store = new CredentialStore<unknown>({ certificate: one.cert, privateKey: one.key });
    const [mine, theirs] = [
      await store.resolve(),
      await new CredentialStore({ certificate: other.cert, privateKey: other.key }).resolve(),
    ];
    assert.ok(mine && theirs);
    assert.equal(
      store.engine(mine, 'p', (tls) => tls.key),
      one.key.trimEnd(),
    );
    assert.equal(
      store.engine(theirs, 'p', (tls) => tls.key),
      other.key.trimEnd(),
    );
  });

  it('drops the least recently used first', async () => {
    const store = new CredentialStore<object>({ certificate: one.cert, privateKey: one.key });
    const resolved = await store.resolve();
    assert.ok(resolved);
    const kept = store.engine(resolved, 'kept', build);
    const dropped = store.engine(resolved, 'dropped', build);
    for (let index = 0; index < 255; index++) {
      store.engine(resolved, `p${index}`, build);
      assert.equal(store.engine(resolved, 'kept', build), kept);
    }
    assert.equal(store.stats.contexts, 256);
    assert.notEqual(store.engine(resolved, 'dropped', build), dropped);
  });

  it('keeps nothing of a build that failed', async () => {
    const store = new CredentialStore<object>({ certificate: one.cert, privateKey: one.key });
    const resolved = await store.resolve();
    assert.ok(resolved);
    assert.throws(() =>
      store.engine(resolved, 'p', () => {
        throw new Error('no');
      }),
    );
    assert.equal(store.stats.contexts, 0);
    assert.ok(store.engine(resolved, 'p', build));
  });
});
