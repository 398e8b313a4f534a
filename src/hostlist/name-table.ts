import { NOWHERE } from './range-index.js';

/** A name, or the domain behind `*.`, and where in the list it stands. */
export interface PlacedName {
  readonly text: string;
  readonly isSuffix: boolean;
  readonly position: number;
}

const DOT = 0x2e;
/** FNV-1a, run from the end of a name, so that one pass gives the hash of each of its ends. */
const [OFFSET, PRIME] = [0x811c9dc5 | 0, 0x01000193];
const MAX_NAME = 253;

/** What the table knows of one text. */
interface Entry {
  readonly text: string;
  name: number;
  suffix: number;
}

/**
 * Exact names and `*.suffix` in one hash table with open addressing: a Map would need a new string, its hash and three
 * far-off reads for each label of a name. A peer that chooses its name to collide gains one comparison of texts.
 */
export class NameTable {
  /** The hash of a slot's text, 0 where it is free: a miss, which most look-ups are, reads nothing else. */
  readonly #hashes: Int32Array;
  readonly #entries: (Entry | undefined)[];
  readonly #mask: number;
  /** Whether any suffix has that many characters. */
  readonly #suffixLengths = new Uint8Array(MAX_NAME + 1);

  /** @param names - in lower case, in the order of the list: of two alike the first counts */
  constructor(names: readonly PlacedName[]) {
    const count = 2 ** Math.ceil(Math.log2(2 * names.length + 1));
    this.#mask = count - 1;
    this.#hashes = new Int32Array(count);
    this.#entries = new Array(count);
    for (const name of names) this.#add(name);
  }

  /** @returns the least position of the name itself or of a suffix of it, {@link NOWHERE} where there is none */
  find(name: string): number {
    let hash = OFFSET;
    let best = NOWHERE;
    for (let at = name.length - 1; at >= 0; at--) {
      const code = name.charCodeAt(at);
      if (code === DOT && this.#suffixLengths[name.length - at - 1] === 1) {
        best = Math.min(best, this.#entry(hash, name, at + 1)?.suffix ?? NOWHERE);
      }
      hash = Math.imul(hash ^ code, PRIME);
    }
    return Math.min(best, this.#entry(hash, name, 0)?.name ?? NOWHERE);
  }

  #entry(hash: number, name: string, from: number): Entry | undefined {
    const slot = this.#slot(hash, name, from);
    return this.#hashes[slot] === 0 ? undefined : this.#entries[slot];
  }

  /** The slot of the text `name[from, end)`, or the free one where it belongs. */
  #slot(hash: number, name: string, from: number): number {
    for (let slot = (hash ^ (hash >>> 16)) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const found = this.#hashes[slot];
      if (found === 0) return slot;
      if (found !== (hash || 1)) continue;
      const text = this.#entries[slot]?.text ?? '';
      if (text.length === name.length - from && name.endsWith(text)) return slot;
    }
  }

  #add({ text, isSuffix, position }: PlacedName): void {
    let hash = OFFSET;
    for (let at = text.length - 1; at >= 0; at--) hash = Math.imul(hash ^ text.charCodeAt(at), PRIME);
    const slot = this.#slot(hash, text, 0);
    const entry = this.#entries[slot] ?? { text, name: NOWHERE, suffix: NOWHERE };
    this.#hashes[slot] = hash || 1;
    this.#entries[slot] = entry;
    if (isSuffix) this.#suffixLengths[text.length] = 1;
    if (isSuffix) entry.suffix = Math.min(entry.suffix, position);
    else entry.name = Math.min(entry.name, position);
  }
}
