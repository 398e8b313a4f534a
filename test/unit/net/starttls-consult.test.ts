import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TlsSmtpError } from '../../../src/errors.js';
import { askApplication } from '../../../src/net/starttls-consult.js';
import { HandlerTimeoutError } from '../../../src/net/starttls-errors.js';
import { reject } from '../../../src/smtp/rejection.js';

describe('askApplication', () => {
  it('makes a reply of every refusal and of every failure, and never sends what was thrown', async () => {
    const told: string[] = [];
    const failed = (error: TlsSmtpError): void => void told.push(error.code);
    const answers: [() => unknown, number | undefined][] = [
      [() => undefined, undefined],
      [() => true, undefined],
      [async () => 'yes', undefined],
      [() => false, 550],
      [async () => false, 550],
      [() => Promise.reject(reject(421, '4.7.0', 'not now')), 421],
      [() => Promise.reject(new Error('secret')), 451],
      [() => new Promise(() => {}), 451],
      [async () => new Proxy({}, { getPrototypeOf: () => assert.fail('secret') }), 451],
      [() => Promise.reject(new HandlerTimeoutError('its own', 1)), 451],
    ];
    for (const [call, code] of answers) assert.equal((await askApplication(call, 20, failed))?.code, code);
    const FAILED = 'ERR_TLS_SMTP_HANDLER_FAILED';
    assert.deepEqual(told, [FAILED, 'ERR_TLS_SMTP_HANDLER_TIMEOUT', FAILED, FAILED]);
  });
});
