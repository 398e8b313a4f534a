import { isSingle } from './address.js';
import { ItemIndex } from './item-index.js';
import type { Step } from './match.js';
import type { ListItem } from './parse.js';

/** Items in runs, each with an index of its own, and between them the files and named lists. */
export function stepsOf(items: readonly ListItem[]): Step[] {
  const steps: Step[] = [];
  let run: ListItem[] = [];
  const flush = (): void => {
    if (run.length > 0) steps.push({ kind: 'items', index: new ItemIndex(run) });
    run = [];
  };
  for (const item of items) {
    const { kind } = item.pattern;
    if (kind !== 'file' && kind !== 'list') {
      run.push(item);
      continue;
    }
    flush();
    steps.push({ kind, item });
  }
  flush();
  return steps;
}

/** Items by kind. Files and named lists are not looked into. */
export interface HostListStats {
  readonly addresses: number;
  readonly networks: number;
  readonly names: number;
  readonly suffixes: number;
  readonly globs: number;
  readonly regexes: number;
}

export function statsOf(items: readonly ListItem[]): HostListStats {
  const stats = { addresses: 0, networks: 0, names: 0, suffixes: 0, globs: 0, regexes: 0 };
  for (const { pattern } of items) {
    if (pattern.kind === 'network' && isSingle(pattern.network)) stats.addresses++;
    else if (pattern.kind === 'network') stats.networks++;
    else if (pattern.kind === 'name') stats.names++;
    else if (pattern.kind === 'suffix') stats.suffixes++;
    else if (pattern.kind === 'glob') stats.globs++;
    else if (pattern.kind === 'regex') stats.regexes++;
  }
  return Object.freeze(stats);
}
