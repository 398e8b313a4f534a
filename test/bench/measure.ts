import type { ServerKind } from './contestants/contestant.js';
import { type Ground, Lane, type Window } from './lane.js';
import type { Measure, Row } from './rows.js';
import { median } from './statistics.js';

/** Who runs in a row. The reference runs twice: what lies between its two runs is what the machine cannot tell apart. */
type Role = 'reference' | 'again' | 'ours' | 'peer';

/** What one contestant showed, one value a round. */
export interface Samples {
  readonly role: Role;
  readonly kind: ServerKind;
  /** Microseconds of CPU per operation, milliseconds, or octets per session. */
  readonly values: readonly number[];
  /** TLS records of the server per operation, in all rounds together. */
  readonly writes: number;
}

export interface Pace {
  readonly rounds: number;
  readonly seconds: number;
  /** Told where the run stands, for the impatient. */
  readonly progress: (where: string) => void;
}

interface Contestant {
  readonly role: Role;
  readonly kind: ServerKind;
  readonly name: string;
  readonly values: number[];
  operations: number;
  records: number;
  spentMs: number;
}

/** A peer that needs minutes for what others do in a second sits out the rest: its figure is no goal. */
const PEER_PATIENCE_MS = 20_000;
/** Operations before the first that counts: behind so many, nearly all is compiled. Bounded in time, too. */
const WARM_UP = { connections: 6_000, messages: 20_000, large: 15, banner: 20, idle: 0 } as const;
const WARM_UP_WINDOWS = 15;
/** So many of each contestant, one after the other. */
const PROCESSES = 3;
/** A fill takes seconds and is steady: so many processes in a row show it. */
const MEMORY_ROUNDS = 3;

/** Runs a row: all contestants in every round, in rotating order, and several processes of each one after the other. */
export async function measure(row: Row, ground: Ground, pace: Pace): Promise<Samples[]> {
  const contestants = contestantsOf(row);
  if (row.measure === 'memory') await fillInTurns(row, contestants, ground, pace);
  else await runInTurns(row, contestants, ground, pace);
  return contestants.map(({ role, kind, values, operations, records }) => {
    return { role, kind, values, writes: operations === 0 ? 0 : records / operations };
  });
}

/** Some processes are slower than others for all of their lives: the rounds are shared out among several of each. */
async function runInTurns(row: Row, contestants: readonly Contestant[], ground: Ground, pace: Pace): Promise<void> {
  const processes = ground.profiles === null ? Math.min(PROCESSES, pace.rounds) : 1; // a profile is of one process
  const rounds = Array.from({ length: pace.rounds }, (_, round) => round);
  for (let nth = 0; nth < processes; nth++) {
    const share = rounds.filter((round) => round % processes === nth);
    await runRounds(share, row, contestants, ground, pace);
  }
}

/** One process of each contestant, and these rounds. */
async function runRounds(
  rounds: readonly number[],
  row: Row,
  contestants: readonly Contestant[],
  ground: Ground,
  pace: Pace,
): Promise<void> {
  const lanes = new Map<Contestant, Lane>();
  try {
    for (const contestant of contestants) {
      if (isTired(contestant)) continue;
      pace.progress(`${row.name}: ${contestant.name} warms up`);
      const lane = await Lane.open(`${row.name}-${contestant.name}`, contestant.kind, row.load, ground);
      lanes.set(contestant, lane);
      await warmUp(row, contestant, lane, pace);
    }
    // Who warmed up first has stood still the longest, and V8 has taken its heap back: one window of each that does not count.
    for (const lane of lanes.values()) await lane.run(pace.seconds * 1_000);
    for (const round of rounds) {
      for (const contestant of rotated(contestants, round)) {
        const lane = lanes.get(contestant);
        if (lane === undefined || isTired(contestant)) continue;
        pace.progress(`${row.name}: round ${round + 1} of ${pace.rounds}, ${contestant.name}`);
        const window = await timed(contestant, () => lane.run(pace.seconds * 1_000));
        contestant.values.push(sampleOf(row.measure, window));
        contestant.operations += window.ran.operations;
        contestant.records += window.ran.records;
      }
    }
  } finally {
    for (const lane of lanes.values()) await lane[Symbol.asyncDispose]();
  }
}

/** V8 compiles on, in threads that the meters count too, long after a server has begun to answer. */
async function warmUp({ load }: Row, { role }: Contestant, lane: Lane, { seconds }: Pace): Promise<void> {
  const wanted = WARM_UP[load.kind === 'messages' && load.body !== 'small' ? 'large' : load.kind];
  const longestMs = WARM_UP_WINDOWS * seconds * 1_000;
  const end = performance.now() + (role === 'peer' ? Math.min(longestMs, PEER_PATIENCE_MS / 2) : longestMs);
  for (let operations = 0; operations < wanted && performance.now() < end; ) {
    const { ran } = await lane.run(seconds * 1_000);
    operations += ran.operations;
  }
}

/** A new process for each fill. The second one counts: resident memory does not shrink, and the first pays for arenas. */
async function fillInTurns(row: Row, contestants: readonly Contestant[], ground: Ground, pace: Pace): Promise<void> {
  const rounds = Math.min(pace.rounds, MEMORY_ROUNDS);
  for (let round = 0; round < rounds; round++) {
    for (const contestant of rotated(contestants, round)) {
      pace.progress(`${row.name}: round ${round + 1} of ${rounds}, ${contestant.name}`);
      await using lane = await Lane.open(`${row.name}-${contestant.name}`, contestant.kind, row.load, ground);
      const empty = await lane.mark(true);
      await lane.run(0);
      const { after, ran } = await lane.run(0, true);
      contestant.values.push((after.rss - empty.rss) / ran.operations);
    }
  }
}

function contestantsOf({ reference, ours = 'tls-smtp', peers }: Row): Contestant[] {
  const one = (role: Role, kind: ServerKind, name: string = kind): Contestant => {
    return { role, kind, name, values: [], operations: 0, records: 0, spentMs: 0 };
  };
  return [
    one('reference', reference),
    one('again', reference, `${reference}-again`),
    one('ours', ours),
    ...peers.map((kind) => one('peer', kind)),
  ];
}

function sampleOf(measure: Measure, { before, after, ran }: Window): number {
  return measure === 'cpu' ? (after.cpuMicros - before.cpuMicros) / ran.operations : median(ran.millis);
}

function isTired({ role, values, spentMs }: Contestant): boolean {
  return role === 'peer' && values.length > 0 && spentMs > PEER_PATIENCE_MS;
}

async function timed<T>(contestant: Contestant, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  contestant.spentMs += performance.now() - start;
  return result;
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const at = by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}
