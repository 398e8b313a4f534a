import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Taken } from './contestants/contestant.js';
import { lostMessages, type Window } from './lane.js';
import type { Load } from './loads.js';

const load: Load = { kind: 'messages', pipelining: 'none', body: 'small', callers: 1 };

describe('a window of messages', () => {
  it('is good where the application has read every octet that was sent', () => {
    assert.equal(lostMessages(load, window({ messages: 3, octets: 3 * 2_048 })), null);
  });

  it('is bad where messages or octets are missing, or came twice', () => {
    for (const taken of [
      { messages: 2, octets: 3 * 2_048 },
      { messages: 3, octets: 3 * 2_048 - 1 },
      { messages: 4, octets: 4 * 2_048 },
    ]) {
      assert.match(
        lostMessages(load, window(taken)) ?? '',
        /^3 messages of 6144 octets were sent, the application has/,
      );
    }
  });

  it('of a server without an application has nothing to show', () => {
    assert.equal(lostMessages(load, window(null)), null);
  });
});

function window(taken: Taken | null): Window {
  const mark = { cpuMicros: 0, rss: 0 };
  return {
    before: { ...mark, taken: taken && { messages: 0, octets: 0 } },
    after: { ...mark, taken },
    ran: { operations: 3, records: 0, millis: [] },
  };
}
