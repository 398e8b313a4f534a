import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { consult } from '../../../src/server/handlers.js';
import { reject } from '../../../src/smtp/rejection.js';

const OK = { code: 250, lines: ['ok'] };

describe('consult', () => {
  it('answers at once where the handler does, and later where it does', async () => {
    const sync = consult(
      'onX',
      () => 1,
      () => OK,
      assert.fail,
    );
    const later = consult(
      'onX',
      async () => 1,
      () => OK,
      assert.fail,
    );
    assert.equal(sync, OK);
    assert.ok(later instanceof Promise);
    assert.equal(await later, OK);
  });

  it('sends a rejection as it stands, and anything else as a 451 without its text', async () => {
    const reported: string[] = [];
    const report = (error: Error): void => void reported.push(error.message);
    const refuse = (): never => {
      throw reject(550, '5.7.1', 'no');
    };
    const fail = (): never => {
      throw new Error('secret');
    };
    const replies = await Promise.all([
      consult('onX', refuse, () => OK, report),
      consult(
        'onX',
        async () => refuse(),
        () => OK,
        report,
      ),
      consult('onX', fail, () => OK, report),
      consult(
        'onX',
        async () => fail(),
        () => OK,
        report,
      ),
    ]);
    assert.deepEqual(
      replies.map((reply) => reply.code),
      [550, 550, 451, 451],
    );
    assert.deepEqual(reported, Array(2).fill('onX failed with something other than a rejection'));
    assert.doesNotMatch(JSON.stringify(replies), /secret/);
  });
});
