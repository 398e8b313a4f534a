import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isDomainName, type MailAddress, parsePath } from '../../src/smtp/path.js';

/** Texts close to a path: all that has a meaning in one, and anything else. */
const nearPath = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '<',
        '>',
        '@',
        '"',
        '\\',
        ':',
        ',',
        ' ',
        '.',
        '=',
        '[',
        ']',
        'FROM:',
        'TO:',
        'SIZE=1',
        '@r.test:',
        '"q"',
      ),
      fc.constantFrom('a@x.test', '"q"@x.test', ',"q"@y.test'),
      fc.constantFrom('a', 'x.test', 'postmaster', '__proto__', 'constructor', '\0', '\r\n', '\xe9', '\u{1f600}'),
      fc.string({ maxLength: 5 }),
    ),
    { maxLength: 20 },
  )
  .map((parts) => parts.join(''));
const anyText = fc.oneof(nearPath, fc.string({ unit: 'binary' }));

describe('parsePath (RFC 5321 §4.1.2)', () => {
  for (const keyword of ['FROM', 'TO'] as const) {
    it(`never throws for any string behind ${keyword}, and gives an address or null`, () => {
      fc.assert(
        fc.property(anyText, fc.boolean(), (text, framed) => {
          const path = parsePath(keyword, framed ? `${keyword}:<${text}` : text);
          assert.ok(path === null || typeof path.address === 'string');
        }),
        { numRuns: 5_000 },
      );
    });
  }

  it('gives back any plain mailbox with its parameters, keywords in upper case (§4.1.1.11)', () => {
    const word = fc.stringMatching(/^[A-Za-z0-9]{1,20}$/);
    fc.assert(
      fc.property(
        word,
        word,
        fc.uniqueArray(word, { selector: (one) => one.toUpperCase() }),
        (local, host, keywords) => {
          const parameters = keywords.map((one, index) => (index % 2 === 0 ? ` ${one}` : ` ${one}=v${index}`)).join('');
          const expected = keywords.map((one, index) => [one.toUpperCase(), index % 2 === 0 ? true : `v${index}`]);
          assert.deepEqual(plain(parsePath('TO', `to:<${local}@${host}.test>${parameters}`)), {
            address: `${local}@${host}.test`,
            parameters: Object.fromEntries(expected),
          });
        },
      ),
    );
  });

  it('lets no unquoted bracket, space, comma or second at sign through, so that no reader sees two addresses', () => {
    fc.assert(
      fc.property(nearPath, (text) => {
        const address = parsePath('FROM', `FROM:<${text}>`)?.address ?? '';
        const unquoted = address.replace(/"(?:[^"\\]|\\.)*"/gs, 'q');
        assert.doesNotMatch(unquoted.replace(/\[[^\]]*\]$/, ''), /[<>\s,"]|@.*@/s);
      }),
      { numRuns: 5_000 },
    );
  });

  it('takes any domain of good labels, and none into which a bad one is put (§4.1.2 Domain)', () => {
    const good = fc.stringMatching(/^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,20}[A-Za-z0-9_])?$/);
    const bad = fc.oneof(
      fc.constant(''),
      fc.stringMatching(/^-[a-z]{0,5}$/),
      fc.stringMatching(/^[a-z]{1,5}-$/),
      fc.stringMatching(/^[a-z]{64,70}$/),
      fc.stringMatching(/^[a-z]{0,3}[^A-Za-z0-9_.-][a-z]{0,3}$/),
    );
    fc.assert(
      fc.property(fc.array(good, { minLength: 1, maxLength: 8 }), bad, fc.nat(), (labels, wrong, place) => {
        const domain = labels.join('.');
        assert.deepEqual([isDomainName(domain), parsePath('TO', `TO:<a@${domain}>`)?.address], [true, `a@${domain}`]);
        const spoilt = labels.toSpliced(place % (labels.length + 1), 0, wrong).join('.');
        assert.deepEqual([isDomainName(spoilt), parsePath('TO', `TO:<a@${spoilt}>`)], [false, null]);
      }),
      { numRuns: 2_000 },
    );
  });
});

/** Without the null prototype that keeps `__proto__` harmless, which deepEqual would tell apart. */
function plain(path: MailAddress | null): MailAddress | null {
  return path && { address: path.address, parameters: { ...path.parameters } };
}

describe('parsePath, the plain way and the close look', () => {
  it('answer alike: a parameter behind the path makes the difference', () => {
    const odd = fc.constantFrom(
      '.',
      '-',
      '_',
      '@',
      '"',
      '\\',
      '<',
      '>',
      ' ',
      '[',
      ']',
      '!',
      '~',
      '\x7f',
      'é',
      'a',
      'B',
      '9',
    );
    const text = fc.array(fc.oneof(odd, fc.constantFrom('x.test', 'a@b', 'x'.repeat(64))), { maxLength: 12 });
    fc.assert(
      fc.property(text, (parts) => {
        const path = parts.join('');
        const plain = parsePath('TO', `TO:<${path}>`);
        const close = parsePath('TO', `TO:<${path}> X=1`);
        // A `>` within can end the path early in one of the two and not in the other.
        fc.pre(!path.includes('>'));
        assert.equal(plain?.address, close?.address);
      }),
    );
  });
});
