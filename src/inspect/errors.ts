import { TlsSmtpError } from '../errors.js';
import type { SourceItem } from '../exim-list.js';
import { printable } from './printable.js';

/** An item of a list cannot be read. It is never guessed at: what a list says is exact, or refused. */
export abstract class ListSyntaxError extends TlsSmtpError {
  readonly phase = 'configuration' as const;
  readonly fault = 'operator' as const;
  readonly temporary = false;

  /** The item as it stands in the list, without the white space around it. */
  readonly item: string;
  /** Which item it is, from 0; markers such as `+ignore_unknown` count too. */
  readonly index: number;
  /** Where the item begins in the list's text, in UTF-16 units from 0; in an array, whose items stand alone, 0. */
  readonly offset: number;
  /** What would have been right, in words. */
  readonly expected: string;

  /** @param list - which one, in words: `host list` */
  constructor(list: string, { text, index, offset }: SourceItem, expected: string) {
    super(`${list}: item ${index} (at offset ${offset}) is '${printable(text, 100)}', expected ${expected}`);
    this.item = text;
    this.index = index;
    this.offset = offset;
    this.expected = expected;
  }
}

/** Of a list of cipher suites: a name that no suite can have would match nobody, or with `!` everybody. */
export class CipherListSyntaxError extends ListSyntaxError {
  readonly code = 'ERR_TLS_SMTP_CIPHER_LIST_SYNTAX' as const;

  constructor(item: SourceItem, expected: string) {
    super('cipher list', item, expected);
  }
}
