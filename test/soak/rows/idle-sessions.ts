import type { Caller } from '../../bench/caller.js';
import { crowd } from '../crowd.js';
import { percentile } from '../percentile.js';
import { atMost, exactly, type Row, told } from '../row.js';
import { asksInClear, sitsDown } from '../visitors.js';

/** Descriptors that are no sessions: listeners, files, pipes, the clients that come meanwhile. */
const OTHER_DESCRIPTORS = 200;
const NEW_CLIENTS = 200;
const MIB_EACH = 640 / 10_000;

export const idleSessions: Row = {
  name: 'R2',
  title: '10,000 idle sessions behind STARTTLS',
  reason: 'connections that do nothing take memory, and the time of those who do something',
  size: { target: 10_000, small: 50 },
  async run({ count: wanted, trust, serve, progress }) {
    const count = Math.min(wanted, descriptors() - OTHER_DESCRIPTORS);
    const server = await serve();
    // Resident memory does not shrink when connections close: the second fill tells what is used again.
    let idle = await fill(count, server.port, trust, progress);
    await Promise.all(idle.map((caller) => caller.close()));
    await server.quiet();
    idle = await fill(count, server.port, trust, progress);
    const full = await server.settled();
    const tookMs: number[] = [];
    await crowd(NEW_CLIENTS, 1, async () => void tookMs.push(await asksInClear(server.port)));
    await Promise.all(idle.map((caller) => caller.close()));
    const after = await server.quiet();
    return {
      figures: [
        exactly('sessions', full.connections, count),
        atMost('resident with all of them', full.mib, 'MiB', MIB_EACH * count),
        told('resident for each', (full.mib * 1024) / count, 'kB'),
        atMost('banner and EHLO of a new client, p99', percentile(tookMs, 0.99), 'ms', 50),
        exactly('sessions left over', after.connections, 0),
      ],
      ...(count < wanted && { note: `${count} sessions: the system allows no more descriptors (ulimit -n)` }),
    };
  },
};

async function fill(
  count: number,
  port: number,
  trust: Parameters<typeof sitsDown>[1],
  progress: (text: string) => void,
): Promise<readonly Caller[]> {
  const callers: Caller[] = [];
  await crowd(count, 16, async () => {
    callers.push(await sitsDown(port, trust));
    if (callers.length % 100 === 0) progress(`${callers.length} of ${count} sessions`);
  });
  return callers;
}

/** How many files a process may have open; Node has raised it as far as it may. */
function descriptors(): number {
  const report = process.report?.getReport() as unknown as {
    readonly userLimits?: { readonly open_files?: { readonly soft: number | string } };
  };
  const soft = Number(report.userLimits?.open_files?.soft);
  return Number.isInteger(soft) ? soft : Number.POSITIVE_INFINITY;
}
