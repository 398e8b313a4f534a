import { isUtf8 } from 'node:buffer';
import { isHarmless } from '../inspect/printable.js';

/** A command line, cut at its first space (RFC 5321 §4.1.1). What the arguments mean is the verb's own matter. */
export interface Command {
  /** Upper case. */
  readonly verb: string;
  /** What stands behind the verb, outer white space removed; empty where nothing does. */
  readonly args: string;
}

/** Why a line is no command. */
export type BadLine = 'nul' | 'control-character' | 'eight-bit' | 'empty';

/** The verbs of four letters, by {@link fourLetters}: most lines begin with one, and its text need not be made anew. */
const VERBS: ReadonlyMap<number, string> = new Map(
  ['EHLO', 'HELO', 'MAIL', 'RCPT', 'DATA', 'RSET', 'NOOP', 'QUIT', 'VRFY', 'HELP', 'AUTH', 'BDAT'].map((verb) => [
    fourLetters(verb),
    verb,
  ]),
);

/**
 * Parses one command line.
 *
 * The octets of a command are printable ASCII (RFC 5321 §4.1.2, §2.4), and nothing else is let in here: a NUL, CR or
 * ESC that reached a handler would reach a log or a header from there. MAIL and RCPT may hold addresses in UTF-8; whether
 * the client may use them is the verb's matter (RFC 6531 §3.4).
 *
 * @param text - the line without its end, one character per octet
 */
export function parseCommand(text: string): Command | BadLine {
  const { length } = text;
  let space = length;
  for (let at = 0; at < length; at++) {
    const octet = text.charCodeAt(at);
    if (octet < 0x20 || octet > 0x7e) return badLine(text);
    if (octet === 0x20 && at < space) space = at;
  }
  if (length === 0) return 'empty';
  const known = space === 4 ? VERBS.get(fourLetters(text)) : undefined;
  return { verb: known ?? text.slice(0, space).toUpperCase(), args: trimmed(text, space + 1) };
}

/** The first four letters as one number, whatever their case: no octet but a letter has the bits of a letter under 0xdf. */
function fourLetters(text: string): number {
  return (
    ((text.charCodeAt(0) & 0xdf) << 24) |
    ((text.charCodeAt(1) & 0xdf) << 16) |
    ((text.charCodeAt(2) & 0xdf) << 8) |
    (text.charCodeAt(3) & 0xdf)
  );
}

/** What stands from `start` on, without outer spaces; most of the time there are none to take off. */
function trimmed(text: string, start: number): string {
  const args = text.slice(start);
  return args.startsWith(' ') || args.endsWith(' ') ? args.trim() : args;
}

/** Few lines come here, so that the others are not looked at twice. */
function badLine(text: string): Command | BadLine {
  if (text.includes('\0')) return 'nul';
  if (!/[\x80-\xff]/.test(text)) return 'control-character';
  const octets = Buffer.from(text, 'latin1');
  if (!/^(?:MAIL|RCPT) /i.test(text) || !isUtf8(octets)) return 'eight-bit';
  const line = octets.toString('utf8');
  // C1 controls, and what turns the reading direction or cannot be seen: an address must be what it looks like.
  return isHarmless(line) ? { verb: line.slice(0, 4).toUpperCase(), args: line.slice(5) } : 'control-character';
}
