import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DistinguishedName } from '../../../src/inspect/distinguished-name.js';
import { TestAuthority } from '../../../src/testing/authority.js';

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

describe('DistinguishedName, SPEC §4: the texts that OpenSSL writes', () => {
  const forms = (text: string): [string, string] => [name(text).toOneline(), name(text).toRfc4514()];

  it('undoes OpenSSL’s escapes in get(): characters, controls, edges', () => {
    for (const [text, value] of [
      ['O=a\\,b\\+c\\"d\\<e\\>f\\;g', 'a,b+c"d<e>f;g'],
      ['O=a\\\\b', 'a\\b'],
      ['O=\\#a', '#a'],
      ['O=\\ a\\ ', ' a '],
      ['O=a\\0Ab\\00c', 'a\nb\0c'],
      ['O=a\\\\0A', 'a\\0A'],
      ['O=äö 日本', 'äö 日本'],
      ['O=', ''],
      ['O=a=b', 'a=b'],
    ] as const) {
      assert.deepEqual(name(text).get('O'), [value], text);
    }
  });

  it('keeps a backslash at the end of a value in a part of several attributes', () => {
    const dn = name('O=a\\\\ + CN=b');
    assert.deepEqual([dn.get('O'), dn.get('CN')], [['a\\'], ['b']]);
  });

  it('keeps a space at the end of a value in a part of several attributes', () => {
    const dn = name('O=a\\  + CN=b');
    assert.deepEqual([dn.get('O'), dn.get('CN')], [['a '], ['b']]);
  });

  it('takes an escaped plus for a part of the value', () => {
    assert.deepEqual(name('O=a \\+ CN=b').get('O'), ['a + CN=b']);
    assert.deepEqual(name('O=a \\+ CN=b').get('CN'), []);
  });

  it('finds an attribute in any case, each time that it stands there, in the order of the certificate', () => {
    const dn = name('DC=org\nDC=example\nou=x + OU=y');
    assert.deepEqual(
      [dn.get('dc'), dn.get('Ou')],
      [
        ['org', 'example'],
        ['x', 'y'],
      ],
    );
  });

  it('escapes as RFC 4514 §2.4 asks: specials, and a space or number sign at the edge', () => {
    assert.equal(name('O=\\ a\\ ').toRfc4514(), 'O=\\ a\\ ');
    assert.equal(name('O=\\#a#').toRfc4514(), 'O=\\#a#');
    assert.equal(name('O=a\\"b\\+c\\,d\\;e\\<f\\>g\\\\h').toRfc4514(), 'O=a\\"b\\+c\\,d\\;e\\<f\\>g\\\\h');
  });

  it('prints a control, a bidi override or a zero-width character of the peer escaped', () => {
    assert.deepEqual(forms('CN=a\\0Ab\u202ec\u200bd'), [
      '/CN=a\\u{a}b\\u{202e}c\\u{200b}d',
      'CN=a\\0Ab\\E2\\80\\AEc\\E2\\80\\8Bd', // RFC 4514 §2.4: octets of the UTF-8
    ]);
  });

  it('prints a type that is no name as it does a value: escaped and bounded', () => {
    assert.doesNotMatch(forms(`\u202ea\0${'x'.repeat(500)}=b`).join(), /[\p{Cc}\p{Cf}]|x{65}/u);
  });

  it('cuts no character in two', () => {
    for (const length of [505, 506, 507, 508, 509, 510, 511, 512, 600]) {
      for (const type of ['O', 'CN', 'UID']) {
        for (const text of forms(`${type}=${'😀'.repeat(length)}`)) {
          assert.doesNotMatch(text, /\p{Cs}/u, `${type}, ${length} of them`);
        }
      }
    }
  });
});

describe('DistinguishedName of a real certificate', () => {
  it('is what X509Certificate says', async () => {
    const { cert } = await (await TestAuthority.create()).issue({ name: 'a/CN=b, c + O=d "e"', names: ['mx.test'] });
    const dn = name(new X509Certificate(cert).subject);
    assert.deepEqual(dn.get('CN'), ['a/CN=b, c + O=d "e"']);
    assert.deepEqual(dn.get('O'), []);
    assert.equal(dn.toOneline(), '/CN=a\\/CN=b, c + O=d \\"e\\"');
    assert.equal(dn.toRfc4514(), 'CN=a/CN\\=b\\, c \\+ O\\=d \\"e\\"');
  });
});
