import { execFileSync } from 'node:child_process';
import { closeSync, constants, open, openSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** As many file operations as Node has under way at once (UV_THREADPOOL_SIZE). */
const THREADS = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);

/**
 * Makes every file operation of this process hang, as those on a file system that is away do: all its threads wait for
 * somebody to write into a pipe. `release()` lets them go.
 */
export async function hangFiles(): Promise<{ release(): Promise<void> } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'tls-smtp-busy-'));
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const opened = Array.from(
    { length: THREADS },
    () =>
      new Promise<void>((resolve) =>
        open(pipe, 'r', (_error, fd) => resolve(fd === undefined ? undefined : closeSync(fd))),
      ),
  );
  let released = false;
  const release = async (): Promise<void> => {
    if (released) return;
    released = true;
    const writer = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK); // a writer at last: each open() returns
    await Promise.all(opened);
    closeSync(writer);
    await rm(folder, { recursive: true });
  };
  return { release, [Symbol.asyncDispose]: release };
}
