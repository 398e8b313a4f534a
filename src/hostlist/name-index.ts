import { type Glob, globMatches } from './glob.js';
import { NameTable, type PlacedName } from './name-table.js';
import type { Pattern } from './pattern.js';
import { NOWHERE } from './range-index.js';

/** The endings `*part.labels` of one `labels`, sorted out by the length of their `part`. */
interface Parts {
  readonly lengths: number[];
  readonly positions: Map<string, number>;
}

/**
 * Finds the first item that a host name matches: exact names and suffixes at a cost that does not depend on how many there
 * are; globs and regular expressions one after the other.
 */
export class NameIndex {
  readonly #table: NameTable | null;
  readonly #parts = new Map<string, Parts>();
  readonly #wildcards: { readonly position: number; readonly wildcard: Glob | RegExp }[] = [];

  /** @param patterns - all of a list; those that are not about names keep their places and do no more */
  constructor(patterns: readonly Pattern[]) {
    const names: PlacedName[] = [];
    for (const [position, pattern] of patterns.entries()) {
      if (pattern.kind === 'name') names.push({ text: pattern.name, isSuffix: false, position });
      if (pattern.kind === 'glob') this.#wildcards.push({ position, wildcard: pattern.glob });
      if (pattern.kind === 'regex') this.#wildcards.push({ position, wildcard: pattern.regex });
      if (pattern.kind !== 'suffix') continue;
      if (pattern.part === null) names.push({ text: pattern.labels, isSuffix: true, position });
      else this.#addPart(pattern.labels, pattern.part, position);
    }
    this.#table = names.length === 0 ? null : new NameTable(names);
  }

  /** @returns where the first item stands that the name matches, {@link NOWHERE} where none does */
  find(name: string): number {
    let best = this.#table?.find(name) ?? NOWHERE;
    if (this.#parts.size > 0) best = Math.min(best, this.#findPart(name));
    for (const { position, wildcard } of this.#wildcards) {
      if (position >= best) break;
      if (wildcard instanceof RegExp ? wildcard.test(name) : globMatches(wildcard, name)) return position;
    }
    return best;
  }

  #findPart(name: string): number {
    let best = NOWHERE;
    let start = 0;
    while (start <= name.length) {
      const dot = name.indexOf('.', start);
      const end = dot === -1 ? name.length : dot;
      const parts = this.#parts.get(name.slice(end + 1));
      for (const length of parts?.lengths ?? []) {
        const position = length > end - start ? undefined : parts?.positions.get(name.slice(end - length, end));
        if (position !== undefined && position < best) best = position;
      }
      start = end + 1;
    }
    return best;
  }

  #addPart(labels: string, part: string, position: number): void {
    const parts = this.#parts.get(labels) ?? { lengths: [], positions: new Map<string, number>() };
    this.#parts.set(labels, parts);
    if (!parts.lengths.includes(part.length)) parts.lengths.push(part.length);
    if (!parts.positions.has(part)) parts.positions.set(part, position);
  }
}
