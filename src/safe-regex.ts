/** More than any pattern for a host or a cipher needs. */
const MAX_LENGTH = 1_000;

/**
 * Compiles the `^regex` of a list. It is the operator's own, but it meets names that a stranger chose (a PTR record), so
 * what can take exponential time is refused, as far as that can be told from its form.
 *
 * Not told: alternatives that overlap (`^(a|a)+$`), and several wildcards in a row (`^.*a.*b.*c$`), which take polynomial
 * time.
 *
 * @returns a text that says what was expected, where it is none
 */
export function readRegex(source: string): RegExp | string {
  if (source.length > MAX_LENGTH) return `a regular expression of at most ${MAX_LENGTH} characters`;
  let regex: RegExp;
  try {
    regex = new RegExp(source, 'i'); // Exim matches without case
  } catch {
    return 'a regular expression in the syntax of JavaScript';
  }
  return isNested(source)
    ? 'a regular expression in which no repeated group holds a quantifier or a back-reference: it could take for ever'
    : regex;
}

/** Whether a group that is repeated holds a quantifier or a back-reference, at any depth. The source has compiled. */
function isNested(source: string): boolean {
  const groups: boolean[] = [];
  let risky = false; // what the group being read holds
  for (let at = 0; at < source.length; at++) {
    const character = source[at];
    if (character === '[') {
      at = endOfClass(source, at);
    } else if (character === '(') {
      groups.push(risky);
      risky = false;
      if (source[at + 1] === '?') at++; // (?: (?= (?! (?<: a question mark that repeats nothing
    } else if (character === ')') {
      const repeated = quantifier(source, at + 1);
      if (risky && repeated > 1) return true;
      risky = (groups.pop() ?? false) || risky || repeated > 0;
    } else if (character === '\\') {
      at++;
      if (/[1-9k]/.test(source[at] ?? '')) risky = true;
    } else if (quantifier(source, at) > 0) {
      risky = true;
    }
  }
  return false;
}

/** @returns how often a quantifier at `at` can repeat what is before it; 0 where there is none */
function quantifier(source: string, at: number): number {
  if (source[at] === '?') return 1;
  if (source[at] === '*' || source[at] === '+') return Infinity;
  const braces = /^\{(\d+)(,?)(\d*)\}/.exec(source.slice(at, at + 20));
  if (braces === null) return source[at] === '{' ? Infinity : 0; // too long to read, or a literal brace: no name has one
  const [, least, comma, most] = braces;
  if (comma === '') return Number(least);
  return most === '' ? Infinity : Number(most);
}

function endOfClass(source: string, open: number): number {
  for (let at = open + 1; at < source.length; at++) {
    if (source[at] === '\\') at++;
    else if (source[at] === ']') return at;
  }
  return source.length;
}
