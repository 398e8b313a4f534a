import type { BodyDecoder } from './body-decoder.js';

/** What stands behind `BDAT`: how many octets follow its line, and whether the message ends with them (RFC 3030 §2). */
export interface Chunk {
  readonly octets: number;
  readonly last: boolean;
}

/**
 * Reads the arguments of BDAT: `chunk-size [SP "LAST"]` (RFC 3030 §2).
 *
 * @param args - without outer spaces
 * @returns `null` for anything else, sizes beyond 2^53-1 among it: nobody can then know where the next command begins
 */
export function parseChunk(args: string): Chunk | null {
  const [, digits, last] = /^(\d+)(?: (LAST))?$/i.exec(args) ?? [];
  const octets = Number(digits);
  return Number.isSafeInteger(octets) ? { octets, last: last !== undefined } : null;
}

/** Whether a line that is no command was meant as a BDAT: octets follow it then, as many as nobody knows. */
export function isBdat(line: string): boolean {
  return /^BDAT/i.test(line);
}

/** Counts off the octets of one chunk. They are handed on as they are: nothing in them is a line, or an end. */
export class ChunkDecoder implements BodyDecoder {
  readonly bareNewline = false;
  readonly whole: boolean;
  #left: number;

  constructor({ octets, last }: Chunk) {
    this.#left = octets;
    this.whole = last;
  }

  decode(chunk: Buffer, from: number, take: (slice: Buffer) => void): number {
    const end = Math.min(chunk.length, from + this.#left);
    this.#left -= end - from;
    if (end > from) take(from === 0 && end === chunk.length ? chunk : chunk.subarray(from, end));
    return this.#left === 0 ? end : -1;
  }
}
