import { loadavg } from 'node:os';
import { createSecureContext } from 'node:tls';
import { TestAuthority } from '../../src/testing/authority.js';
import type { Size } from './arguments.js';
import { seeded } from './random.js';
import { type Figure, judge, type Row, type Verdict } from './row.js';
import { ServerProcess } from './server-process.js';

export interface Result {
  readonly row: string;
  readonly title: string;
  readonly reason: string;
  readonly seconds: number;
  /** Of the machine in the minute before the row ended: times say little above the number of its cores. */
  readonly load: number;
  readonly figures: readonly (Figure & { readonly verdict: Verdict })[];
  readonly note: string | null;
  /** Why there are no figures. */
  readonly failure: string | null;
}

export interface Pace {
  readonly size: Size;
  readonly seed: number;
  readonly progress: (text: string) => void;
}

/** Runs a row with servers of its own. A row that breaks takes nothing from the others. */
export async function runRow(row: Row, { size, seed, progress }: Pace): Promise<Result> {
  const begun = performance.now();
  const { name, title, reason } = row;
  const result = (rest: Pick<Result, 'figures' | 'note' | 'failure'>): Result => {
    const [load = 0] = loadavg();
    return { row: name, title, reason, seconds: (performance.now() - begun) / 1_000, load, ...rest };
  };
  const servers: ServerProcess[] = [];
  try {
    const authority = await TestAuthority.create();
    const identity = await authority.issue({ name: 'mx.test' });
    const { figures, note = null } = await row.run({
      count: row.size[size] ?? row.size.target,
      identity,
      issue: (host) => authority.issue({ name: host }),
      trust: createSecureContext({ ca: authority.ca }),
      random: seeded(seed),
      serve: async (settings = {}) => {
        const server = await ServerProcess.start(name, identity, settings);
        servers.push(server);
        return server;
      },
      progress: (text) => progress(`${name}: ${text}`),
    });
    const judged = figures.map((figure) => ({ ...figure, verdict: judge(figure, size === 'small') }));
    return result({ figures: judged, note, failure: null });
  } catch (problem) {
    return result({ figures: [], note: null, failure: await reasonOf(problem, servers) });
  } finally {
    for (const server of servers) await server[Symbol.asyncDispose]();
  }
}

export function isMissed({ figures, failure }: Result): boolean {
  return failure !== null || figures.some(({ verdict }) => verdict === 'missed');
}

/** A server that is gone explains what its clients saw. */
async function reasonOf(problem: unknown, servers: readonly ServerProcess[]): Promise<string> {
  try {
    for (const server of servers) await server.now();
  } catch (gone) {
    if (gone instanceof Error) return gone.message;
  }
  return problem instanceof Error ? problem.message : String(problem);
}
