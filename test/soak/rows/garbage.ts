import { crowd } from '../crowd.js';
import { growthOf } from '../growth.js';
import { atMost, exactly, type Row, told } from '../row.js';
import { delivers, talksGarbage } from '../visitors.js';

/** The target counts from the third round on: it takes so long until all is compiled and the heap has grown. */
const ROUNDS = { warm: 3, all: 6 } as const;

export const garbage: Row = {
  name: 'R15',
  title: 'six times 500 clients that send garbage behind the 220',
  reason: 'what OpenSSL keeps of a handshake that failed is memory that garbage collection never sees',
  size: { target: 500, small: 40 },
  async run({ count, trust, random, serve, progress }) {
    const server = await serve();
    const mib: number[] = [];
    const seconds: number[] = [];
    for (let round = 0; round < ROUNDS.all; round++) {
      progress(`round ${round + 1} of ${ROUNDS.all}`);
      const begun = performance.now();
      await crowd(count, 32, () => talksGarbage(server.port, random));
      seconds.push((performance.now() - begun) / 1_000);
      mib.push((await server.quiet()).mib);
    }
    const { failed, begun, over, sockets } = await server.quiet();
    await delivers(server.port, trust);
    const { accepted } = await server.quiet();
    return {
      figures: [
        exactly('handshakes told to have failed', failed['ERR_TLS_SMTP_HANDSHAKE_FAILED'] ?? 0, count * ROUNDS.all),
        exactly('sessions never told to be over', begun - over, 0),
        exactly('sockets left over', sockets, 0),
        exactly('messages accepted behind them', accepted, 1),
        atMost('growth from the third round to the last', growthOf(mib, ROUNDS.warm - 1), 'MiB', 2),
        told('the last round', (seconds.at(-1) ?? 0) * 1_000, 'ms'),
      ],
    };
  },
};
