import { type Address, network, networkText } from './address.js';
import { MAX_LOOKUPS } from './match.js';
import type { ListItem } from './parse.js';

/** A list that can be read and is perhaps not what was meant; or a file of it that went bad. */
export interface HostListWarning {
  readonly kind:
    | 'never-matches'
    | 'ends-negative'
    | 'names-before-addresses'
    | 'negated-name'
    | 'host-bits'
    | 'open-suffix'
    | 'open-regex'
    | 'many-names'
    | 'file';
  /** The item as it is written. */
  readonly item: string;
  readonly index: number;
  readonly message: string;
}

/** The classic mistakes of host lists, in the order of the items. */
export function lintItems(items: readonly ListItem[]): HostListWarning[] {
  const warnings: HostListWarning[] = [];
  const covered = new Coverage();
  let firstName: ListItem | null = null;
  let names = 0;
  for (const item of items) {
    const warn = (kind: HostListWarning['kind'], message: string): void => {
      warnings.push({ kind, item: item.text, index: item.index, message });
    };
    const { pattern, negated } = item;
    const by = covered.by(item);
    if (by !== null) warn('never-matches', `it never decides: ${by.text} before it matches all that it matches`);
    covered.add(item);
    if (pattern.kind === 'network') {
      if (pattern.hostBits)
        warn('host-bits', `it means ${networkText(pattern.network)}: bits behind the prefix are cut off`);
      if (firstName !== null) {
        warn(
          'names-before-addresses',
          `${firstName.text} before it needs DNS: put addresses first, or the list may end there`,
        );
      }
    }
    if (isName(item)) {
      firstName ??= item;
      if (negated) {
        warn(
          'negated-name',
          'a peer without a confirmed name is not taken out: in a list of those who must do something it is skipped, in others the list ends',
        );
      }
    }
    if (pattern.kind === 'suffix' && pattern.part !== null) {
      warn('open-suffix', `it matches evil${pattern.part}... too: *. ends at a label`);
    }
    if (pattern.kind === 'regex' && !pattern.regex.source.endsWith('$')) {
      warn('open-regex', 'it has no $ at its end: it matches names that only begin so');
    }
    if (pattern.kind === 'name' && ++names === MAX_LOOKUPS + 1) {
      warn(
        'many-names',
        `for a peer whose own name is not listed each plain name is looked up: past ${MAX_LOOKUPS} the list is undecided`,
      );
    }
  }
  const last = items.at(-1);
  if (last?.negated && items.some((item) => !item.negated)) {
    const message =
      'the list ends with a negated item, so all hosts that no item matches are in it: put a positive item last';
    warnings.push({ kind: 'ends-negative', item: last.text, index: last.index, message });
  }
  return warnings;
}

function isName({ pattern: { kind } }: ListItem): boolean {
  return kind === 'name' || kind === 'suffix' || kind === 'glob' || kind === 'regex';
}

/** What the items so far match, as far as one of them alone covers another. */
class Coverage {
  readonly #byKey = new Map<string, ListItem>();
  readonly #prefixes: Readonly<Record<number, Set<number>>> = { 1: new Set(), 4: new Set() };

  /** The item that matches all that this one matches; for a plain name only the same one, for its addresses may match too. */
  by(item: ListItem): ListItem | null {
    for (const key of this.#keysAbove(item)) {
      const found = this.#byKey.get(key);
      if (found !== undefined) return found;
    }
    return null;
  }

  add(item: ListItem): void {
    const key = keyOf(item);
    if (key !== null && !this.#byKey.has(key)) this.#byKey.set(key, item);
    const { pattern } = item;
    if (pattern.kind === 'network') this.#prefixes[pattern.network.address.length]?.add(pattern.network.prefix);
  }

  *#keysAbove(item: ListItem): Generator<string> {
    yield 'any';
    const key = keyOf(item);
    if (key !== null) yield key;
    const { pattern } = item;
    if (pattern.kind === 'network') {
      const { address, prefix } = pattern.network;
      for (const shorter of this.#prefixes[address.length] ?? []) {
        if (shorter < prefix) yield networkKey(network(address, shorter).address, shorter);
      }
    }
    if (pattern.kind === 'suffix' && pattern.part === null) {
      for (let dot = pattern.labels.indexOf('.'); dot !== -1; dot = pattern.labels.indexOf('.', dot + 1)) {
        yield `*.${pattern.labels.slice(dot + 1)}`;
      }
    }
  }
}

function keyOf({ pattern, text }: ListItem): string | null {
  switch (pattern.kind) {
    case 'any':
    case 'local':
    case 'own-addresses':
      return pattern.kind;
    case 'network':
      return networkKey(pattern.network.address, pattern.network.prefix);
    case 'name':
      return pattern.name;
    case 'suffix':
      return pattern.part === null ? `*.${pattern.labels}` : `*${pattern.part}.${pattern.labels}`;
    case 'glob':
    case 'regex':
      return `pattern ${text.replace(/^!\s*/, '')}`;
    case 'file':
    case 'list':
      return null;
  }
}

function networkKey(address: Address, prefix: number): string {
  return `${address.join('.')}/${prefix}`;
}
