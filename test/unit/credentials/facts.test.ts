import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isHeloName, WatchedFacts } from '../../../src/credentials/facts.js';

describe('isHeloName', () => {
  it('takes host names and address literals', () => {
    for (const name of ['mx.test', 'localhost', 'a_b.xn--p1ai', '[192.0.2.1]', '[IPv6:2001:db8::1]', '[::1]']) {
      assert.equal(isHeloName(name), true, name);
    }
  });

  it('takes nothing that would mean something in a path (SECURITY S49)', () => {
    const bad = ['', '.', '..', '../../etc/passwd', 'a/b', 'a\0b', '%2e%2e', 'ａ．test', '.hidden', 'a..b', '-a.test'];
    for (const name of [...bad, 'a\\b', 'a b', 'a\nb', `${'a'.repeat(64)}.test`, '[../x]', '[]', '[a/b]']) {
      assert.equal(isHeloName(name), false, JSON.stringify(name));
    }
  });
});

describe('WatchedFacts', () => {
  it('shows what is known and only that, and cannot be written to', () => {
    const { facts } = new WatchedFacts({ senderHostAddress: '192.0.2.1', sni: 'mx.test' });
    assert.deepEqual(Object.keys(facts), ['senderHostAddress', 'sni']);
    assert.ok(Object.isFrozen(facts));
  });

  it('notices a look at HELO name, SNI and host name, and at nothing else', () => {
    for (const name of ['heloName', 'sni', 'senderHostName'] as const) {
      const watched = new WatchedFacts({ senderHostAddress: '192.0.2.1', [name]: 'x.test' });
      Reflect.get(watched.facts, 'senderHostAddress');
      assert.equal(watched.looked, false);
      assert.deepEqual([Reflect.get(watched.facts, name), watched.looked], ['x.test', true]);
    }
  });
});
