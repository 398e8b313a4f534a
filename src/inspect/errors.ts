import { TlsSmtpError } from '../errors.js';
import type { SourceItem } from '../exim-list.js';
import { printable } from './printable.js';

/** An item of a cipher list cannot be read. It is never guessed at: a name that no suite can have would match nobody, or with `!` everybody. */
export class CipherListSyntaxError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_CIPHER_LIST_SYNTAX' as const;
  readonly phase = 'configuration' as const;
  readonly fault = 'operator' as const;
  readonly temporary = false;

  /** The item as it stands in the list, without the white space around it. */
  readonly item: string;
  /** Which item it is, from 0. */
  readonly index: number;
  /** Where the item begins in the list's text, in UTF-16 units from 0; in an array, whose items stand alone, 0. */
  readonly offset: number;
  /** What would have been right, in words. */
  readonly expected: string;

  constructor({ text, index, offset }: SourceItem, expected: string) {
    super(`cipher list: item ${index} (at offset ${offset}) is '${printable(text, 100)}', expected ${expected}`);
    this.item = text;
    this.index = index;
    this.offset = offset;
    this.expected = expected;
  }
}
