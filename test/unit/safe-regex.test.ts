import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readRegex } from '../../src/safe-regex.js';

describe('readRegex: the ^regex of a list', () => {
  it('compiles it, without case and open at its end', () => {
    const regex = readRegex('^mx\\d+\\.example');
    assert.ok(regex instanceof RegExp);
    assert.deepEqual(
      ['MX12.Example.com', 'mx12.example', 'a.mx1.example'].map((name) => regex.test(name)),
      [true, true, false],
    );
  });

  it('takes groups that are repeated and hold no quantifier, and groups with a quantifier that are not repeated', () => {
    const good = [
      ...['^(?:a|b)+$', '^(a+)b', '^(a+)?b', '^(a+){1}', '^(ab){2,3}', '^([+*?{}()]+)', '^([(+)])*', '^(\\(\\+\\))*'],
      ...['^(?<n>a)\\k<n>', '^(a)\\1', '^(?=a+)b', '^(?!a)+b', '^[]a]', '^(?:[)+])*a', '^a{2}b{3,}'],
    ];
    assert.deepEqual(
      good.filter((source) => !(readRegex(source) instanceof RegExp)),
      [],
    );
  });

  it('refuses a repeated group that holds a quantifier or a back-reference, at any depth', () => {
    const bad = [
      ...['^(a+)+$', '^(a*)*', '^(a?)+', '^(a+){2}', '^(a+){2,}', '^(?:a+)+?', '^(?<n>a+)*', '^((a+))+', '^((a)+)+'],
      ...[
        '^(([a-z])+.)+[A-Z]([a-z])+$',
        '^(a|b+)*',
        '^(\\w+\\s?)*$',
        '^(a)(b\\1)+',
        '^(?<n>a)(?:\\k<n>b)*',
        '^((a{2}))*',
      ],
      ...['^(?:(?:a+))*', '^(x(?=a+))+', '^([)]+)+', '^(\\)+)+'],
    ];
    assert.deepEqual(
      bad.filter((source) => typeof readRegex(source) !== 'string'),
      [],
    );
  });

  it('says what was expected where it does not compile, or is endless', () => {
    for (const source of ['^(', '^[', '^a)', '^*', '^\\', `^${'a'.repeat(1_000)}`]) {
      assert.match(String(readRegex(source)), /^a regular expression /, source);
    }
  });

  it('never throws, for any text', () => {
    const near = fc.array(
      fc.constantFrom('(', ')', '(?:', '[', ']', '\\', '+', '*', '?', '{2,}', '{', '}', '|', 'a', '1'),
    );
    fc.assert(
      fc.property(
        near.map((parts) => `^${parts.join('')}`),
        (source) => {
          const regex = readRegex(source);
          assert.ok(typeof regex === 'string' || regex.source === source);
        },
      ),
      { numRuns: 5_000 },
    );
  });
});
