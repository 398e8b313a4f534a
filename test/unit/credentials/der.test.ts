import assert from 'node:assert/strict';
import { getDiffieHellman } from 'node:crypto';
import { describe, it } from 'node:test';
import { crlNextUpdate, derElements, dhPrimeBits } from '../../../src/credentials/der.js';
import { TestAuthority } from '../../../src/testing/authority.js';
import { dhParameters } from '../../support/dh-parameters.js';

describe('derElements', () => {
  it('cuts a row of elements, short and long', () => {
    const long = Buffer.alloc(300, 7);
    const der = Buffer.concat([Buffer.from([0x02, 0x01, 0x05, 0x30, 0x82, 0x01, 0x2c]), long]);
    assert.deepEqual(derElements(der), [
      { tag: 0x02, content: Buffer.from([5]) },
      { tag: 0x30, content: long },
    ]);
  });

  it('refuses what is cut short or absurd', () => {
    for (const octets of [[0x30], [0x30, 0x02, 0x01], [0x30, 0x85, 1, 1, 1, 1, 1], [0x30, 0x82, 0x01]]) {
      assert.throws(() => derElements(Buffer.from(octets)), RangeError);
    }
  });
});

describe('dhPrimeBits', () => {
  it('counts the bits of the prime', () => {
    const bits = (prime: Buffer): number => dhPrimeBits(dhParameters(prime).der);
    assert.deepEqual(
      [
        bits(getDiffieHellman('modp14').getPrime()),
        bits(getDiffieHellman('modp2').getPrime()),
        bits(Buffer.from([1, 1])),
      ],
      [2048, 1024, 9],
    );
    assert.throws(() => dhPrimeBits(Buffer.from([0x30, 0x03, 0x04, 0x01, 0x00])), RangeError);
  });
});

describe('crlNextUpdate', () => {
  it('reads when a list is due for replacement', async () => {
    const pem = (await TestAuthority.create()).crl();
    const next = crlNextUpdate(Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64'));
    assert.ok(next);
    const days = (next.getTime() - Date.now()) / 86_400_000;
    assert.ok(days > 29 && days < 31, `${days} days`);
  });
});
