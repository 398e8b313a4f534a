import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DistinguishedName } from '../../src/inspect/distinguished-name.js';
import { HARMFUL } from '../support/harmful.js';

const RUNS = { numRuns: 2_000 };

interface Attribute {
  readonly type: string;
  readonly value: string;
}

const value: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 5 }),
      fc.constantFrom(
        '\\',
        '+',
        ' + ',
        ',',
        '/',
        '=',
        '"',
        '<',
        '>',
        ';',
        '#',
        ' ',
        '\n',
        '\0',
        '\u202e',
        '\u200b',
        '😀',
      ),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => pieces.join(''));

const attribute: fc.Arbitrary<Attribute> = fc.record({
  type: fc.constantFrom('CN', 'O', 'OU', 'UID', '1.2.3.4'),
  value,
});

const distinguishedName: fc.Arbitrary<readonly (readonly Attribute[])[]> = fc.array(
  fc.array(attribute, { minLength: 1, maxLength: 3 }),
  { maxLength: 6 },
);

/** As Node's X509Certificate writes it: RFC 2253 escapes, controls as `\0A`, ` + ` within a part, a line for each part. */
function x509Text(parts: readonly (readonly Attribute[])[]): string {
  return parts.map((part) => part.map((one) => `${one.type}=${escaped(one.value)}`).join(' + ')).join('\n');
}

function escaped(text: string): string {
  return text
    .replace(/[,+"\\<>;]|^[ #]| $/g, '\\$&')
    .replace(/\p{Cc}/gu, (control) => (control < '\u0080' ? `\\${hex(control.charCodeAt(0))}` : control));
}

function hex(octet: number): string {
  return octet.toString(16).toUpperCase().padStart(2, '0');
}

describe('DistinguishedName, SPEC §4: for any name', () => {
  it('prints no control, bidi, zero-width or separator character, and no half of a character', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 80 }), distinguishedName.map(x509Text)), (text) => {
        const dn = DistinguishedName.fromX509(text);
        assert.doesNotMatch(dn.toOneline(), HARMFUL);
        assert.doesNotMatch(dn.toRfc4514(), HARMFUL);
      }),
      RUNS,
    );
  });

  it('prints at most 1,024 characters, and cuts none in two', () => {
    const long = fc
      .tuple(fc.array(value, { maxLength: 20 }), fc.integer({ min: 0, max: 700 }))
      .map(([values, count]) => `CN=${'😀'.repeat(count)}\n${values.map((one) => `OU=${escaped(one)}`).join('\n')}`);
    fc.assert(
      fc.property(long, (text) => {
        const dn = DistinguishedName.fromX509(text);
        for (const shown of [dn.toOneline(), dn.toRfc4514()]) {
          assert.ok(shown.length <= 1_024);
          assert.doesNotMatch(shown, HARMFUL);
        }
      }),
      RUNS,
    );
  });

  it('gives back every value as it stands in the certificate', () => {
    fc.assert(
      fc.property(distinguishedName, (parts) => {
        const dn = DistinguishedName.fromX509(x509Text(parts));
        for (const type of ['CN', 'O', 'OU', 'UID', '1.2.3.4']) {
          const expected = parts.flat().filter((one) => one.type === type);
          assert.deepEqual(
            dn.get(type),
            expected.map((one) => one.value),
          );
        }
      }),
      RUNS,
    );
  });

  it('lets no value read as a further part: the oneline form has as many bare slashes as there are parts', () => {
    fc.assert(
      fc.property(distinguishedName, (parts) => {
        const shown = DistinguishedName.fromX509(x509Text(parts)).toOneline();
        if (shown.endsWith('...')) return;
        const bare = shown.replace(/\\\\|\\\//g, '').match(/\//g) ?? [];
        assert.equal(bare.length, parts.length);
      }),
      RUNS,
    );
  });

  it('lets no value read as a further part: RFC 4514 has as many bare commas and pluses as it needs', () => {
    fc.assert(
      fc.property(distinguishedName, (parts) => {
        const shown = DistinguishedName.fromX509(x509Text(parts)).toRfc4514();
        if (shown.endsWith('...')) return;
        const bare = shown.replace(/\\(?:u\{[0-9a-f]+\}|.)/g, '');
        assert.equal(bare.match(/,/g)?.length ?? 0, Math.max(0, parts.length - 1));
        assert.equal(bare.match(/\+/g)?.length ?? 0, parts.flat().length - parts.length);
      }),
      RUNS,
    );
  });
});
