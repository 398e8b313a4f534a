import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, it } from 'node:test';
import { say } from '../../../src/server/voice.js';

describe('the voice of the server', () => {
  it('is the channel tls-smtp:server', () => {
    const heard: unknown[] = [];
    const listen = (event: unknown): void => void heard.push(event);
    subscribe('tls-smtp:server', listen);
    say({ type: 'refused', id: 'a1', command: 'rcpt', reason: 'rule 2 says deny' });
    unsubscribe('tls-smtp:server', listen);
    assert.deepEqual(heard, [{ type: 'refused', id: 'a1', command: 'rcpt', reason: 'rule 2 says deny' }]);
  });
});
