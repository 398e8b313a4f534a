import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HostListSyntaxError } from '../../../src/hostlist/errors.js';

describe('HostListSyntaxError', () => {
  it('names the item, where it stands and what was expected', () => {
    const error = new HostListSyntaxError({ text: '1.2.3', index: 2, offset: 11 }, 'an address');
    assert.equal(error.message, "host list: item 2 (at offset 11) is '1.2.3', expected an address");
    assert.deepEqual(
      [error.item, error.index, error.offset, error.expected, error.list, error.code, error.fault],
      ['1.2.3', 2, 11, 'an address', null, 'ERR_TLS_SMTP_HOST_LIST_SYNTAX', 'operator'],
    );
  });

  it('names the named list, and prints no control character', () => {
    const error = new HostListSyntaxError({ text: 'a\r\nb', index: 0, offset: 0 }, 'a name', 'rela\u001by');
    assert.equal(error.message, "host list +rela\\u{1b}y: item 0 (at offset 0) is 'a\\u{d}\\u{a}b', expected a name");
  });
});
