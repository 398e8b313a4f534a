import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { type HostListSource, hostMatcher } from '../../../src/hostlist/index.js';
import type { Peer } from '../../../src/peer.js';
import { Proxies } from '../../../src/server/proxies.js';
import { eventually } from '../../support/raw-client.js';
import { socketPair } from '../../support/socket-pair.js';

const LINE = 'PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\n';

/** What came of connections, in order: the client's address, or why there is none. */
function proxiesOf(source: HostListSource, maxArriving = 10): { readonly proxies: Proxies; readonly log: string[] } {
  const log: string[] = [];
  const proxies = new Proxies(hostMatcher(source), 5_000, maxArriving, {
    accept: (_socket: Socket, peer: Peer) => log.push(peer.address ?? 'nobody'),
    refused: (error) => log.push(error.reason),
  });
  return { proxies, log };
}

describe('Proxies', () => {
  it('asks those of the list for the client, and nobody else', async () => {
    for (const [list, address] of [
      ['127.0.0.0/8', '192.0.2.1'],
      ['192.0.2.0/24', '127.0.0.1'],
    ] as const) {
      await using pair = await socketPair();
      const { proxies, log } = proxiesOf(list);
      pair.far.write(LINE);
      await proxies.receive(pair.near);
      assert.deepEqual(log, [address]);
    }
  });

  it('closes where the list is undecided: either answer would lend somebody an address', async () => {
    const undecided: readonly HostListSource[] = [
      () => Promise.reject(new Error('the database is away')),
      { match: () => Promise.reject(new Error('a list of the application')) },
    ];
    for (const list of undecided) {
      await using pair = await socketPair();
      const { proxies, log } = proxiesOf(list);
      pair.far.write(LINE);
      await proxies.receive(pair.near);
      assert.deepEqual(log, ['nobody can tell whether it is due: the list of proxies is undecided']);
      assert.ok(pair.near.destroyed);
    }
  });

  it('hands on no socket that went while the list was asked, and survives its reset', async () => {
    await using pair = await socketPair();
    const { proxies, log } = proxiesOf(async () => {
      pair.near.destroy(new Error('reset'));
      await new Promise((resolve) => setTimeout(resolve, 10));
      return false;
    });
    await proxies.receive(pair.near);
    assert.deepEqual(log, []);
  });

  it('has a bound on those that have not said yet for whom they come, and cuts them at the end', async () => {
    await using first = await socketPair();
    await using second = await socketPair();
    const { proxies, log } = proxiesOf('*', 1);
    const waiting = proxies.receive(first.near);
    await proxies.receive(second.near);
    assert.deepEqual([first.near.destroyed, second.near.destroyed], [false, true]);
    await eventually('it is being read', () => first.near.listenerCount('data') === 1);
    first.far.write(LINE.slice(0, 10));
    await eventually('a part of a header', () => first.near.bytesRead === 10);
    proxies.destroy();
    await waiting;
    assert.ok(first.near.destroyed);
    assert.deepEqual(log, []);
  });
});
