import { closeSync, openSync, readFileSync } from 'node:fs';

/** How often it may be said that none is left. */
const A_MINUTE_MS = 60_000;

/**
 * Notices that the process has no file descriptor left. Nobody says so otherwise: clients beyond the limit are accepted and
 * closed below Node, without an event, and then certificates cannot be read again either.
 */
export class Descriptors {
  readonly #limit: number;
  #silentUntil = 0;

  /** @param limit - how many the process may have; where the system does not say, nothing is noticed */
  constructor(limit: number = openFilesLimit()) {
    this.#limit = limit;
  }

  /**
   * @param connections - how many are open. It is looked only when they are many: that costs some microseconds
   * @returns whether it has to be said now
   */
  ranOut(connections: number, nowMs: number = performance.now()): boolean {
    if (connections < this.#limit / 2 || nowMs < this.#silentUntil || !noneLeft()) return false;
    this.#silentUntil = nowMs + A_MINUTE_MS;
    return true;
  }
}

function openFilesLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function noneLeft(): boolean {
  try {
    closeSync(openSync('/dev/null', 'r'));
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EMFILE' || (error as NodeJS.ErrnoException).code === 'ENFILE';
  }
}
