import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  AbortError,
  ConnectFailedError,
  MessageSourceError,
  ReplyUnexpectedError,
  VerificationFailedError,
} from '../../../src/client/errors.js';

describe('client errors', () => {
  it('carry facts as fields and say them in words, without the server’s own', () => {
    const refused = new ReplyUnexpectedError('greeting', { code: 554, lines: ['\u001b[31mgo away'] });
    assert.deepEqual(
      [refused.message, refused.temporary, refused.reply],
      ['the server answered 554 (greeting)', false, { code: 554, lines: ['\\u{1b}[31mgo away'] }],
    );
    assert.equal(
      new VerificationFailedError('CERT_HAS_EXPIRED').message,
      "the server's certificate is not verified (CERT_HAS_EXPIRED)",
    );
    const failed = new ConnectFailedError('mx.test', 25, Object.assign(new Error('x'), { code: 'ECONNREFUSED' }));
    assert.equal(failed.message, 'no connection to mx.test port 25 (ECONNREFUSED)');
  });

  it('that end a delivery carry its result, the cause, and the name by which an abort is known', () => {
    const result = { status: 'deferred', recipients: [], attempts: [] } as const;
    const cause = new Error('mine');
    const [aborted, source] = [new AbortError(result, cause), new MessageSourceError(result, cause)];
    assert.deepEqual(
      [aborted.name, aborted.fault, aborted.result, aborted.cause, source.fault, source.result, source.cause],
      ['AbortError', 'caller', result, cause, 'caller', result, cause],
    );
  });
});
