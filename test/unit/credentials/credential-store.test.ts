import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { CredentialStore } from '../../../src/credentials/credential-store.js';
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
