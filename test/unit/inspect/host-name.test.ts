import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { hostName } from '../../../src/inspect/host-name.js';

describe('hostName (RFC 1123 §2.1)', () => {
  it('gives a name in lower case, without the dot at its end', () => {
    for (const [text, name] of [
      ['MX.Example.COM.', 'mx.example.com'],
      ['localhost', 'localhost'],
      ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
      ['_dmarc.x-1.test', '_dmarc.x-1.test'],
      ['1.example', '1.example'],
      [`${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`, undefined],
    ] as const) {
      assert.equal(hostName(text), name ?? text);
    }
  });

  it('takes nothing else for one', () => {
    const long = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(62)}`;
    const none = [
      ...['', '.', '..', 'a..b', '.a', 'a..', 'a.test..', '*.a.test', 'a*', 'a b', ' a', 'a\n', 'a\0', 'a/b', '../a'],
      ...['a:25', 'a@b', '-a.test', 'a-.test', 'bücher.test', '\u212a.test', 'a.\u0131', '192.0.2.1', '2001:db8::1'],
      ...['[192.0.2.1]', '1.2.3', '127.1', '1', `${'a'.repeat(64)}.test`, long],
    ];
    assert.deepEqual(
      none.filter((text) => hostName(text) !== null),
      [],
    );
  });

  it('is itself a host name, and never longer than 253 characters, for any text', () => {
    const near = fc.array(fc.constantFrom('a', 'B', '1', '-', '_', '.', '..', '*', '\n', 'é', '\u212a'), {
      maxLength: 9,
    });
    fc.assert(
      fc.property(
        near.map((parts) => parts.join('')),
        (text) => {
          const name = hostName(text);
          if (name === null) return;
          assert.match(name, /^[a-z0-9_.-]{1,253}$/);
          assert.equal(hostName(name), name);
        },
      ),
      { numRuns: 5_000 },
    );
  });
});
