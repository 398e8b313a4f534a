import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { chmod, mkdtemp, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { WatchedFile } from '../../../src/credentials/watched-file.js';
import { sleep } from '../../support/raw-client.js';

const folder = await mkdtemp(join(tmpdir(), 'tls-smtp-watched-'));
after(() => rm(folder, { recursive: true }));

/** A file that nobody has touched for a while, and what it looks like. */
async function settled(name: string): Promise<{ path: string; watched: WatchedFile }> {
  const path = join(folder, name);
  await writeFile(path, 'one');
  await sleep(30);
  return { path, watched: WatchedFile.now(path) };
}

describe('WatchedFile', () => {
  it('has not changed while nobody changes it', async () => {
    const { watched } = await settled('still');
    assert.deepEqual([watched.changed(), watched.changed()], [false, false]);
  });

  it('sees other content, also of the same length and with the old time put back', async () => {
    const { path, watched } = await settled('same-length');
    await writeFile(path, 'two');
    assert.equal(watched.changed(), true);
    const next = await settled('old-time');
    await writeFile(next.path, 'two');
    await utimes(next.path, 1, 1);
    assert.equal(next.watched.changed(), true);
  });

  it('sees a file put in its place, one that is gone, one that appears, and other rights', async () => {
    const replaced = await settled('replaced');
    await writeFile(`${replaced.path}.new`, 'one');
    await rename(`${replaced.path}.new`, replaced.path);
    const gone = await settled('gone');
    await rm(gone.path);
    const absent = WatchedFile.now(join(folder, 'absent'));
    assert.equal(absent.changed(), false);
    await writeFile(absent.path, 'x');
    const rights = await settled('rights');
    await chmod(rights.path, 0o600);
    assert.deepEqual(
      [replaced.watched, gone.watched, absent, rights.watched].map((one) => one.changed()),
      [true, true, true, true],
    );
  });

  it('follows symbolic links: one that is turned to another file is a change', async () => {
    const { path } = await settled('target-1');
    const other = await settled('target-2');
    const link = join(folder, 'link');
    await symlink(path, link);
    const watched = WatchedFile.now(link);
    assert.equal(watched.changed(), false);
    await symlink(other.path, `${link}.new`);
    await rename(`${link}.new`, link);
    assert.equal(watched.changed(), true);
  });

  it('trusts no time stamp that is as young as the tick of the clock that made it', async () => {
    const path = join(folder, 'young');
    let watched: WatchedFile;
    let before: number;
    do {
      before = Date.now();
      writeFileSync(path, 'one');
      watched = WatchedFile.now(path);
    } while (Date.now() - before > 5); // the machine was busy: it is not young any more
    assert.equal(watched.changed(), true);
  });
});
