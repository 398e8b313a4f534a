import { clientHello, RawClient, sleep } from '../../support/raw-client.js';
import { crowd } from '../crowd.js';
import { percentile } from '../percentile.js';
import { atMost, exactly, type Row, told } from '../row.js';
import { asksForTls } from '../visitors.js';

const DEADLINE_MS = 2_000;
const LATE_MS = 250;
/** How often a dripping client sends an octet. */
const GAP_MS = 100;

export const slowHandshakes: Row = {
  name: 'R6',
  title: 'handshakes that never end: silent and octet by octet, STARTTLS and TLS-on-connect',
  reason: 'a timer that each octet winds up again holds a connection for hours',
  size: { target: 400, small: 12 },
  async run({ count, serve, progress }) {
    const server = await serve({ handshakeTimeoutMs: DEADLINE_MS });
    const hello = await clientHello();
    const lateMs: number[] = [];
    progress(`${count} clients`);
    await crowd(count, count, async (index) => {
      await sleep(index * 2);
      await using client = await (index % 2 === 0 ? asksForTls(server.port) : RawClient.connect(server.tlsPort));
      const begun = performance.now();
      const dripping = index % 4 < 2 ? Promise.resolve() : drip(client, hello);
      await client.closed(DEADLINE_MS * 10);
      lateMs.push(performance.now() - begun - DEADLINE_MS);
      await dripping;
    });
    const { failed, sockets } = await server.quiet();
    return {
      figures: [
        exactly('time-outs told', failed['ERR_TLS_SMTP_HANDSHAKE_TIMEOUT'] ?? 0, count),
        told('behind the deadline of 2,000 ms, p50', percentile(lateMs, 0.5), 'ms'),
        atMost('behind the deadline, the last', Math.max(...lateMs), 'ms', LATE_MS),
        exactly('sockets left over', sockets, 0),
      ],
    };
  },
};

async function drip(client: RawClient, octets: Buffer): Promise<void> {
  for (let at = 0; at < octets.length && !client.isClosed; at++) {
    await client.send(octets.subarray(at, at + 1)).catch(() => {});
    await sleep(GAP_MS);
  }
}
