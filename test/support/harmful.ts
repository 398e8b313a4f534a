/** Whatever could move a cursor, end a line, turn the reading direction, or stand there unseen. */
export const HARMFUL: RegExp = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

/** Every text in a value, names of properties too, as it is before JSON would escape anything. */
export function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return [...Object.keys(value), ...Object.values(value).flatMap((one) => textsIn(one))];
}
