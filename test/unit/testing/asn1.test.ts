import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { TlsSmtpError } from '../../../src/errors.js';
import { loadAsn1, loadOptional } from '../../../src/testing/asn1.js';
import { DependencyMissingError } from '../../../src/testing/errors.js';

const run = promisify(execFile);
const SRC = fileURLToPath(new URL('../../../src/', import.meta.url));

function failure(code: string): Error {
  return Object.assign(new Error('not found'), { code });
}

describe('loadAsn1', () => {
  it('gives the encoder and the classes, the same ones each time', async () => {
    const [first, second] = await Promise.all([loadAsn1(), loadAsn1()]);
    assert.equal(typeof first.schema.AsnConvert.serialize, 'function');
    assert.equal(first.x509.Certificate, second.x509.Certificate);
  });
});

describe('loadOptional', () => {
  it('passes on what was loaded', async () => {
    assert.equal(await loadOptional(['a'], async () => 42), 42);
  });

  for (const code of ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND']) {
    it(`turns ${code} into an error that names every package to install`, async () => {
      const cause = failure(code);
      const error: unknown = await loadOptional(['a', '@b/c'], () => Promise.reject(cause)).catch((e: unknown) => e);
      assert.ok(error instanceof DependencyMissingError && error instanceof TlsSmtpError);
      const { name, phase, fault, temporary, packages, message } = error;
      assert.deepEqual(
        { name, code: error.code, phase, fault, temporary, packages, message },
        {
          name: 'DependencyMissingError',
          code: 'ERR_TLS_SMTP_DEPENDENCY_MISSING',
          phase: 'configuration',
          fault: 'operator',
          temporary: false,
          packages: ['a', '@b/c'],
          message: 'optional packages are missing, install them: npm install --save-dev a @b/c',
        },
      );
      assert.equal(error.cause, cause);
    });
  }

  it('leaves every other failure as it is', async () => {
    for (const cause of [failure('ERR_REQUIRE_ESM'), new SyntaxError('broken'), 'a string']) {
      assert.equal(await loadOptional(['a'], () => Promise.reject(cause)).catch((e: unknown) => e), cause);
    }
  });
});

/** A copy of the built files under a folder from which no package can be found. */
async function withoutPackages(script: string): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), 'tls-smtp-'));
  try {
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    await cp(join(SRC, 'errors.js'), join(folder, 'errors.js'));
    for (const file of ['asn1.js', 'authority.js', 'errors.js', 'leaf-plan.js', 'x509-writer.js']) {
      await cp(join(SRC, 'testing', file), join(folder, 'testing', file));
    }
    await writeFile(join(folder, 'main.cjs'), script);
    const { stdout } = await run(process.execPath, ['main.cjs'], { cwd: folder });
    return JSON.parse(stdout);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('without the optional packages', () => {
  it('the authority can be required from CommonJS, and says what is missing only when it is used', async () => {
    const seen = await withoutPackages(`
      const { TestAuthority } = require('./testing/authority.js');
      TestAuthority.create().catch(({ code, packages }) => console.log(JSON.stringify({ code, packages })));
    `);
    assert.deepEqual(seen, {
      code: 'ERR_TLS_SMTP_DEPENDENCY_MISSING',
      packages: ['@peculiar/asn1-schema', '@peculiar/asn1-x509'],
    });
  });
});
