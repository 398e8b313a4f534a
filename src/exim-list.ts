import { OptionError } from './errors.js';

/** An item of a list as it is written. */
export interface SourceItem {
  /** Without the white space around it. */
  readonly text: string;
  /** Which item it is, from 0. */
  readonly index: number;
  /** Where it begins in the list's text, in UTF-16 units from 0; 0 in an array, whose items stand alone. */
  readonly offset: number;
}

/** What C calls isspace() and ispunct() or iscntrl(), as Exim's tokeniser does. */
const SPACE = /[ \t\n\v\f\r]/;
const SEPARATOR = /[!-/:-@[-`{-~]|\p{Cc}/u;
const CONTROL = /\p{Cc}/u;

/**
 * The items of a list as it is given: a string in Exim's syntax, or an array, in which no character separates and none need be
 * doubled.
 *
 * @param what - what the list is, for errors: `host list`
 * @throws {OptionError} where it is neither
 */
export function itemsOf(what: string, source: string | readonly string[]): readonly SourceItem[] {
  if (typeof source === 'string') return splitItems(source);
  if (!Array.isArray(source)) throw new OptionError(what, 'must be a string or an array of strings');
  return source.map((one: unknown, index) => {
    if (typeof one !== 'string') throw new OptionError(`${what}[${index}]`, 'must be a string');
    return { text: one.trim(), index, offset: 0 };
  });
}

/**
 * Cuts a list at its separators: `:`, or what a leading `<x` names. A doubled separator is one literal character, unless it
 * is a control character. An empty item at the very end is none.
 *
 * @see Exim manual, "List construction"; string_nextinlist() in its source
 */
export function splitItems(list: string): SourceItem[] {
  const items: SourceItem[] = [];
  let at = skipSpace(list, 0, '');
  let separator = ':';
  if (list[at] === '<' && SEPARATOR.test(list[at + 1] ?? 'x')) {
    separator = list[at + 1] ?? separator;
    at += 2;
  }
  const doubles = !CONTROL.test(separator);
  for (at = skipSpace(list, at, separator); at < list.length; at = skipSpace(list, at, separator)) {
    const offset = at;
    let text = '';
    for (; at < list.length; at++) {
      const end = list.indexOf(separator, at);
      text += list.slice(at, end === -1 ? list.length : end);
      at = end === -1 ? list.length : end;
      if (end === -1 || !doubles || list[at + 1] !== separator) break;
      text += separator;
      at++;
    }
    items.push({ text: text.trimEnd(), index: items.length, offset });
    at++;
  }
  return items;
}

function skipSpace(text: string, from: number, separator: string): number {
  let at = from;
  while (at < text.length && text[at] !== separator && SPACE.test(text[at] ?? '')) at++;
  return at;
}
