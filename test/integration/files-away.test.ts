import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { CredentialUnreadableError } from '../../src/credentials/errors.js';
import { hangFiles } from '../support/busy-files.js';
import { RawClient } from '../support/raw-client.js';
import { startServer, testIdentity } from '../support/with-server.js';

const folder = await mkdtemp(join(tmpdir(), 'tls-smtp-away-'));
after(() => rm(folder, { recursive: true }));
const file = join(folder, 'identity.pem');
const LIMIT_MS = 300;

describe('certificates on a file system that is away', { skip: process.platform === 'win32', timeout: 120_000 }, () => {
  it('a client gets 454 in time, and the place of its handshake goes to the next', async () => {
    const { issued } = await testIdentity();
    await writeFile(file, issued.cert + issued.key, { mode: 0o600 });
    await using running = await startServer({
      limits: { maxHandshakes: 1 },
      tls: { certificate: () => file, privateKey: () => undefined, expansionTimeoutMs: LIMIT_MS },
    });
    {
      await using _away = await hangFiles();
      for (let times = 1; times <= 2; times++) {
        await using client = await running.greeted();
        const begun = performance.now();
        assert.match(await client.ask('STARTTLS'), /^454 4\.7\.0 /);
        const tookMs = performance.now() - begun;
        assert.ok(tookMs >= LIMIT_MS - 20 && tookMs < LIMIT_MS + 500, `${tookMs} ms`);
        const { error } = running.errors.at(-1) ?? assert.fail('an event is due');
        assert.ok(error instanceof CredentialUnreadableError && error.systemError === 'ETIMEDOUT', error.message);
        assert.equal(running.errors.length, times);
      }
      await using secure = await RawClient.connect(running.tlsPort);
      assert.equal((await secure.closed()).rest.length, 0);
    }
    await using next = await running.upgraded();
    assert.match(await next.ask('EHLO x'), /^250/);
  });

  it('what was loaded before stays in service, with a warning', async () => {
    const { issued } = await testIdentity();
    await writeFile(file, issued.cert + issued.key, { mode: 0o600 });
    await using running = await startServer({
      tls: { certificate: file, privateKey: file, expansionTimeoutMs: LIMIT_MS },
    });
    await writeFile(file, `changed\n${issued.cert}${issued.key}`, { mode: 0o600 });
    {
      await using _away = await hangFiles();
      await using client = await running.upgraded();
      assert.match(await client.ask('EHLO x'), /^250/);
      assert.deepEqual(running.warnings, [
        `what was loaded before stays in use: tls.certificate: ${file}: cannot be read (ETIMEDOUT)`,
      ]);
    }
  });
});
