import type { RawClient } from '../../support/raw-client.js';
import { clientHello } from '../../support/raw-client.js';
import { crowd } from '../crowd.js';
import { percentile } from '../percentile.js';
import { atLeast, atMost, exactly, type Row, told } from '../row.js';
import { asksForTls, looksIn } from '../visitors.js';

const VISITS = { most: 300, least: 30 } as const;

export const stuckHandshakes: Row = {
  name: 'R7',
  title: '2,000 handshakes that are stuck, and clients that do theirs beside them',
  reason: 'whoever begins handshakes and lets them lie must not slow down the others',
  size: { target: 2_000, small: 60 },
  async run({ count, trust, serve, progress }) {
    const server = await serve({ handshakeTimeoutMs: 3_000 + count * 8 });
    const visits = async (): Promise<number[]> => {
      const tookMs: number[] = [];
      await crowd(Math.min(VISITS.most, VISITS.least + count), 1, async () => {
        tookMs.push(await looksIn(server.port, trust));
      });
      return tookMs;
    };
    progress('visits, nobody else there');
    await visits(); // V8 compiles the first
    const before = await visits();
    const hello = await clientHello();
    const stuck: RawClient[] = [];
    await crowd(count, 32, async (index) => {
      const client = await asksForTls(server.port);
      if (index % 2 === 0) await client.send(hello.subarray(0, 1 + (index % (hello.length - 1))));
      stuck.push(client);
      if (stuck.length % 100 === 0) progress(`${stuck.length} of ${count} are stuck`);
    });
    progress('visits beside them');
    const beside = await visits();
    const { connections } = await server.now();
    progress('waits for the deadline');
    await Promise.all(stuck.map((client) => client.closed(60_000)));
    const { failed, sockets } = await server.quiet();
    progress('visits, nobody else there');
    const alone = [...before, ...(await visits())];
    return {
      figures: [
        atLeast('stuck while the others came', connections, 'count', count),
        told('a visit alone, p99', percentile(alone, 0.99), 'ms'),
        told('a visit beside them, p50', percentile(beside, 0.5), 'ms'),
        told('a visit beside them, p99', percentile(beside, 0.99), 'ms'),
        atMost('p99 beside them to p99 alone', percentile(beside, 0.99) / percentile(alone, 0.99), 'times', 2),
        exactly('time-outs told', failed['ERR_TLS_SMTP_HANDSHAKE_TIMEOUT'] ?? 0, count),
        exactly('sockets left over', sockets, 0),
      ],
    };
  },
};
