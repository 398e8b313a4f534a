import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { TlsSmtpError } from '../../../src/errors.js';
import {
  HandlerFailedError,
  HandshakesBusyError,
  OutOfOrderError,
  PlaintextAfterStartTlsError,
} from '../../../src/net/starttls-errors.js';

describe('errors of STARTTLS', () => {
  it('count what a peer injected, and keep what an application threw out of their words', () => {
    assert.equal(new PlaintextAfterStartTlsError(7).discardedOctets, 7);
    const error = new HandlerFailedError('onStartTls', new Error('secret'));
    assert.deepEqual(
      [error.message, (error.cause as Error).message],
      ['onStartTls failed with something other than a rejection', 'secret'],
    );
  });
});

describe('errors of STARTTLS, SPEC §8', () => {
  for (const [error, expected] of [
    [new PlaintextAfterStartTlsError(7), ['ERR_TLS_SMTP_PLAINTEXT_AFTER_STARTTLS', 'starttls', 'peer', false]],
    [new HandshakesBusyError(256), ['ERR_TLS_SMTP_CONNECTION_LIMIT', 'starttls', 'network', true]],
    [new HandlerFailedError('onStartTls', 'x'), ['ERR_TLS_SMTP_HANDLER_FAILED', 'session', 'caller', true]],
    [new OutOfOrderError('x'), ['ERR_TLS_SMTP_STARTTLS_OUT_OF_ORDER', 'starttls', 'caller', false]],
  ] as const) {
    it(`${error.name}: its code, where it arose, whose fault, and whether to try again`, () => {
      assert.ok(error instanceof TlsSmtpError);
      assert.deepEqual([error.code, error.phase, error.fault, error.temporary], expected);
    });
  }

  it('say numbers: how many octets, how many handshakes', () => {
    assert.match(new PlaintextAfterStartTlsError(7).message, /^the peer sent 7 octets in clear behind STARTTLS/);
    assert.match(new HandshakesBusyError(256).message, /^256 TLS handshakes are under way already/);
  });

  it('hold no octet of the peer', () => {
    assert.deepEqual(Object.keys(new PlaintextAfterStartTlsError(7)).sort(), [
      'code',
      'discardedOctets',
      'fault',
      'name',
      'phase',
      'temporary',
    ]);
  });

  it('show what an application threw to those who inspect them, and not in their words', () => {
    const error = new HandlerFailedError('onStartTls', new Error('the text'));
    assert.ok(!error.message.includes('the text') && inspect(error).includes('the text'));
    assert.equal(error.handler, 'onStartTls');
  });
});
