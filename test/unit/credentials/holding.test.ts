import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { Holding } from '../../../src/credentials/holding.js';
import { credentialSettings } from '../../../src/credentials/options.js';
import { TestAuthority } from '../../../src/testing/authority.js';
import { sleep } from '../../support/raw-client.js';

const authority = await TestAuthority.create();
const { cert, key } = await authority.issue({ name: 'mx.test' });
const other = await authority.issue({ name: 'other.test' });
const folder = await mkdtemp(join(tmpdir(), 'tls-smtp-holding-'));
after(() => rm(folder, { recursive: true }));

interface Held {
  readonly holding: Holding;
  readonly path: string;
  /** What its keeper was told. */
  readonly told: string[];
}

async function held(name: string): Promise<Held> {
  const path = join(folder, name);
  await writeFile(path, `${cert}${key}`, { mode: 0o600 });
  await sleep(30);
  const told: string[] = [];
  const holding = new Holding({ certificate: { value: path, byPeer: false } }, credentialSettings({}), {
    acquire: (fresh) => {
      told.push(`acquire ${fresh.subject}`);
      return fresh;
    },
    release: ({ subject }) => told.push(`release ${subject}`),
    installed: ({ subject }) => told.push(`installed ${subject}`),
    reloaded: ({ subject }) => told.push(`reloaded ${subject}`),
    reloadFailed: () => told.push('failed'),
  });
  return { holding, path, told };
}

describe('Holding', () => {
  it('has nothing at hand until it has loaded, then the same until a file changes', async () => {
    const { holding, path } = await held('fresh.pem');
    assert.equal(holding.fresh(), null);
    const credentials = await holding.load();
    assert.equal(await holding.fresh(), credentials);
    assert.equal(holding.fresh(), holding.fresh());
    await writeFile(path, `${other.cert}${other.key}`);
    assert.equal(holding.fresh(), null);
  });

  it('takes the new before it gives the old back, and gives it back once', async () => {
    const { holding, path, told } = await held('swap.pem');
    await holding.load();
    await writeFile(path, `${other.cert}${other.key}`);
    await Promise.all([holding.load(), holding.load()]);
    holding.drop();
    holding.drop();
    assert.deepEqual(told, [
      'acquire CN=mx.test',
      'installed CN=mx.test',
      'acquire CN=other.test',
      'release CN=mx.test',
      'installed CN=other.test',
      'reloaded CN=other.test',
      'release CN=other.test',
    ]);
  });

  it('gives back what it loads after it was dropped', async () => {
    const { holding, told } = await held('dropped.pem');
    const loading = holding.load();
    holding.drop();
    assert.equal((await loading).subject, 'CN=mx.test');
    assert.deepEqual(told.slice(0, 2), ['acquire CN=mx.test', 'release CN=mx.test']);
  });

  it('tries again after a second where a file cannot be read, though nothing else changes', async (context) => {
    const { holding, path, told } = await held('away.pem');
    const credentials = await holding.load();
    await rm(path);
    assert.equal(await holding.load(), credentials);
    assert.equal(await holding.fresh(), credentials);
    const now = performance.now();
    context.mock.method(performance, 'now', () => now + 1_001);
    assert.equal(holding.fresh(), null);
    assert.deepEqual(told.slice(2), ['failed']);
  });

  it('rejects where it never had anything, and loads at the next try', async () => {
    const { holding, path } = await held('late.pem');
    await rm(path);
    await assert.rejects(holding.load(), { code: 'ERR_TLS_SMTP_CREDENTIAL_UNREADABLE' });
    await writeFile(path, `${cert}${key}`, { mode: 0o600 });
    assert.equal((await holding.load()).subject, 'CN=mx.test');
  });
});
