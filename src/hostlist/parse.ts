import type { SourceItem } from '../exim-list.js';
import { HostListSyntaxError } from './errors.js';
import { type Pattern, type PatternContext, readPattern } from './pattern.js';

/** What to do about an item that cannot be decided; `null` where no marker stands before it. */
export type Marker = 'include' | 'ignore' | null;

export interface ListItem extends SourceItem {
  readonly negated: boolean;
  readonly pattern: Pattern;
  /** `+include_unknown`, `+ignore_unknown`: the peer's name, or a name's address, is not known. */
  readonly onUnknown: Marker;
  /** `+include_defer`, `+ignore_defer`: DNS has no answer for now. */
  readonly onDefer: Marker;
}

/** Enough for any list that is kept by hand or by a program; a bound all the same. */
const MAX_ITEMS = 1_000_000;

const MARKER = /^\+(include|ignore)_(unknown|defer)$/i;

/**
 * Reads the items of a list, first to last.
 *
 * @param maxGlobs - how many globs and regular expressions together are taken: they are the part whose cost grows
 * @throws {HostListSyntaxError} that names the first item that cannot be read
 */
export function parseItems(
  source: readonly SourceItem[],
  context: PatternContext,
  maxGlobs: number,
): readonly ListItem[] {
  const items: ListItem[] = [];
  let [onUnknown, onDefer, globs]: [Marker, Marker, number] = [null, null, 0];
  for (const one of source) {
    const marker = one.text.startsWith('+') ? MARKER.exec(one.text) : null;
    if (marker !== null && context.hasList !== null) {
      const word = marker[1]?.toLowerCase() === 'include' ? 'include' : 'ignore';
      if (marker[2]?.toLowerCase() === 'unknown') onUnknown = word;
      else onDefer = word;
      continue;
    }
    const negated = one.text.startsWith('!');
    const text = negated ? one.text.slice(1).trimStart() : one.text;
    if (negated && text === '') throw new HostListSyntaxError(one, 'an item behind the !');
    const pattern = readPattern(text, context);
    if (typeof pattern === 'string') throw new HostListSyntaxError(one, pattern);
    if (pattern.kind === 'glob' || pattern.kind === 'regex') globs++;
    if (globs > maxGlobs)
      throw new HostListSyntaxError(one, `at most ${maxGlobs} globs and regular expressions (maxGlobs)`);
    if (items.length === MAX_ITEMS) throw new HostListSyntaxError(one, `at most ${MAX_ITEMS} items`);
    items.push({ text: one.text, index: one.index, offset: one.offset, negated, pattern, onUnknown, onDefer });
  }
  return items;
}

/**
 * Reads the lines of an included file: `#` begins a comment wherever it stands, and blank lines are nothing.
 * The index of an item is that of its line, from 0.
 */
export function linesOf(text: string): SourceItem[] {
  const lines = text.split('\n').map((line, index) => ({ text: line.replace(/#.*/s, '').trim(), index, offset: 0 }));
  return lines.filter((line) => line.text !== '');
}
