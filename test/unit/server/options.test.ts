import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { serverSettings } from '../../../src/server/options.js';

describe('serverSettings', () => {
  it('says what users of smtp-server mean', () => {
    for (const [name, meant] of [
      ['onData', 'onMessage'],
      ['secure', 'tlsOnConnect'],
      ['key', 'tls\\.privateKey'],
      ['cert', 'tls\\.certificate'],
    ] as const) {
      assert.throws(() => serverSettings({ [name]: 1 }), new RegExp(`option ${name} is unknown; .*${meant}`));
    }
  });

  it('takes no text that would break a reply', () => {
    assert.throws(() => serverSettings({ hostname: 'a\r\nb' }), /option hostname/);
    assert.equal(serverSettings({ hostname: 'mx', banner: 'a\r\n250 b' }).banner, 'mx a??250 b');
    assert.throws(
      () => serverSettings({ onMessage: 'x' as unknown as () => void }),
      /option onMessage must be a function/,
    );
  });
});
