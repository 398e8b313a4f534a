import type { ServerKind } from './contestants/contestant.js';
import type { Samples } from './measure.js';
import type { Goal, Measure, Row } from './rows.js';
import { allowance, means, median, ratios, type Summary, summary } from './statistics.js';

export type Verdict = 'met' | 'missed' | 'not judged';

/** What one contestant came to. */
export interface Figure {
  readonly kind: ServerKind;
  /** In the unit of the row's measure. */
  readonly value: Summary;
  /** Against the reference, within rounds. Of CPU: how many times cheaper. Of memory and time: how many times more. */
  readonly ratio: Summary;
  readonly writes: number;
}

export interface Result {
  readonly row: string;
  readonly title: string;
  readonly measure: Measure;
  readonly reference: Figure;
  readonly ours: Figure;
  readonly peers: readonly Figure[];
  /** The reference's second run divided by its first. */
  readonly againstItself: number;
  readonly allowance: number;
  readonly goal: Goal;
  readonly verdict: Verdict;
  readonly maxWrites: number | null;
  readonly writesVerdict: Verdict;
}

/** @param judged - whether the run was long enough for a verdict */
export function judge(row: Row, samples: readonly Samples[], judged: boolean): Result {
  const first = one(samples, 'reference');
  const again = one(samples, 'again');
  const reference = means(first.values, again.values);
  const figure = ({ kind, values, writes }: Samples): Figure => {
    const ratio = row.measure === 'cpu' ? ratios(reference, values) : ratios(values, reference);
    return { kind, value: summary(values), ratio: summary(ratio), writes };
  };
  const ours = figure(one(samples, 'ours'));
  const againstItself = median(ratios(again.values, first.values));
  const allowed = allowance(againstItself);
  return {
    row: row.name,
    title: row.title,
    measure: row.measure,
    reference: figure({ ...first, values: reference }),
    ours,
    peers: samples.filter(({ role }) => role === 'peer').map(figure),
    againstItself,
    allowance: allowed,
    goal: row.goal,
    verdict: judged ? verdictOf(row.goal, ours, allowed) : 'not judged',
    maxWrites: row.maxWrites ?? null,
    // Counted, not timed: there is nothing to allow, and one window is as good as nine.
    writesVerdict: row.maxWrites === undefined ? 'not judged' : ours.writes <= row.maxWrites ? 'met' : 'missed',
  };
}

export function isMissed({ verdict, writesVerdict }: Result): boolean {
  return verdict === 'missed' || writesVerdict === 'missed';
}

function verdictOf({ of, at, bound }: Goal, { value, ratio }: Figure, allowed: number): Verdict {
  const [reached, slack] = of === 'ratio' ? [ratio.median, allowed] : [value.median, 0];
  const isMet = at === 'least' ? reached >= bound - slack : reached <= bound + slack;
  return isMet ? 'met' : 'missed';
}

function one(samples: readonly Samples[], wanted: Samples['role']): Samples {
  const found = samples.find(({ role }) => role === wanted);
  if (found === undefined) throw new RangeError(`nobody ran as ${wanted}`);
  return found;
}
