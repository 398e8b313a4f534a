import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { replies } from '../../../src/server/replies.js';
import { Tally } from '../../../src/server/tally.js';

const LIMITS = { maxErrors: 3, maxIdleCommands: 5 };

/** What a session says to so many replies: how many go by, and the reply that ends it. */
function said(...counted: readonly (readonly [number, 'message' | 'in-transaction' | 'command'])[]): unknown {
  const tally = new Tally(LIMITS);
  for (const [index, [code, replied]] of counted.entries()) {
    const over = tally.count(code, replied);
    if (over !== null) return [index + 1, over.reply.code, over.reason];
  }
  return null;
}

const times = <T>(count: number, one: T): T[] => Array<T>(count).fill(one);

describe('Tally', () => {
  it('ends with the errors: 500 to 504, and none besides', () => {
    assert.deepEqual(said([500, 'command'], [501, 'command'], [504, 'command']), [3, 421, 'too many errors']);
    assert.equal(said([550, 'command'], [555, 'command'], [451, 'command']), null);
  });

  it('ends with passwords that are wrong (535)', () => {
    assert.deepEqual(said(...times(3, [535, 'command'] as const)), [3, 421, 'too many errors']);
  });

  it('ends with the commands without mail; what builds a transaction is none of them, what is refused in it is', () => {
    assert.deepEqual(said(...times(9, [250, 'command'] as const)), [5, 421, 'too many commands']);
    assert.equal(said(...times(500, [250, 'in-transaction'] as const)), null);
    assert.deepEqual(said(...times(9, [550, 'in-transaction'] as const)), [5, 421, 'too many commands']);
  });

  it('a message that is accepted makes up for what came before, one that is refused does not', () => {
    const four = times(4, [250, 'command'] as const);
    assert.equal(said(...four, [250, 'message'], ...four), null);
    assert.deepEqual(said(...four, [552, 'message'], ...four), [5, 421, 'too many commands']);
  });

  it('keeps its errors over a message', () => {
    const over = said([500, 'command'], [500, 'command'], [250, 'message'], [500, 'command']);
    assert.deepEqual(over, [4, replies.tooManyErrors.code, 'too many errors']);
  });
});
