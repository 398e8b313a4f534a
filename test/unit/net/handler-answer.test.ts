import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { refusal, returnedRefusal } from '../../../src/net/handler-answer.js';
import { HandlerTimeoutError } from '../../../src/net/starttls-errors.js';
import { reject } from '../../../src/smtp/rejection.js';

describe('handler-answer', () => {
  it('says what a rejection says, and of anything else that was thrown only that there is a problem', () => {
    const told: Error[] = [];
    const failed = (error: Error): void => void told.push(error);
    assert.equal(refusal('onX', reject(550, '5.7.1', 'no'), failed).lines[0], 'no');
    assert.equal(told.length, 0);
    const secret = refusal('onX', new Error('secret'), failed);
    assert.deepEqual([secret.code, secret.enhanced], [451, '4.3.0']);
    assert.doesNotMatch(JSON.stringify(secret), /secret/);
    const tls = refusal('onStartTls', new HandlerTimeoutError('onStartTls', 20), failed);
    assert.deepEqual([tls.code, tls.enhanced], [451, '4.7.1']);
    assert.deepEqual(
      told.map(({ message }) => message),
      ['onX failed with something other than a rejection', told[1]?.message],
    );
    assert.ok(told[1] instanceof HandlerTimeoutError);
  });

  it('takes for a refusal what is returned and cannot mean yes', () => {
    const told: Error[] = [];
    const failed = (error: Error): void => void told.push(error);
    for (const yes of [undefined, null, true, 0, '', 'text', {}]) {
      assert.equal(returnedRefusal('onX', yes, failed), null, String(yes));
    }
    assert.equal(returnedRefusal('onX', reject(421, '4.7.0', 'later'), failed)?.code, 421);
    assert.equal(told.length, 0);
    assert.equal(returnedRefusal('onX', new Error('secret'), failed)?.code, 451);
    assert.equal(told.length, 1);
    assert.deepEqual(returnedRefusal('onX', false, failed)?.code, 550);
    const denied = { code: 554, lines: ['no'] };
    assert.equal(returnedRefusal('onX', false, failed, denied), denied);
  });
});
