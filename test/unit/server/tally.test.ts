import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkedLimits } from '../../../src/server/limits.js';
import { Tally } from '../../../src/server/tally.js';

type Counted = readonly [code: number, command: string, stage: 'new' | 'greeted' | 'transaction'];

/** What a session says to so many replies: after how many it ends, and why; `null`: it goes on. */
function said(...counted: readonly Counted[]): unknown {
  const tally = new Tally(checkedLimits({ maxErrors: 5, maxIdleCommands: 20, maxRecipients: 200 }));
  for (const [index, [code, command, stage]] of counted.entries()) {
    const over = tally.count(code, command, stage);
    if (over !== null) return [index + 1, over.reply.code, over.reason];
  }
  return null;
}

const times = (count: number, ...some: readonly Counted[]): Counted[] =>
  Array.from({ length: count }, () => some).flat();

const EHLO: Counted = [250, 'EHLO', 'greeted'];
const MAIL: Counted = [250, 'MAIL', 'transaction'];
const RCPT: Counted = [250, 'RCPT', 'transaction'];
const UNKNOWN_RCPT: Counted = [550, 'RCPT', 'transaction'];
const RSET: Counted = [250, 'RSET', 'greeted'];
const ACCEPTED: Counted = [250, 'onMessage', 'greeted'];

describe('Tally: faults, 500 to 504 and 535', () => {
  it('end the session at maxErrors, inside a transaction too, and no message makes up for them', () => {
    const codes = [500, 501, 503, 504, 535];
    assert.deepEqual(said(EHLO, ...codes.map((code) => [code, 'X', 'greeted'] as const)), [6, 421, 'too many errors']);
    assert.deepEqual(said(EHLO, MAIL, ...times(5, [501, 'RCPT', 'transaction'])), [7, 421, 'too many errors']);
    assert.deepEqual(said(EHLO, ...times(9, [503, 'RCPT', 'greeted'], ACCEPTED)), [10, 421, 'too many errors']);
  });

  it('three end it for a client that has not greeted (ALPACA); one that greeted before STARTTLS is no stranger', () => {
    assert.deepEqual(said(...times(5, [500, 'X', 'new'])), [3, 421, 'too many errors']);
    assert.deepEqual(said(EHLO, ...times(5, [500, 'X', 'new'])), [6, 421, 'too many errors']);
    assert.equal(said(...times(4, [250, 'NOOP', 'new'])), null);
  });
});

describe('Tally: refusals, all others of 5xx', () => {
  it('end the session at maxErrors', () => {
    assert.deepEqual(said(EHLO, ...times(9, [530, 'MAIL', 'greeted'])), [6, 421, 'too many errors']);
    assert.deepEqual(said(EHLO, ...times(9, [550, 'MAIL', 'greeted'])), [6, 421, 'too many errors']);
    assert.deepEqual(said(EHLO, ...times(9, [554, 'onMessage', 'greeted'])), [6, 421, 'too many errors']);
  });

  it('of recipients end no transaction, and a message that is accepted makes up for them', () => {
    const list = [MAIL, ...times(11, UNKNOWN_RCPT), RCPT, ACCEPTED];
    assert.equal(said(EHLO, ...times(50, ...list)), null);
  });

  it('somebody who guesses addresses is ended at maxErrors of them, or with the transaction', () => {
    assert.deepEqual(said(EHLO, ...times(9, MAIL, UNKNOWN_RCPT, RSET)), [16, 421, 'too many errors']);
    assert.deepEqual(said(EHLO, MAIL, ...times(60, UNKNOWN_RCPT), RSET), [63, 421, 'too many errors']);
  });

  it('a hundred recipients are heard to the end (RFC 5321 §4.5.3.1.8), and no more than a hundred', () => {
    assert.equal(said(EHLO, MAIL, ...times(100, UNKNOWN_RCPT), RCPT, ACCEPTED), null);
    assert.deepEqual(said(EHLO, MAIL, ...times(101, UNKNOWN_RCPT)), [103, 421, 'too many errors']);
  });

  it('for now (greylisting, 452 beyond maxRecipients) there may be as many as recipients', () => {
    const list = [MAIL, ...times(200, RCPT), ...times(200, [452, 'RCPT', 'transaction'] as const), ACCEPTED];
    assert.equal(said(EHLO, ...list, ...list), null);
    assert.deepEqual(said(EHLO, MAIL, ...times(250, [451, 'RCPT', 'transaction'])), [203, 421, 'too many errors']);
  });
});

describe('Tally: commands without mail', () => {
  it('end the session at maxIdleCommands; what builds a transaction is none of them, NOOP inside it is', () => {
    assert.deepEqual(said(EHLO, ...times(30, [250, 'NOOP', 'greeted'])), [20, 421, 'too many commands']);
    assert.equal(said(EHLO, MAIL, ...times(500, RCPT), ...times(500, [250, 'BDAT', 'transaction'])), null);
    assert.deepEqual(said(EHLO, MAIL, RCPT, ...times(30, [250, 'NOOP', 'transaction'])), [
      21,
      421,
      'too many commands',
    ]);
    assert.deepEqual(said(EHLO, ...times(30, MAIL, RSET)), [20, 421, 'too many commands']);
  });

  it('a message that is accepted makes up for what came before, one that is refused does not', () => {
    const noops = times(18, [250, 'NOOP', 'greeted'] as const);
    assert.equal(said(EHLO, ...noops, ACCEPTED, ...noops), null);
    assert.deepEqual(said(EHLO, ...noops, [451, 'onMessage', 'greeted'], ...noops), [20, 421, 'too many commands']);
  });
});
