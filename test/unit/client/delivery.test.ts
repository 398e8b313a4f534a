import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkedDelivery, type Delivery } from '../../../src/client/delivery.js';

const good: Delivery = {
  hosts: [{ host: 'mx.test' }],
  envelope: { from: 'a@x.test', to: ['b@y.test'] },
  message: 'x',
};

/** The option that is named for a delivery in which `changes` stand. */
function refused(changes: object): string {
  try {
    checkedDelivery({ ...good, ...changes }, 25);
    return 'taken';
  } catch (error) {
    return (error as { option?: string }).option ?? String(error);
  }
}

describe('checkedDelivery', () => {
  it('fills in where to connect', () => {
    const hosts = [{ host: 'mx.test.' }, { host: '::1', port: 2525 }, { host: 'a_b.test', address: 'fe80::1%eth0' }];
    assert.deepEqual(checkedDelivery({ ...good, hosts }, 465).targets, [
      { host: 'mx.test.', address: 'mx.test.', port: 465 },
      { host: '::1', address: '::1', port: 2525 },
      { host: 'a_b.test', address: 'fe80::1%eth0', port: 465 },
    ]);
  });

  it('takes the null sender, quoted local parts and duplicates', () => {
    const to = ['b@y.test', '"b c"@y.test', 'b@y.test', 'Postmaster'];
    const { from, to: taken } = checkedDelivery({ ...good, envelope: { from: '', to } }, 25);
    assert.deepEqual([from, taken], ['', to]);
  });

  it('refuses an address that is none, or would be more than one command, and names it', () => {
    const bad = [
      'b@y.test>\r\nRSET',
      'b@y.test> SIZE=1',
      'x\u010d\u010aRSET@y.test',
      'b\u00e9@y.test',
      'b',
      'b@y..test',
    ];
    for (const address of bad) {
      assert.equal(refused({ envelope: { from: address, to: ['b@y.test'] } }), 'envelope.from', address);
      assert.equal(refused({ envelope: { from: '', to: ['b@y.test', address] } }), 'envelope.to[1]', address);
    }
    assert.deepEqual(
      [refused({ envelope: { from: '', to: [''] } }), refused({ envelope: { from: undefined, to: ['b@y.test'] } })],
      ['envelope.to[0]', 'envelope.from'],
    );
    assert.deepEqual(
      [refused({ envelope: { from: '', to: [] } }), refused({ envelope: { from: '', to: 'b@y.test' } })],
      ['envelope.to', 'envelope.to'],
    );
  });

  it('refuses a host that is none, and a port outside 1 to 65,535', () => {
    const hosts = ['', 'mx..test', '[::1]', 'b\u00fccher.test', 'mx.test\r\n', '10.0.0.1:25', 7, undefined];
    assert.deepEqual(
      hosts.map((host) => refused({ hosts: [{ host }] })),
      hosts.map(() => 'hosts[0].host'),
    );
    assert.equal(refused({ hosts: [{ host: 'mx.test', address: 'a b' }] }), 'hosts[0].address');
    for (const port of [0, -1, 65_536, 2.5, '25', Number.NaN]) {
      assert.equal(refused({ hosts: [{ host: 'mx.test' }, { host: 'mx.test', port }] }), 'hosts[1].port');
    }
  });

  it('refuses what nobody reads, and no hosts at all', () => {
    assert.deepEqual(
      [
        refused({ to: ['b@y.test'] }),
        refused({ hosts: [{ host: 'mx.test', priority: 10 }] }),
        refused({ envelope: { from: '', to: ['b@y.test'], size: 1 } }),
        refused({ hosts: [] }),
        refused({ hosts: 'mx.test' }),
        refused({ message: undefined }),
        refused({ signal: {} }),
      ],
      ['to', 'hosts[0].priority', 'envelope.size', 'hosts', 'hosts', 'message', 'signal'],
    );
  });
});
