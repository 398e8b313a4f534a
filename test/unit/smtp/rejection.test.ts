import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TlsSmtpError } from '../../../src/errors.js';
import { reject } from '../../../src/smtp/rejection.js';

describe('reject', () => {
  it('makes what a handler throws', () => {
    assert.deepEqual(reject(550, '5.7.1', 'no').reply, { code: 550, enhanced: '5.7.1', lines: ['no'] });
  });

  it('refuses codes that are no refusal, and classes that differ (RFC 3463 §2)', () => {
    for (const [code, enhanced] of [
      [250, '2.0.0'],
      [550, '4.7.1'],
      [550, 'x'],
      [600, '5.0.0'],
      [45.5, '4.0.0'],
    ] as const) {
      assert.throws(() => reject(code, enhanced, 'x'), { code: 'ERR_TLS_SMTP_OPTION', message: /reject\(\) takes/ });
    }
  });

  it('is an Error, so that a stack is at hand, and no failure of this library', () => {
    const rejection = reject(451, '4.7.1', 'later');
    assert.ok(rejection instanceof Error && !(rejection instanceof TlsSmtpError));
    assert.deepEqual([rejection.name, rejection.message], ['SmtpRejection', '451 4.7.1 later']);
  });
});
