import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, it } from 'node:test';
import { voice } from '../../src/trace.js';

describe('voice', () => {
  it('publishes structured events on the channel that is named like the debug namespace', () => {
    const heard: unknown[] = [];
    const listen = (event: unknown): void => void heard.push(event);
    subscribe('tls-smtp:server', listen);
    voice<{ type: 'x'; n: number }>('server')({ type: 'x', n: 1 });
    unsubscribe('tls-smtp:server', listen);
    assert.deepEqual(heard, [{ type: 'x', n: 1 }]);
  });
});
