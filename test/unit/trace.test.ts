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

  it('makes every text harmless, however deep, and changes nothing else: a peer never writes to a terminal or a log', () => {
    const heard: unknown[] = [];
    const listen = (event: unknown): void => void heard.push(event);
    const at = new Date(0);
    const given = { type: 'x', lines: ['a\r\nb\u001b[2J', 'a\\b'], peer: { name: '\u202e\u0085\ud83d' }, at, n: null };
    subscribe('tls-smtp:server', listen);
    voice('server')(given);
    unsubscribe('tls-smtp:server', listen);
    const lines = ['a\\u{d}\\u{a}b\\u{1b}[2J', 'a\\b'];
    assert.deepEqual(heard, [{ type: 'x', lines, peer: { name: '\\u{202e}\\u{85}\\u{d83d}' }, at, n: null }]);
  });

  it('prints under DEBUG the same', () => {
    const printed: string[] = [];
    const { log } = createDebug;
    createDebug.log = (...parts: unknown[]): void => void printed.push(format(...parts));
    createDebug.enable('tls-smtp:server');
    voice<{ type: 'x'; name: string }>('server')({ type: 'x', name: 'a\r\nb\u001b[2J\u202e' });
    createDebug.disable();
    createDebug.log = log;
    assert.equal(printed.length, 1);
    assert.match(String(printed[0]), /name: 'a\\\\u\{d\}\\\\u\{a\}b\\\\u\{1b\}\[2J\\\\u\{202e\}'/);
  });

  it('says nothing where nobody listens', () => {
    const event = {
      get type(): never {
        return assert.fail('the event was read');
      },
    };
    voice<{ type: string }>('client')(event);
    assert.equal(createDebug.enabled('tls-smtp:client'), false);
  });
});
