import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OptionError, TlsSmtpError } from '../../src/errors.js';

describe('TlsSmtpError', () => {
  it('is told from all others by its class, and tells code, phase, fault and option', () => {
    const error: TlsSmtpError = new OptionError('tls.x', 'is wrong');
    assert.ok(error instanceof TlsSmtpError && error instanceof Error);
    assert.deepEqual(
      [error.name, error.message, error.code, error.phase, error.fault, error.temporary],
      ['OptionError', 'option tls.x is wrong', 'ERR_TLS_SMTP_OPTION', 'configuration', 'caller', false],
    );
  });
});
