import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { describe, it } from 'node:test';
import { checkedLimits } from '../../../src/server/limits.js';
import { serverSettings } from '../../../src/server/options.js';
import { formatReply } from '../../../src/smtp/reply.js';

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
    assert.equal(formatReply(serverSettings({ hostname: 'mx', banner: 'a\r\n250 b' }).banner), '220 mx a?250 b\r\n');
    assert.throws(
      () => serverSettings({ onMessage: 'x' as unknown as () => void }),
      /option onMessage must be a function/,
    );
  });

  it('has defaults: the name of this host, ESMTP, nothing hidden', () => {
    const { hostname: name, banner, tls, hidden, limits } = serverSettings(undefined);
    assert.deepEqual(
      { name, banner: formatReply(banner), tls, hidden: hidden.size, limits },
      { name: hostname(), banner: `220 ${hostname()} ESMTP\r\n`, tls: undefined, hidden: 0, limits: checkedLimits({}) },
    );
  });

  it('knows hidden keywords in any case', () => {
    assert.deepEqual(serverSettings({ hide: ['Pipelining', 'SIZE'] }).hidden, new Set(['PIPELINING', 'SIZE']));
  });

  it('keeps the banner within a reply line of 512 octets (RFC 5321 §4.5.3.1.5), whatever the hostname', () => {
    const { banner } = serverSettings({ hostname: 'h'.repeat(255), banner: 'b'.repeat(2_000) });
    assert.ok(formatReply(banner).length <= 512, `${formatReply(banner).length} octets`);
  });

  it('refuses a hostname that is empty, too long or not printable', () => {
    for (const name of ['', 'a b', 'x'.repeat(256), 'h\xe9', 'a\0'])
      assert.throws(() => serverSettings({ hostname: name }), { code: 'ERR_TLS_SMTP_OPTION', option: 'hostname' });
  });

  for (const [option, value] of [
    ['hostname', 5],
    ['banner', 5],
    ['hide', 'PIPELINING'],
    ['hide', [1]],
    ['onHelo', null],
    ['limits', 5],
  ] as const) {
    it(`refuses ${option}: ${JSON.stringify(value)} with an OptionError that names it`, () => {
      assert.throws(() => serverSettings({ [option]: value } as object), { code: 'ERR_TLS_SMTP_OPTION', option });
    });
  }
});
