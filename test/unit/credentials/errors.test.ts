import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import {
  CredentialError,
  CredentialInvalidError,
  CredentialMissingError,
  CredentialUnreadableError,
  causeCode,
  KeyMismatchError,
} from '../../../src/credentials/errors.js';
import { TlsSmtpError } from '../../../src/errors.js';

describe('credential errors', () => {
  it('name option, file and system error', () => {
    const error = new CredentialUnreadableError(
      'tls.certificate',
      '/c.pem',
      Object.assign(new Error('x'), { code: 'EACCES' }),
    );
    assert.deepEqual(
      [error.message, error.option, error.source, error.systemError, error.temporary],
      ['tls.certificate: /c.pem: cannot be read (EACCES)', 'tls.certificate', '/c.pem', 'EACCES', true],
    );
    assert.deepEqual([causeCode(null), causeCode({ code: 5 })], ['no further code', 'no further code']);
  });
});

describe('credential errors, SPEC §8', () => {
  const cause = Object.assign(new Error('x'), { code: 'ENOENT' });
  const table: [TlsSmtpError, object][] = [
    [
      new CredentialUnreadableError('tls.certificate', '/c.pem', cause),
      { name: 'CredentialUnreadableError', code: 'ERR_TLS_SMTP_CREDENTIAL_UNREADABLE', temporary: true, named: true },
    ],
    [
      new CredentialInvalidError('tls.certificate', '/c.pem', 'is odd'),
      { name: 'CredentialInvalidError', code: 'ERR_TLS_SMTP_CREDENTIAL_INVALID', temporary: false, named: true },
    ],
    [
      new KeyMismatchError('tls.privateKey', '/k.pem', 'is odd'),
      { name: 'KeyMismatchError', code: 'ERR_TLS_SMTP_KEY_MISMATCH', temporary: false, named: true },
    ],
    [
      new CredentialMissingError(),
      { name: 'CredentialMissingError', code: 'ERR_TLS_SMTP_CREDENTIAL_MISSING', temporary: false, named: false },
    ],
  ];

  for (const [error, { named, ...expected }] of table.map(
    ([one, facts]) => [one, facts as { named: boolean }] as const,
  )) {
    it(`${error.name}: its name, its code, whose fault, and whether to try again`, () => {
      const { name, code, temporary, phase, fault } = error;
      assert.deepEqual({ name, code, temporary }, expected);
      assert.deepEqual([phase, fault], ['credentials', 'operator']);
      assert.ok(error instanceof TlsSmtpError && error instanceof Error);
      assert.equal(error instanceof CredentialError, named);
    });
  }

  it('keep a cause where there is one, and have none where there is none', () => {
    assert.equal(new CredentialUnreadableError('tls.certificate', '/c.pem', cause).cause, cause);
    assert.ok(!('cause' in new CredentialInvalidError('tls.certificate', '/c.pem', 'is odd')));
  });

  it('say the code of a cause, never its text', () => {
    const chatty = Object.assign(new Error('very secret'), { code: 'EIO' });
    assert.equal(
      new CredentialUnreadableError('tls.certificate', '/c.pem', chatty).message,
      'tls.certificate: /c.pem: cannot be read (EIO)',
    );
    assert.equal(new CredentialUnreadableError('tls.certificate', '/c.pem', undefined).systemError, 'no further code');
  });

  it('can be inspected and sent as JSON with their facts', () => {
    const error = new CredentialUnreadableError('tls.certificate', '/c.pem', cause);
    assert.match(inspect(error), /systemError: 'ENOENT'/);
    assert.equal(JSON.parse(JSON.stringify(error)).source, '/c.pem');
  });
});
