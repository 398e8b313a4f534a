import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  addressText,
  isSingle,
  lastAddress,
  type Network,
  network,
  networkText,
  readAddress,
  readNetwork,
  sameAddress,
} from '../../../src/hostlist/address.js';

describe('readAddress', () => {
  it('reads both families into words, and an IPv4-mapped address as IPv4', () => {
    const read = ['192.0.2.1', '255.255.255.255', '2001:db8::1', '::', '::ffff:192.0.2.1', '::FFFF:c000:201'].map(
      readAddress,
    );
    const v4 = [0xc0000201];
    assert.deepEqual(read, [v4, [0xffffffff], [0x20010db8, 0, 0, 1], [0, 0, 0, 0], v4, v4]);
  });

  it('does not take the deprecated ::192.0.2.1 for an IPv4-mapped address, as ipaddr.js does', () => {
    assert.deepEqual(readAddress('::192.0.2.1'), [0, 0, 0, 0xc0000201]);
    assert.equal(networkText(readNetwork('::192.0.2.1') as Network), '::c000:201');
  });

  it('reads over a zone', () => {
    assert.deepEqual(readAddress('fe80::1%eth0'), readAddress('fe80::1'));
    assert.equal(readAddress('fe80::1%'), null);
  });

  it('refuses what is no address, and what is one only to inet_aton', () => {
    const bad = ['', '1', '1.2.3', '010.0.0.1', '1.2.3.4.5', '256.1.1.1', '1.2.3.4 ', '0x7f.0.0.1', '1..2.3', '1.2.3.'];
    const bad6 = [
      ':',
      ':::',
      '1::2::3',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '12345::',
      '::1.2.3',
      '::g',
      '1:',
      '[::1]',
      '::1.2.3.4:1',
    ];
    for (const text of [...bad, ...bad6]) assert.equal(readAddress(text), null, text);
  });
});

describe('readNetwork', () => {
  it('says how the colons of IPv6 are written, where a piece of one is all there is', () => {
    for (const piece of ['2001', 'db8:1']) assert.match(String(readNetwork(piece)), /double those of IPv6/);
    for (const other of ['1.2.3', '10/8', '010.0.0.1', 'x']) {
      assert.doesNotMatch(String(readNetwork(other)), /IPv6, begin/, other);
    }
  });

  it('cuts host bits off, and folds mapped networks into IPv4', () => {
    const text = (source: string): string => {
      const read = readNetwork(source);
      return typeof read === 'string' ? `error: ${read}` : networkText(read);
    };
    const read = [
      '10.1.2.3/8',
      '1.2.3.4',
      '1.2.3.4/32',
      '0.0.0.0/0',
      '2001:db8::5/33',
      '::ffff:10.0.0.0/104',
      '::ffff:10.0.0.0/95',
      '::/0',
    ].map(text);
    assert.deepEqual(read, [
      '10.0.0.0/8',
      '1.2.3.4',
      '1.2.3.4',
      '0.0.0.0/0',
      '2001:db8::/33',
      '10.0.0.0/8',
      '::fffe:0:0/95',
      '::/0',
    ]);
  });

  it('says what was expected, and never guesses', () => {
    assert.equal(readNetwork('1.2.3.4/33'), 'a number of bits from 0 to 32 behind the slash');
    assert.equal(readNetwork('::/129'), 'a number of bits from 0 to 128 behind the slash');
    assert.equal(readNetwork('fe80::1%eth0'), 'an address without a zone');
    for (const bad of ['10/8', '010.0.0.1', '1.2.3', '1.2.3.4/', '1.2.3.4/08', '1.2.3.4/+8', '1.2.3.4/8/8', '/8']) {
      assert.equal(typeof readNetwork(bad), 'string', bad);
    }
  });
});

describe('networks', () => {
  it('have a last address, and a prefix that may end anywhere in a word', () => {
    assert.deepEqual(lastAddress(network([0x0a000001], 8)), [0x0affffff]);
    assert.deepEqual(lastAddress(network([0x20010db8, 1, 2, 3], 33)), [0x20010db8, 0x7fffffff, 0xffffffff, 0xffffffff]);
    assert.deepEqual(network([0xffffffff], 0), { address: [0], prefix: 0 });
    assert.deepEqual([isSingle(network([1], 32)), isSingle(network([0, 0, 0, 1], 32))], [true, false]);
  });

  it('are compared word by word, families apart', () => {
    assert.ok(sameAddress([1], [1]));
    assert.ok(!sameAddress([0, 0, 0, 1], [1]));
    assert.equal(addressText([0, 0, 0, 1]), '::1');
  });
});
