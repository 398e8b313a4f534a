import { type BigIntStats, statSync } from 'node:fs';

/**
 * A time stamp this close to the moment of reading proves nothing: file systems count in ticks of up to 10 ms, and a
 * second change within one tick, of the same length, would look like none.
 */
const TICK_MS = 20;

/**
 * What a file looked like when it was read. One `stat` costs about 2 microseconds, a handshake about 700: cheap enough
 * to look before each connection, and a change is seen by the next one. Symbolic links are followed.
 */
export class WatchedFile {
  readonly path: string;
  readonly #seen: BigIntStats | undefined;
  readonly #settled: boolean;

  /** @param seen - taken before the content was read, so that a change during it is seen; `undefined`: not there */
  constructor(path: string, seen: BigIntStats | undefined) {
    this.path = path;
    this.#seen = seen;
    const changedMs = seen === undefined ? 0 : Math.max(Number(seen.mtimeMs), Number(seen.ctimeMs));
    this.#settled = Math.abs(Date.now() - changedMs) > TICK_MS;
  }

  static now(path: string): WatchedFile {
    return new WatchedFile(path, look(path));
  }

  /** Whether reading it again may give something else. */
  changed(): boolean {
    if (!this.#settled) return true;
    const [seen, now] = [this.#seen, look(this.path)];
    if (seen === undefined || now === undefined) return seen !== now;
    return (
      now.mtimeNs !== seen.mtimeNs ||
      now.ctimeNs !== seen.ctimeNs ||
      now.size !== seen.size ||
      now.ino !== seen.ino ||
      now.dev !== seen.dev
    );
  }
}

function look(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined; // not allowed, a loop of links: as good as not there
  }
}
