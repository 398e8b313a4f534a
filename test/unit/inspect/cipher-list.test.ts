import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { OptionError } from '../../../src/errors.js';
import { CipherList, type SuiteNames } from '../../../src/inspect/cipher-list.js';
import { CipherListSyntaxError } from '../../../src/inspect/errors.js';

const suite = (cipherName: string, cipherStandardName: string): SuiteNames => ({ cipherName, cipherStandardName });
const GCM = suite('ECDHE-RSA-AES256-GCM-SHA384', 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384');
const CBC = suite('AES128-SHA', 'TLS_RSA_WITH_AES_128_CBC_SHA');
const TLS13 = suite('TLS_AES_256_GCM_SHA384', 'TLS_AES_256_GCM_SHA384');

/** For each of the three suites. */
const answers = (list: string | readonly string[]): boolean[] =>
  [GCM, CBC, TLS13].map((names) => CipherList.parse(list).matches(names));

describe('CipherList (Exim encrypted)', () => {
  it('matches by OpenSSL’s or IANA’s name, without case, and by the whole name', () => {
    assert.deepEqual(answers('ECDHE-RSA-AES256-GCM-SHA384'), [true, false, false]);
    assert.deepEqual(answers('tls_ecdhe_rsa_with_aes_256_gcm_sha384'), [true, false, false]);
    assert.deepEqual(answers('TLS_AES_256_GCM_SHA384 : aes128-sha'), [false, true, true]);
    assert.deepEqual(answers('AES256-GCM-SHA384'), [false, false, false]);
  });

  it('matches any suite by *, an ending by *ending, anything by ^regex', () => {
    assert.deepEqual(answers('*'), [true, true, true]);
    assert.deepEqual(answers('*-sha384'), [true, false, false]);
    assert.deepEqual(answers('*_SHA384'), [true, false, true]);
    assert.deepEqual(answers('^tls_(?::aes|chacha20)_'), [false, false, true]);
    assert.deepEqual(answers(['^(?:ecdhe|dhe)-']), [true, false, false]);
  });

  it('lets the first item that matches decide, ! turns it round', () => {
    assert.deepEqual(answers('!AES128-SHA : *'), [true, false, true]);
    assert.deepEqual(answers('! *_SHA : *_SHA384 : *'), [true, false, true]);
    assert.deepEqual(answers(['!^.*CBC', '*_SHA384']), [true, false, true]);
  });

  it('says no at its end, or yes where its last item is negated', () => {
    assert.deepEqual(answers('AES128-SHA'), [false, true, false]);
    assert.deepEqual(answers('!AES128-SHA'), [true, false, true]);
    assert.deepEqual(answers('TLS_AES_256_GCM_SHA384 : !AES128-SHA'), [true, false, true]);
    assert.deepEqual(answers(''), [false, false, false]);
    assert.deepEqual(answers([]), [false, false, false]);
  });

  it('takes another separator, as Exim does', () => {
    assert.deepEqual(answers('<; ^tls_(?:aes|chacha20)_ ; AES128-SHA'), [false, true, true]);
  });

  it('names the item that it cannot read, its place, and what was expected', () => {
    const cases: readonly (readonly [string | readonly string[], string, number, number, RegExp])[] = [
      ['*_SHA384 : HIGH', 'HIGH', 1, 11, /OpenSSL/],
      ['HIGH:!aNULL', 'HIGH', 0, 0, /OpenSSL/],
      ['AES128-SHA : !aNULL', '!aNULL', 1, 13, /OpenSSL/],
      ['ECDHE+AESGCM', 'ECDHE+AESGCM', 0, 0, /suite/],
      ['AES*SHA', 'AES*SHA', 0, 0, /suite/],
      ['**', '**', 0, 0, /leading \*/],
      ['*-SHA*', '*-SHA*', 0, 0, /leading \*/],
      ['TLSv1.2::AES128-SHA::128', 'TLSv1.2:AES128-SHA:128', 0, 0, /suite/],
      ['A-B : : C-D', '', 1, 6, /suite/],
      ['A-B : !', '!', 1, 6, /suite/],
      ['/etc/ciphers', '/etc/ciphers', 0, 0, /suite/],
      ['+named', '+named', 0, 0, /suite/],
      ['^(a+)+$', '^(a+)+$', 0, 0, /for ever/],
      ['^(', '^(', 0, 0, /regular expression/],
      [['A-B', ' C-D E-F '], 'C-D E-F', 1, 0, /suite/],
    ];
    for (const [list, item, index, offset, expected] of cases) {
      assert.throws(
        () => CipherList.parse(list),
        (error) => {
          assert.ok(error instanceof CipherListSyntaxError);
          assert.deepEqual([error.item, error.index, error.offset], [item, index, offset]);
          assert.match(error.expected, expected);
          return true;
        },
      );
    }
  });

  it('refuses what is no list', () => {
    for (const given of [undefined, null, 1, {}, [1], [null]]) {
      assert.throws(() => CipherList.parse(given as unknown as string), OptionError);
    }
  });

  it('throws nothing but its own error, for any text', () => {
    const near = fc.array(
      fc.constantFrom(':', '!', '*', '^', ' ', '<', ';', 'AES', '-', '_', '(', '+', ')', '\n', 'é'),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          near.map((parts) => parts.join('')),
        ),
        (text) => {
          try {
            CipherList.parse(text).matches(GCM);
          } catch (error) {
            assert.ok(error instanceof CipherListSyntaxError, String(error));
            assert.doesNotMatch(error.message, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
          }
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('cannot be changed', () => {
    assert.ok(Object.isFrozen(CipherList.parse('*')));
  });
});
