import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ForcedFailure, OptionError, TlsSmtpError } from '../../src/errors.js';

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

describe('ForcedFailure', () => {
  it('is an Error of the application and none of ours, and can be told by its class and name', () => {
    const error = new ForcedFailure('not for this host');
    assert.ok(error instanceof Error && !(error instanceof TlsSmtpError));
    assert.deepEqual([error.name, error.message], ['ForcedFailure', 'not for this host']);
  });
});
