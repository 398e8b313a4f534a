import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { CredentialInvalidError, CredentialUnreadableError } from '../../../src/credentials/errors.js';
import { type Reading, readCollection, readPem } from '../../../src/credentials/source.js';
import { TestAuthority } from '../../../src/testing/authority.js';
import { hangFiles } from '../../support/busy-files.js';
import { within } from '../../support/raw-client.js';

function reading(option: string, more: Partial<Reading> = {}): Reading {
  return { option, byPeer: false, root: null, dueAt: performance.now() + 5_000, files: [], ...more };
}

describe('readPem', () => {
  it('tells PEM text from a file, and says where it came from', async () => {
    assert.deepEqual(await readPem(reading('tls.x'), '-----BEGIN X-----'), {
      option: 'tls.x',
      source: 'PEM text',
      text: '-----BEGIN X-----',
      file: null,
    });
  });

  it('opens no device, no relative path, and nothing with a NUL in its name', async () => {
    await assert.rejects(readPem(reading('tls.x'), '/dev/zero'), /tls\.x: \/dev\/zero: is no regular file/);
    await assert.rejects(readPem(reading('tls.x'), 'a.pem'), /is a relative path/);
    await assert.rejects(readPem(reading('tls.x'), '/etc/\0passwd'), /is neither a file name nor PEM text/);
    await assert.rejects(readPem(reading('tls.x'), Buffer.from('x')), /Buffer: holds no PEM block/);
  });
});

const authority = await TestAuthority.create();
const { cert, key } = await authority.issue({ name: 'mx.test' });
const folder = await mkdtemp(join(tmpdir(), 'tls-smtp-source-'));
after(() => rm(folder, { recursive: true }));

/** The error that `readPem` rejects with, as far as a caller may rely on it. */
async function refusal(given: string | Buffer): Promise<{ code: string; source: string; message: string }> {
  const error: unknown = await readPem(reading('tls.privateKey'), given).then(
    () => assert.fail('was taken'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof CredentialInvalidError || error instanceof CredentialUnreadableError, String(error));
  assert.equal(error.option, 'tls.privateKey');
  return { code: error.code, source: error.source, message: error.message };
}

describe('readPem, SPEC §3: an absolute file path, PEM text or a Buffer', () => {
  it('reads a file, also through a symbolic link, and names the path that was given', async () => {
    const file = join(folder, 'cert.pem');
    const link = join(folder, 'link.pem');
    await writeFile(file, cert);
    await symlink(file, link);
    for (const path of [file, link]) {
      const { file: facts, ...rest } = await readPem(reading('tls.certificate'), path);
      assert.deepEqual(rest, { option: 'tls.certificate', source: path, text: cert });
      assert.deepEqual(facts, { mode: statSync(file).mode, owner: process.getuid?.() });
    }
  });

  it('reads PEM text from a string or a Buffer, with text of any kind around it', async () => {
    const text = `# comment: ä\r\n${cert.replaceAll('\n', '\r\n')}`;
    assert.deepEqual(await readPem(reading('tls.certificate'), Buffer.from(text, 'latin1')), {
      option: 'tls.certificate',
      source: 'PEM text',
      text,
      file: null,
    });
    assert.equal((await readPem(reading('tls.certificate'), text)).text, text);
  });

  it('names a file that does not exist, with the system error ENOENT', async () => {
    const file = join(folder, 'missing.pem');
    assert.deepEqual(await refusal(file), {
      code: 'ERR_TLS_SMTP_CREDENTIAL_UNREADABLE',
      source: file,
      message: `tls.privateKey: ${file}: cannot be read (ENOENT)`,
    });
  });

  it('names a path that leads through a file, with the system error ENOTDIR', async () => {
    const file = join(folder, 'plain');
    await writeFile(file, '');
    assert.match((await refusal(join(file, 'x.pem'))).message, /cannot be read \(ENOTDIR\)$/);
  });

  it('refuses a folder by its name', async () => {
    const path = join(folder, 'folder.pem');
    await mkdir(path);
    assert.deepEqual(await refusal(path), {
      code: 'ERR_TLS_SMTP_CREDENTIAL_INVALID',
      source: path,
      message: `tls.privateKey: ${path}: is no regular file`,
    });
  });

  it('refuses an empty file, and one that holds no PEM block', async () => {
    for (const [name, content] of [
      ['empty.pem', ''],
      ['text.pem', 'hello\n'],
      ['der.pem', Buffer.from([0x30, 0x82, 0x01, 0x00])],
    ] as const) {
      const file = join(folder, name);
      await writeFile(file, content);
      assert.equal((await refusal(file)).message, `tls.privateKey: ${file}: holds no PEM block`);
    }
  });

  it('does not read a file of more than 4 MiB, however much of it there is', async () => {
    const file = join(folder, 'spool');
    await writeFile(file, cert);
    await truncate(file, 8 * 1024 ** 3);
    assert.equal((await refusal(file)).message, `tls.privateKey: ${file}: is larger than 4194304 octets`);
  });

  it('refuses a named pipe at once, and does not wait for somebody to write into it', {
    skip: process.platform === 'win32',
  }, async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    try {
      assert.match((await within(refusal(pipe), 'an answer', 1_000)).message, /is no regular file$/);
    } finally {
      closeSync(openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK)); // lets go of an open() that waits
    }
  });

  it('waits no longer than it may for a file system that is away, and reads again when it is back', {
    skip: process.platform === 'win32',
  }, async () => {
    const file = join(folder, 'far-away.pem');
    await writeFile(file, cert);
    {
      await using _away = await hangFiles();
      for (const more of [{}, { byPeer: true, root: folder }]) {
        const due = reading('tls.certificate', { dueAt: performance.now() + 100, ...more });
        await assert.rejects(within(readPem(due, file), 'an answer', 1_000), {
          code: 'ERR_TLS_SMTP_CREDENTIAL_UNREADABLE',
          message: `tls.certificate: ${file}: cannot be read (ETIMEDOUT)`,
        });
      }
      const due = reading('tls.crl', { dueAt: performance.now() + 100 });
      await assert.rejects(within(readCollection(due, folder, 'crls'), 'an answer', 1_000), /\(ETIMEDOUT\)$/);
    }
    assert.equal((await readPem(reading('tls.certificate'), file)).text, cert);
  });

  it('says of a relative path that it is one', async () => {
    for (const path of ['cert.pem', './cert.pem', '../cert.pem', '~/cert.pem']) {
      assert.equal(
        (await refusal(path)).message,
        `tls.privateKey: ${path}: is a relative path; give an absolute one, or PEM text`,
      );
    }
  });

  it('takes a Buffer for content, never for a path', async () => {
    assert.equal((await refusal(Buffer.from('/etc/hostname'))).message, 'tls.privateKey: Buffer: holds no PEM block');
    assert.equal((await refusal(Buffer.alloc(0))).message, 'tls.privateKey: Buffer: holds no PEM block');
  });

  it('shows nothing of a key that came without its BEGIN line (SPEC §3: never any key material)', async () => {
    const lines = key.trimEnd().split('\n').slice(1, -1);
    const secret = lines.join('').slice(0, 20);
    for (const given of [lines.join('\n'), Buffer.from(lines.join('')), lines.join('')]) {
      const { message, source } = await refusal(given);
      assert.ok(!message.includes(secret) && !source.includes(secret), `${typeof given}: the message shows the key`);
    }
  });
});
