import type { SourceItem } from '../exim-list.js';
import { ListSyntaxError } from '../inspect/errors.js';
import { printable } from '../inspect/printable.js';

/** Of a host list: one that says who must use TLS means what it says, or is refused. */
export class HostListSyntaxError extends ListSyntaxError {
  readonly code = 'ERR_TLS_SMTP_HOST_LIST_SYNTAX' as const;

  /** The named list that the item stands in; `null` in the list itself. */
  readonly list: string | null;

  constructor(item: SourceItem, expected: string, list: string | null = null) {
    super(list === null ? 'host list' : `host list +${printable(list, 100)}`, item, expected);
    this.list = list;
  }
}
