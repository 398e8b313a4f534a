/** What could move a cursor, end a line or turn the reading direction: controls, bidi, zero-width, separators, half characters. */
const HARMFUL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** The same, and the backslash that does the escaping. */
const HARMFUL_OR_BACKSLASH = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\\]/gu;

/**
 * Makes a peer's text safe for any place where it is printed: a log line, a header, a terminal.
 * What is harmful there becomes `\u{…}`, a backslash becomes two.
 *
 * @param maxLength - in characters of the result; what is cut off leaves `...`
 */
export function printable(text: string, maxLength: number): string {
  // One character more than fits tells that there is more; the rest of a megabyte is not even looked at.
  return cut(text.slice(0, maxLength + 1).replace(HARMFUL_OR_BACKSLASH, escaped), maxLength);
}

/**
 * What is harmful is escaped, the rest stays, backslashes too: for a text that may have been made printable already.
 *
 * @param write - for a text with a syntax of its own, which knows its own escape
 */
export function harmless(text: string, write: (character: string) => string = escaped): string {
  return text.replace(HARMFUL, write);
}

/** Whether nothing in a text is harmful where it is printed. */
export function isHarmless(text: string): boolean {
  return text.search(HARMFUL) === -1;
}

/** Shortens a printable text to `maxLength`; no character is cut in two. */
export function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const kept = text.slice(0, Math.max(0, maxLength - 3)).replace(/[\ud800-\udbff]$/, '');
  return `${kept}...`.slice(0, maxLength);
}

function escaped(character: string): string {
  return character === '\\' ? '\\\\' : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
