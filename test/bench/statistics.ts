/** What is said of a series of measurements: its middle, and how far from it the middle half lies. */
export interface Summary {
  readonly median: number;
  /** Half of the interquartile range: half of all values lie within about this of the median. */
  readonly spread: number;
}

/** @throws {RangeError} for an empty series: there is nothing to say of it */
export function summary(values: readonly number[]): Summary {
  return { median: quantile(values, 0.5), spread: (quantile(values, 0.75) - quantile(values, 0.25)) / 2 };
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * Divides round by round, never sum by sum: what slows the machine down for a while slows both sides of one quotient.
 *
 * @param above - one value a round
 * @param below - the same; rounds that only one of them has are left out
 */
export function ratios(above: readonly number[], below: readonly number[]): number[] {
  return above.slice(0, below.length).map((value, round) => value / (below[round] ?? Number.NaN));
}

/** @returns the mean of two series, round by round */
export function means(one: readonly number[], other: readonly number[]): number[] {
  return one.map((value, round) => (value + (other[round] ?? value)) / 2);
}

/**
 * By how much a ratio may miss its goal. What a run against itself shows is the least that the machine can tell apart.
 *
 * @param againstItself - the reference's second run divided by its first
 */
export function allowance(againstItself: number): number {
  return Math.max(0.03, Math.abs(againstItself - 1));
}

/** Between the two nearest values, in proportion. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)];
  const high = sorted[Math.ceil(at)];
  if (low === undefined || high === undefined) throw new RangeError('no values');
  return low + (high - low) * (at - Math.floor(at));
}
