/** @returns how much more the last value is than the one at `from`, where everything has been warmed up */
export function growthOf(values: readonly number[], from: number): number {
  const [first, last] = [values[from], values.at(-1)];
  if (first === undefined || last === undefined) throw new RangeError(`no value at ${from}`);
  return last - first;
}

/** @returns the slope of the line that fits the values best (least squares), from `from` on, per step */
export function slopeOf(values: readonly number[], from: number): number {
  const late = values.slice(from);
  const middle = (late.length - 1) / 2;
  const mean = late.reduce((sum, value) => sum + value, 0) / late.length;
  let [above, below] = [0, 0];
  late.forEach((value, step) => {
    above += (step - middle) * (value - mean);
    below += (step - middle) ** 2;
  });
  return above / below;
}
