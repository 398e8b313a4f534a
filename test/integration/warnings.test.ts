import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { SmtpServer, type SmtpServerOptions } from '../../src/server/index.js';
import { testIdentity } from '../support/with-server.js';

/** What an operator hears of a configuration until it stands, and then as often as one likes. */
async function warningsOf(options: SmtpServerOptions): Promise<string[]> {
  await using server = new SmtpServer({ onMessage: (message) => message.bytes().then(() => {}), ...options });
  const warnings: string[] = [];
  server.on('warning', (message) => warnings.push(message));
  await server.listen({ port: 0, host: '127.0.0.1' });
  await server.listen({ port: 0, host: '127.0.0.1' });
  await server.ready();
  return warnings;
}

describe('a configuration that starts and does not do what is meant is warned of once', () => {
  const onAuth = (): { user: string } => ({ user: 'tim' });

  it('onAuth without TLS: nobody is ever offered AUTH', async () => {
    const { issued } = await testIdentity();
    const tls = { certificate: issued.cert, privateKey: issued.key };
    const [warning, ...more] = await warningsOf({ onAuth });
    assert.match(warning ?? '', /^onAuth is given and tls\.certificate is not: .*nobody can log in/);
    assert.deepEqual(more, []);
    assert.deepEqual(await warningsOf({ onAuth, tls }), []);
    assert.deepEqual(await warningsOf({ onAuth, allowInsecureAuth: true }), []);
    assert.deepEqual(await warningsOf({ onAuth, hide: ['AUTH'] }), []);
    assert.deepEqual(await warningsOf({}), []);
  });

  it('verifyHosts with an empty collection: whom it names is never let in', async () => {
    const { authority, issued } = await testIdentity();
    const folder = await mkdtemp(join(tmpdir(), 'tls-smtp-'));
    try {
      const verifyCertificates = join(folder, 'trusted.pem');
      await writeFile(verifyCertificates, '\n');
      const tls = { certificate: issued.cert, privateKey: issued.key, verifyHosts: '*', verifyCertificates };
      const [warning, ...more] = await warningsOf({ tls });
      assert.match(
        warning ?? '',
        /^tls\.verifyCertificates: the file is empty, .*tls\.verifyHosts names is never let in/,
      );
      assert.deepEqual(more, []);
      await writeFile(verifyCertificates, authority.ca);
      assert.doesNotMatch((await warningsOf({ tls })).join(), /empty/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('suites that do not encrypt, or in which nobody shows a certificate', async () => {
    const { issued } = await testIdentity();
    const heard = (requireCiphers: string): Promise<string[]> =>
      warningsOf({ tls: { certificate: issued.cert, privateKey: issued.key, requireCiphers } });
    const warnings = await heard('HIGH:NULL:ADH');
    assert.equal(warnings.length, 2, warnings.join('\n'));
    assert.match(warnings[0] ?? '', /^tls\.requireCiphers lets in suites that do not encrypt: .*add !eNULL$/);
    assert.match(warnings[1] ?? '', /^tls\.requireCiphers lets in anonymous suites, .*add !aNULL$/);
    assert.deepEqual(await heard('HIGH:!aNULL:!eNULL'), []);
  });
});
