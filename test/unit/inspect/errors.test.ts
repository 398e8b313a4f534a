import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TlsSmtpError } from '../../../src/errors.js';
import { CipherListSyntaxError } from '../../../src/inspect/errors.js';

describe('CipherListSyntaxError', () => {
  it('names the item, its place and what was expected; a control character in it is printed harmless', () => {
    const error = new CipherListSyntaxError({ text: 'A\nB', index: 2, offset: 17 }, 'the name of a suite');
    assert.ok(error instanceof TlsSmtpError);
    const { message, code, fault, item, index, offset, expected } = error;
    assert.deepEqual(
      [code, fault, item, index, offset, expected],
      ['ERR_TLS_SMTP_CIPHER_LIST_SYNTAX', 'operator', 'A\nB', 2, 17, 'the name of a suite'],
    );
    assert.equal(message, "cipher list: item 2 (at offset 17) is 'A\\u{a}B', expected the name of a suite");
  });
});
