import { crowd } from '../crowd.js';
import { growthOf } from '../growth.js';
import { atLeast, atMost, exactly, type Row, sum } from '../row.js';
import { leavesAnywhere } from '../visitors.js';

const ROUNDS = 6;

export const teardowns: Row = {
  name: 'R9',
  title: '10,500 connections torn down by either side, anywhere, in any way',
  reason: 'Node has crashed, and leaked sockets, where TLS and TCP ended in an order that nobody had thought of',
  size: { target: 10_500, small: 240 },
  async run({ count, trust, random, serve, progress }) {
    const server = await serve({ teardownSeed: 9 });
    const mib: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      progress(`round ${round + 1} of ${ROUNDS}`);
      await crowd(count / ROUNDS, 32, () => leavesAnywhere(server.port, trust, random));
      mib.push((await server.quiet()).mib);
    }
    const { begun, over, sockets, failed, accepted, truncated } = await server.quiet();
    return {
      figures: [
        atLeast('sessions', begun, 'count', count * 0.9), // some were reset before the server had accepted them
        atLeast('handshakes that failed', sum(failed), 'count', count * 0.05),
        atLeast('messages accepted', accepted, 'count', 1),
        exactly('messages accepted that were not whole', truncated, 0),
        exactly('sessions never told to be over', begun - over, 0),
        exactly('sockets left over', sockets, 0),
        atMost('growth from the third round to the last', growthOf(mib, 2), 'MiB', 4),
      ],
    };
  },
};
