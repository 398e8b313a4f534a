import { crowd } from '../crowd.js';
import { slopeOf } from '../growth.js';
import { atLeast, atMost, exactly, type Row } from '../row.js';
import { asksInClear, delivers, hangsUp, leavesAnywhere, looksIn, talksGarbage } from '../visitors.js';

const ROUNDS = 10;
/** Rounds in which everything is compiled and the heap finds its size. */
const WARM = 4;

export const mixed: Row = {
  name: 'R17',
  title: '20,000 connections, good and bad ones, among them messages (100,000 with --full)',
  reason: 'a server runs for months: what each connection leaves behind adds up',
  size: { target: 20_000, small: 200, full: 100_000 },
  async run({ count, trust, random, serve, progress }) {
    const server = await serve();
    const mib: number[] = [];
    let messages = 0;
    for (let round = 0; round < ROUNDS; round++) {
      progress(`${(round * count) / ROUNDS} of ${count} connections`);
      await crowd(count / ROUNDS, 24, async () => {
        const kind = random();
        if (kind < 0.4) {
          await delivers(server.port, trust);
          messages++;
        } else if (kind < 0.6) await looksIn(server.port, trust);
        else if (kind < 0.7) await asksInClear(server.port);
        else if (kind < 0.8) await talksGarbage(server.port, random);
        else if (kind < 0.9) await leavesAnywhere(server.port, trust, random);
        else await hangsUp(kind < 0.95 ? server.port : server.tlsPort, random() < 0.5 ? 'FIN' : 'RST');
      });
      mib.push((await server.quiet()).mib);
    }
    const { accepted, truncated, begun, over, sockets } = await server.quiet();
    const per10k = (slopeOf(mib, WARM) * ROUNDS * 10_000) / count;
    return {
      figures: [
        atLeast('messages accepted, of those delivered', accepted, 'count', messages),
        exactly('messages accepted that were not whole', truncated, 0),
        exactly('sessions never told to be over', begun - over, 0),
        exactly('sockets left over', sockets, 0),
        atMost('growth in 10,000 connections, once warm', per10k, 'MiB', 1),
      ],
    };
  },
};
