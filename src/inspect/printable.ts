/** Controls, bidi overrides, zero-width and line separators, lone surrogates, the backslash that does the escaping. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\\]/gu;

/**
 * Makes a peer's text safe for any place where it is printed: a log line, a header, a terminal.
 * What could move a cursor, end a line or turn the reading direction becomes `\u{…}`, a backslash becomes two.
 *
 * @param maxLength - in characters of the result; what is cut off leaves `...`
 */
export function printable(text: string, maxLength: number): string {
  const safe = text.slice(0, maxLength + 1).replace(UNPRINTABLE, escaped);
  return safe.length <= maxLength
    ? safe
    : `${safe.slice(0, Math.max(0, maxLength - 3)).replace(/[\ud800-\udbff]$/, '')}...`;
}

function escaped(character: string): string {
  return character === '\\' ? '\\\\' : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
