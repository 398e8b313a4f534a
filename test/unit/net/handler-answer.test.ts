import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { refusal, returnedRefusal, WORDS } from '../../../src/net/handler-answer.js';
import { HandlerTimeoutError } from '../../../src/net/starttls-errors.js';
import { reject } from '../../../src/smtp/rejection.js';

const OWN = { denied: { code: 554, lines: ['no'] }, problem: { code: 421, lines: ['later'] } };

describe('handler-answer', () => {
  it('says what a rejection says, and of anything else that was thrown only that there is a problem', () => {
    const told: Error[] = [];
    const failed = (error: Error): void => void told.push(error);
    assert.equal(refusal('onX', reject(550, '5.7.1', 'no'), failed).lines[0], 'no');
    assert.equal(told.length, 0);
    for (const thrown of [new Error('secret'), 'secret', undefined, new HandlerTimeoutError('secret', 20)]) {
      const reply = refusal('onX', thrown, failed);
      assert.deepEqual([reply.code, reply.enhanced], [451, '4.3.0']);
      assert.doesNotMatch(JSON.stringify(reply), /secret/);
      assert.equal(refusal('onX', thrown, failed, OWN), OWN.problem);
    }
    assert.deepEqual(
      told.map(({ message }) => message),
      Array(8).fill('onX failed with something other than a rejection'),
    );
  });

  it('takes for a refusal what is returned and cannot mean yes', () => {
    const told: Error[] = [];
    const failed = (error: Error): void => void told.push(error);
    for (const yes of [undefined, null, true, 0, '', 'text', {}]) {
      assert.equal(returnedRefusal('onX', yes, failed), null, String(yes));
    }
    assert.equal(returnedRefusal('onX', reject(421, '4.7.0', 'later'), failed)?.code, 421);
    assert.equal(told.length, 0);
    assert.equal(returnedRefusal('onX', new Error('secret'), failed), WORDS.problem);
    assert.equal(returnedRefusal('onX', new Error('secret'), failed, OWN), OWN.problem);
    assert.equal(told.length, 2);
    assert.equal(returnedRefusal('onX', false, failed)?.code, 550);
    assert.equal(returnedRefusal('onX', false, failed, OWN), OWN.denied);
  });
});
