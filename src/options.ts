import { OptionError } from './errors.js';

/** What people write who come from another library, and what it is called here. */
export type Hints = Readonly<Record<string, string>>;

/**
 * Refuses options that nobody reads: a misspelt security option must not be the same as none.
 * Only own properties count, so that a polluted prototype configures nothing.
 *
 * @param path - how the caller names the object: `tls`, or empty for the constructor's own argument
 * @param known - every name that is read
 * @returns a copy without prototype, of the own properties alone
 * @throws {OptionError} for a value that is no object, and for a name that is not known
 */
export function checkedOptions<T extends object>(
  path: string,
  given: T | undefined,
  known: readonly (keyof T & string)[],
  hints: Hints = {},
): T {
  if (given === undefined) return Object.create(null);
  assertOptions(path || 'options', given);
  for (const name of Object.keys(given)) {
    if (known.some((one) => one === name)) continue;
    const near = nearest(name, known);
    const meant = Object.hasOwn(hints, name) ? hints[name] : near && within(path, near);
    throw new OptionError(within(path, name), `is unknown${meant === undefined ? '' : `; ${meant} is meant?`}`);
  }
  return Object.assign(Object.create(null), given);
}

/** @throws {OptionError} for what has no named options: a text or a list would be read as nothing set */
export function assertOptions(path: string, given: unknown): asserts given is object {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new OptionError(path, 'must be an object');
  }
}

/** @throws {OptionError} where the value is no whole number from `least` to `most` */
export function wholeNumber(
  option: string,
  value: number | undefined,
  fallback: number,
  least: number,
  most: number,
): number {
  if (value === undefined) return fallback;
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new OptionError(option, `must be a whole number from ${least} to ${most}`);
  }
  return value;
}

/** @throws {OptionError} where the value is none of `words` */
export function oneOf<W extends string>(option: string, value: W | undefined, fallback: W, words: readonly W[]): W {
  if (value === undefined) return fallback;
  if (!words.includes(value)) throw new OptionError(option, `must be one of ${words.join(', ')}`);
  return value;
}

function within(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/** The same letters in another case, or a beginning of it: enough to catch most slips, never a wild guess. */
function nearest(name: string, known: readonly string[]): string | undefined {
  const lower = name.toLowerCase();
  return known.find((one) => one.toLowerCase() === lower || (lower.length > 3 && one.toLowerCase().startsWith(lower)));
}
