import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { printable } from '../../src/inspect/printable.js';
import { receivedHeader, tlsClause } from '../../src/inspect/received.js';
import { HARMFUL } from '../support/harmful.js';

const RUNS = { numRuns: 2_000 };

/** Texts in which harmful characters are common, whole and halved. */
const hostile: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.constantFrom(
        '\r\n',
        '\0',
        '\u001b[2J',
        '\u202e',
        '\u2066',
        '\u200b',
        '\ufeff',
        '\u2028',
        '\\',
        '😀',
        'é',
        ' ',
      ),
      fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
      fc.constantFrom('\ud83d', '\ude00'),
    ),
    { maxLength: 40 },
  )
  .map((pieces) => pieces.join(''));

describe('printable, SPEC §4: for any text', () => {
  it('holds no control, bidi, zero-width or separator character, and no half of a character', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 3, max: 120 }), (text, maxLength) => {
        assert.doesNotMatch(printable(text, maxLength), HARMFUL);
      }),
      RUNS,
    );
  });

  it('is never longer than it may be', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 3, max: 120 }), (text, maxLength) => {
        assert.ok(printable(text, maxLength).length <= maxLength);
      }),
      RUNS,
    );
  });

  it('is never longer than it may be, also where not even the three dots fit', () => {
    for (const maxLength of [0, 1, 2]) assert.ok(printable('abcdef', maxLength).length <= maxLength, `${maxLength}`);
  });

  it('can be read back where nothing was cut: two texts never look the same', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        assert.equal(readBack(printable(text, 100_000)), text);
      }),
      RUNS,
    );
  });

  it('begins as the whole text does where it was cut', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 3, max: 60 }), (text, maxLength) => {
        const [cut, whole] = [printable(text, maxLength), printable(text, 100_000)];
        if (whole.length <= maxLength) assert.equal(cut, whole);
        else assert.ok(cut.endsWith('...') && whole.startsWith(cut.slice(0, -3)));
      }),
      RUNS,
    );
  });
});

describe('the Received header, RFC 5321 §4.4: for any text of the peer', () => {
  it('is one header of printable ASCII, folded where we fold it', () => {
    const name = fc.oneof(hostile, fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(name, name, name, name, (heloName, peerAddress, recipient, cipherStandardName) => {
        const header = receivedHeader({
          heloName,
          peerAddress,
          recipient,
          tls: { cipher: cipherStandardName, cipherStandardName },
          hostname: 'mx.test',
          transmissionType: 'ESMTPS',
          id: '1',
          date: new Date(0),
        });
        const [first = '', ...rest] = header.split('\r\n');
        assert.match(first, /^Received: from [\x21-\x7e]+ \(\[[\x21-\x7e]+\]\)$/);
        assert.equal(rest.pop(), '');
        assert.equal(rest.length, 4);
        for (const line of rest) assert.match(line, /^\t[\x20-\x7e]+$/);
        assert.equal(header.match(/[()<>;]/g)?.join(''), '()<>;');
      }),
      RUNS,
    );
  });

  it('its TLS clause is two or four words', () => {
    fc.assert(
      fc.property(hostile, hostile, (cipherStandardName, keyExchangeGroup) => {
        assert.match(tlsClause({ cipher: 'c', cipherStandardName }), /^tls [\x21-\x7e]+$/);
        assert.match(
          tlsClause({ cipher: 'c', cipherStandardName, keyExchangeGroup }),
          /^tls [\x21-\x7e]+ group [\x21-\x7e]+$/,
        );
      }),
      RUNS,
    );
  });
});

function readBack(shown: string): string {
  return shown.replace(/\\\\|\\u\{([0-9a-f]+)\}/g, (_all, code: string | undefined) =>
    code === undefined ? '\\' : String.fromCodePoint(Number.parseInt(code, 16)),
  );
}
