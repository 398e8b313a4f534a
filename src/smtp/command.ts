/** A command line, cut at its first space (RFC 5321 §4.1.1). What the arguments mean is the verb's own matter. */
export interface Command {
  /** Upper case. */
  readonly verb: string;
  /** What stands behind the verb, outer white space removed; empty where nothing does. */
  readonly args: string;
}

/** Why a line is no command. */
export type BadLine = 'nul' | 'control-character' | 'eight-bit' | 'empty';

const NOT_PRINTABLE = /[^\x20-\x7e]/;

/**
 * Parses one command line.
 *
 * The octets of a command are printable ASCII (RFC 5321 §4.1.2, §2.4), and nothing else is let in here: a NUL, CR or
 * ESC that reached a handler would reach a log or a header from there.
 *
 * @param text - the line without its end, one character per octet
 */
export function parseCommand(text: string): Command | BadLine {
  if (NOT_PRINTABLE.test(text)) return badLine(text);
  const space = text.indexOf(' ');
  if (space === -1) return text === '' ? 'empty' : { verb: text.toUpperCase(), args: '' };
  return { verb: text.slice(0, space).toUpperCase(), args: text.slice(space + 1).trim() };
}

function badLine(text: string): BadLine {
  if (text.includes('\0')) return 'nul';
  return /[\x80-\xff]/.test(text) ? 'eight-bit' : 'control-character';
}
