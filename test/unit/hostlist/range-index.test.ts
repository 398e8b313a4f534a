import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Network, readAddress, readNetwork } from '../../../src/hostlist/address.js';
import { NOWHERE, RangeIndex } from '../../../src/hostlist/range-index.js';

function indexOf(width: 1 | 4, ...texts: string[]): (address: string) => number {
  const networks = texts.map((text, position) => ({ network: readNetwork(text) as Network, position }));
  const index = new RangeIndex(width, networks);
  return (address) => index.find(readAddress(address) ?? []);
}

describe('RangeIndex', () => {
  it('gives the first network of the list that holds the address, however they are nested', () => {
    const find = indexOf(1, '10.1.2.0/24', '10.0.0.0/8', '10.1.2.3', '10.1.0.0/16', '10.1.2.3', '192.168.0.0/16');
    const found = ['10.1.2.3', '10.1.3.1', '10.255.0.0', '9.255.255.255', '11.0.0.0', '192.168.255.255'].map(find);
    assert.deepEqual(found, [0, 1, 1, NOWHERE, NOWHERE, 5]);
  });

  it('lets an inner network that stands first win over the outer one, at both of its edges', () => {
    const find = indexOf(1, '10.0.0.4/30', '10.0.0.0/29');
    assert.deepEqual(['10.0.0.3', '10.0.0.4', '10.0.0.7', '10.0.0.8'].map(find), [1, 0, 0, NOWHERE]);
  });

  it('reaches from the first address to the last', () => {
    const find = indexOf(1, '255.255.255.255', '0.0.0.0', '128.0.0.0/1');
    assert.deepEqual(['255.255.255.255', '0.0.0.0', '0.0.0.1', '128.0.0.0'].map(find), [0, 1, NOWHERE, 2]);
    assert.deepEqual(['0.0.0.0', '255.255.255.255'].map(indexOf(1, '0.0.0.0/0')), [0, 0]);
  });

  it('finds IPv6 by all of its words, inside and outside of what its networks share', () => {
    const find = indexOf(4, '2001:db8:0:1::/64', '2001:db8::ffff:ffff', '2001:db8::/33', '2001:db8:0:1::7');
    const asked = [
      '2001:db8:0:1::7',
      '2001:db8::ffff:ffff',
      '2001:db8::1:0:0',
      '2001:db8:8000::',
      '2001:db7::',
      '::',
      'ffff::',
    ];
    assert.deepEqual(asked.map(find), [0, 1, 2, NOWHERE, NOWHERE, NOWHERE, NOWHERE]);
    assert.deepEqual(['::1', 'ff00::'].map(indexOf(4, 'ff00::/8', '::1')), [1, 0]);
  });
});
