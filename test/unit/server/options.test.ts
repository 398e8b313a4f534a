import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { describe, it } from 'node:test';
import { checkedLimits } from '../../../src/server/limits.js';
import { type SmtpServerOptions, serverSettings } from '../../../src/server/options.js';
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
    ['auth', 5],
    ['auth', {}],
    ['allowInsecureAuth', true],
  ] as const) {
    it(`refuses ${option}: ${JSON.stringify(value)} with an OptionError that names it`, () => {
      assert.throws(() => serverSettings({ [option]: value } as object), { code: 'ERR_TLS_SMTP_OPTION', option });
    });
  }

  it('authenticates where there is onAuth, with all mechanisms, inside TLS alone', () => {
    const onAuth = (): null => null;
    assert.equal(serverSettings({}).auth, null);
    assert.deepEqual(serverSettings({ onAuth }).auth, { methods: ['PLAIN', 'LOGIN', 'EXTERNAL'], insecure: false });
    assert.deepEqual(serverSettings({ onAuth, auth: { methods: ['LOGIN'] }, allowInsecureAuth: true }).auth, {
      methods: ['LOGIN'],
      insecure: true,
    });
    assert.equal(serverSettings({ onAuth, hide: ['auth'] }).auth, null);
  });

  it('names what is wrong with methods, and a flag that is none', () => {
    const onAuth = (): null => null;
    for (const methods of [[], 'PLAIN', ['plain'], ['CRAM-MD5']])
      assert.throws(() => serverSettings({ onAuth, auth: { methods } as object }), { option: 'auth.methods' });
    assert.throws(() => serverSettings({ onAuth, allowInsecureAuth: 'yes' as unknown as boolean }), {
      option: 'allowInsecureAuth',
    });
    assert.throws(() => serverSettings({ onAuth, auth: { method: [] } as object }), { option: 'auth.method' });
  });

  it('hides SMTPUTF8 with 8BITMIME, which it needs (RFC 6531 §3.1)', () => {
    assert.deepEqual(serverSettings({ hide: ['8bitmime'] }).hidden, new Set(['8BITMIME', 'SMTPUTF8']));
  });

  it('says where an option belongs that was given beside tls', () => {
    for (const name of ['certificate', 'ticketSecret', 'verifyHosts']) {
      const given = { [name]: 'x' } as SmtpServerOptions;
      assert.throws(() => serverSettings(given), { message: `option ${name} is unknown; tls.${name} is meant?` });
    }
  });
});
