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

  it('takes for a refusal what is returned and cannot mean yes; in place of a greeting it is a 554', async () => {
    const codes: number[] = [];
    for (const value of [false, reject(552, '5.3.4', 'full'), new Error('secret'), null, 0, true, {}]) {
      const reported: Error[] = [];
      const verdicts = [() => value, async () => value].map((call) =>
        consult(
          'onX',
          call,
          () => OK,
          (error) => reported.push(error),
        ),
      );
      const [sync, later] = await Promise.all(verdicts);
      assert.deepEqual(sync, later);
      assert.equal(reported.length, sync?.code === 451 ? 2 : 0);
      codes.push(sync?.code ?? 0);
    }
    assert.deepEqual(codes, [550, 552, 451, 250, 250, 250, 250]);
    const greeting = await consult(
      'onConnect',
      () => false,
      () => OK,
      assert.fail,
    );
    assert.equal(greeting.code, 554);
  });

  it('hands on what the handler returned, a thenable of any kind included', async () => {
    const told: unknown[] = [];
    const accepted = (value: unknown): typeof OK => {
      told.push(value);
      return OK;
    };
    consult('onX', () => 'sync', accepted, assert.fail);
    const thenable = { then: (resolve: (value: string) => void): void => resolve('thenable') };
    await consult('onX', () => thenable, accepted, assert.fail);
    await consult('onX', async () => 'async', accepted, assert.fail);
    assert.deepEqual(told, ['sync', 'thenable', 'async']);
  });

  it('reports which handler failed, with what it threw as the cause and nowhere else', () => {
    const reported: unknown[] = [];
    for (const thrown of [new Error('secret'), 'text', undefined]) {
      const fail = (): never => {
        throw thrown;
      };
      consult(
        'onMailFrom',
        fail,
        () => OK,
        (error) => reported.push([error.code, error.phase, error.fault, error.cause === thrown]),
      );
    }
    assert.deepEqual(reported, Array(3).fill(['ERR_TLS_SMTP_HANDLER_FAILED', 'session', 'caller', true]));
  });
});
