import micromatch from 'micromatch';

/** A pattern with wildcards, label by label. A text is a label as it is, a RegExp one with wildcards, `null` any number of labels. */
export type Glob = readonly (string | RegExp | null)[];

/**
 * The fence: of micromatch's languages only `*`, `?` and `[...]` are left, and only the characters of {@link ALLOWED}
 * reach it (parentheses and `+` would pass through the fence as they are, into the regular expression).
 */
const FENCE = {
  nocase: true,
  nobrace: true,
  noextglob: true,
  nonegate: true,
  noglobstar: true,
  strictBrackets: true,
} as const;

const ALLOWED = /^[a-z0-9_*?[\]^-]+$/;
const MAX_STARS_PER_LABEL = 2;
const MAX_OPEN_ENDS = 2;
/** RFC 1035 §2.3.4: a longer pattern matches no name. */
const MAX_LENGTH = 253;
const CLASS = /^\[\^?[a-z0-9_-]+\]/;

/**
 * Compiles a pattern in lower case. Each label becomes a regular expression of its own: micromatch over a whole name
 * takes 46 seconds for six stars and a name that somebody wrote into his PTR record, and two stars in one label of at
 * most 63 characters take microseconds.
 *
 * A `*` at the very beginning stands for anything, dots too (Exim); elsewhere it stays in its label. `**` as a whole
 * label stands for any number of labels, also none.
 *
 * @returns a text that says what was expected, where it is none
 */
export function readGlob(pattern: string): Glob | string {
  if (pattern.length > MAX_LENGTH) return `a pattern of at most ${MAX_LENGTH} characters`;
  const labels: (string | RegExp | null)[] = pattern.startsWith('*') && !pattern.startsWith('**') ? [null] : [];
  for (const label of pattern.replace(/\.$/, '').split('.')) {
    const compiled = label === '**' ? null : readLabel(label);
    if (compiled instanceof Fault) return compiled.expected;
    labels.push(compiled);
  }
  const open = labels.filter((label) => label === null).length;
  return open > MAX_OPEN_ENDS ? `at most ${MAX_OPEN_ENDS} ** in one pattern (a leading * counts as one)` : labels;
}

/** Whether a name in lower case matches. Each label is looked at a bounded number of times: no name makes it slow. */
export function globMatches(glob: Glob, name: string): boolean {
  const labels = name.split('.');
  const first = glob.indexOf(null);
  if (first === -1) return labels.length === glob.length && matchesAt(glob, 0, glob.length, labels, 0);
  const last = glob.lastIndexOf(null);
  const tail = glob.length - last - 1;
  const end = labels.length - tail;
  if (end < first || !matchesAt(glob, 0, first, labels, 0) || !matchesAt(glob, last + 1, tail, labels, end))
    return false;
  if (first === last) return true;
  // Between the two `**` the leftmost place is as good as any.
  const middle = last - first - 1;
  for (let at = first; at + middle <= end; at++) {
    if (matchesAt(glob, first + 1, middle, labels, at)) return true;
  }
  return false;
}

function matchesAt(glob: Glob, from: number, count: number, labels: readonly string[], at: number): boolean {
  for (let step = 0; step < count; step++) {
    const pattern = glob[from + step];
    const label = labels[at + step] ?? '';
    if (typeof pattern === 'string' ? pattern !== label : !pattern?.test(label)) return false;
  }
  return true;
}

/** Expected, and not found. */
class Fault {
  readonly expected: string;
  constructor(expected: string) {
    this.expected = expected;
  }
}

function readLabel(label: string): string | RegExp | Fault {
  if (label === '') return new Fault('a pattern without empty labels');
  if (!ALLOWED.test(label))
    return new Fault('letters, digits, - and _, with the wildcards * ? and [...]; nothing else');
  if (label.includes('**')) return new Fault('** only as a whole label');
  if ((label.match(/\*/g) ?? []).length > MAX_STARS_PER_LABEL) {
    return new Fault(`at most ${MAX_STARS_PER_LABEL} * in one label`);
  }
  if (!classesAreSound(label)) {
    return new Fault('a class such as [0-9] or [^a-f], closed in its label, with its ranges upward');
  }
  return /[*?[]/.test(label) ? micromatch.makeRe(label, FENCE) : label;
}

/** micromatch gives an expression that never matches for `[z-a]`, and says nothing. */
function classesAreSound(label: string): boolean {
  for (let at = 0; at < label.length; at++) {
    const character = label[at];
    if (character === ']' || character === '^') return false;
    if (character !== '[') continue;
    const [text] = CLASS.exec(label.slice(at)) ?? [];
    if (text === undefined) return false;
    try {
      new RegExp(text);
    } catch {
      return false;
    }
    at += text.length - 1;
  }
  return true;
}
