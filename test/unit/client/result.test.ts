import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StartTlsNotOfferedError } from '../../../src/client/errors.js';
import {
  merged,
  outcomeOf,
  type RecipientResult,
  recipientResult,
  statusOf,
  untried,
} from '../../../src/client/result.js';

const ok = { code: 250, lines: ['ok'] };
const busy = { code: 450, lines: ['busy'] };

describe('what became of a recipient', () => {
  it('goes by the first digit of the reply (RFC 5321 §4.2.1)', () => {
    const statuses = [250, 251, 354, 450, 550].map((code) => recipientResult('a@b', { code, lines: ['x'] }).status);
    assert.deepEqual(statuses, ['delivered', 'delivered', 'deferred', 'deferred', 'failed']);
  });

  it('hands on the server’s words so that they can be printed; ordinary ones stay as they are', () => {
    const { reply } = recipientResult('a@b', {
      code: 550,
      enhanced: '5.7.1',
      lines: ['no\r\n\u001b[2J\u0085', 'C:\\x'],
    });
    assert.deepEqual(reply, { code: 550, enhanced: '5.7.1', lines: ['no\\u{d}\\u{a}\\u{1b}[2J\\u{85}', 'C:\\x'] });
  });

  it('is one word for all where they agree, and partial where they do not', () => {
    const one = (code: number) => recipientResult('a@b', { code, lines: [] });
    assert.deepEqual(
      [statusOf([one(250), one(250)]), statusOf([one(550)]), statusOf([one(250), one(450)])],
      ['delivered', 'failed', 'partial'],
    );
  });

  it('takes the news of an attempt for those it was made for, by their place', () => {
    const [taken, later, unheard] = [recipientResult('a', ok), recipientResult('b', busy), untried('c')];
    assert.deepEqual(merged([taken, later, unheard], [recipientResult('b', ok)]), [
      taken,
      recipientResult('b', ok),
      unheard,
    ]);
    assert.deepEqual(merged([untried('a'), untried('a')], [recipientResult('a', ok), recipientResult('a', busy)]), [
      recipientResult('a', ok),
      recipientResult('a', busy),
    ]);
  });

  it('keeps an earlier reply where a later attempt learned nothing', () => {
    assert.deepEqual(merged([recipientResult('a', busy)], [untried('a')]), [recipientResult('a', busy)]);
  });
});

describe('the outcome of an attempt', () => {
  it('is accepted where anybody was served, and never where only refusals differ', () => {
    const one = (code: number): RecipientResult => recipientResult('a@b', { code, lines: [] });
    const lost: RecipientResult = { address: 'a@b', status: 'unknown', reply: null };
    const error = new StartTlsNotOfferedError(false);
    assert.deepEqual(
      [
        outcomeOf([one(250), one(450)], null),
        outcomeOf([one(550), one(450)], null),
        outcomeOf([one(550), one(550)], null),
        outcomeOf([one(550), lost], error),
        outcomeOf([one(550), untried('a@b')], error),
        outcomeOf([], error),
      ],
      ['accepted', 'deferred', 'failed', 'unknown', 'next-host', 'next-host'],
    );
  });
});
