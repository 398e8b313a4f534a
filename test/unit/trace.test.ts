import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, it } from 'node:test';
import { format } from 'node:util';
import createDebug from 'debug';
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

  it('prints under DEBUG with control characters escaped: a peer never writes to a terminal', () => {
    const printed: string[] = [];
    const { log } = createDebug;
    createDebug.log = (...parts: unknown[]): void => void printed.push(format(...parts));
    createDebug.enable('tls-smtp:server');
    voice<{ type: 'x'; name: string }>('server')({ type: 'x', name: 'a\r\nb\u001b[2J' });
    createDebug.disable();
    createDebug.log = log;
    assert.equal(printed.length, 1);
    assert.match(String(printed[0]), /'a\\r\\nb\\x1B\[2J'/);
  });

  it('says nothing where nobody listens', () => {
    const event = {
      get type(): never {
        return assert.fail('the event was read');
      },
    };
    voice<{ type: string }>('client')(event);
  });
});
