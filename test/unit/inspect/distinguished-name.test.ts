import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DistinguishedName } from '../../../src/inspect/distinguished-name.js';

const name = (text: string): DistinguishedName => DistinguishedName.fromX509(text);

describe('DistinguishedName', () => {
  it('prints both forms, multi-valued parts kept together (Exim $tls_peerdn, RFC 4514)', () => {
    const dn = name('C=EE\nO=Acme\\, Inc.\nOU=Mail + UID=42\nCN=client one');
    assert.equal(dn.toOneline(), '/C=EE/O=Acme, Inc./OU=Mail+UID=42/CN=client one');
    assert.equal(dn.toRfc4514(), 'CN=client one,OU=Mail+UID=42,O=Acme\\, Inc.,C=EE');
    assert.deepEqual([dn.get('uid'), dn.get('O'), dn.get('x')], [['42'], ['Acme, Inc.'], []]);
  });

  it('lets no value read as a further part', () => {
    assert.equal(name('O=x/CN=admin').toOneline(), '/O=x\\/CN=admin');
    assert.equal(name('O=x\\,CN=admin').toRfc4514(), 'O=x\\,CN\\=admin');
    assert.equal(name('O=a \\+ CN=b').toRfc4514(), 'O=a \\+ CN\\=b');
  });

  it('is empty where the name is, and bounded where it is endless', () => {
    assert.deepEqual([name('').toOneline(), name('').toRfc4514()], ['', '']);
    const long = name(Array.from({ length: 200 }, (_, i) => `OU=${'x'.repeat(60)}${i}`).join('\n'));
    assert.ok(long.toOneline().length <= 1_024 && long.toRfc4514().length <= 1_024);
  });

  it('prints no control character, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const dn = name(`CN=${text}`);
        assert.doesNotMatch(dn.toOneline() + dn.toRfc4514(), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});
