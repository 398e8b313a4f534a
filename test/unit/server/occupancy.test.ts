import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Occupancy } from '../../../src/server/occupancy.js';

describe('Occupancy', () => {
  it('lets in as many as may be at once from one address, and again when one has left', () => {
    const house = new Occupancy(2);
    const first = house.enter({ address: '192.0.2.1' });
    assert.ok(first && house.enter({ address: '192.0.2.1' }));
    assert.equal(house.enter({ address: '192.0.2.1' }), null);
    assert.ok(house.enter({ address: '192.0.2.2' }), 'another is not concerned');
    first();
    assert.ok(house.enter({ address: '192.0.2.1' }));
    assert.equal(house.enter({ address: '192.0.2.1' }), null);
  });

  it('counts a mapped address as IPv4, and IPv6 by its 64 bits, however it is written', () => {
    for (const [one, same, other] of [
      ['192.0.2.1', '::FFFF:192.0.2.1', '::ffff:192.0.2.2'],
      ['2001:db8::1', '2001:0DB8:0:0:ffff::9', '2001:db8:0:1::1'],
      ['fe80::1%eth0', 'fe80::2', 'fe80:0:0:1::1'],
      ['nonsense', 'nonsense', 'other nonsense'],
    ] as const) {
      const house = new Occupancy(1);
      assert.ok(house.enter({ address: one }));
      assert.equal(house.enter({ address: same }), null, same);
      assert.ok(house.enter({ address: other }), other);
    }
  });

  it('counts nobody without address (a UNIX socket), nor anybody where there is no limit', () => {
    const one = new Occupancy(1);
    const open = new Occupancy(Number.POSITIVE_INFINITY);
    for (let count = 0; count < 3; count++) assert.ok(one.enter({}) && open.enter({ address: '192.0.2.1' }));
    assert.deepEqual([one.size, open.size], [0, 0]);
  });

  it('remembers nobody who has left', () => {
    const house = new Occupancy(5);
    const leave = Array.from({ length: 50 }, (_one, index) => house.enter({ address: `192.0.2.${index % 10}` }));
    assert.equal(house.size, 10);
    for (const one of leave) one?.();
    assert.equal(house.size, 0);
  });
});
