import { TlsSmtpError } from '../errors.js';
import { printable } from '../inspect/printable.js';

/** An item of a host list cannot be read. It is never guessed at: a list that says who must use TLS is exact or refused. */
export class HostListSyntaxError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_HOST_LIST_SYNTAX' as const;
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
  /** The named list that the item stands in; `null` in the list itself. */
  readonly list: string | null;

  constructor(
    where: { readonly text: string; readonly index: number; readonly offset: number },
    expected: string,
    list: string | null = null,
  ) {
    const name = list === null ? 'host list' : `host list +${printable(list, 100)}`;
    const place = `item ${where.index} (at offset ${where.offset})`;
    super(`${name}: ${place} is '${printable(where.text, 100)}', expected ${expected}`);
    this.list = list;
    this.item = where.text;
    this.index = where.index;
    this.offset = where.offset;
    this.expected = expected;
  }
}
