import type { HostResolver } from '../../src/hostlist/index.js';

/** Answers by key: values, or the code of the error that the look-up fails with. */
type Zone = Readonly<Record<string, readonly string[] | string>>;

/** A resolver that knows what it is given and nothing else: no test asks real DNS. */
export function resolverOf(zones: { readonly reverse?: Zone; readonly forward?: Zone }): HostResolver & {
  /** Every question in its order: `reverse 10.0.0.1`, `forward a.example`. */
  readonly asked: string[];
} {
  const asked: string[] = [];
  const answer = (kind: 'reverse' | 'forward', key: string): readonly string[] => {
    asked.push(`${kind} ${key}`);
    const zone = zones[kind] ?? {};
    const values = Object.hasOwn(zone, key) ? zone[key] : 'ENOTFOUND';
    if (values === undefined || typeof values === 'string') throw Object.assign(new Error('no'), { code: values });
    return values;
  };
  return {
    asked,
    reverse: async (address) => answer('reverse', address),
    forward: async (name) => answer('forward', name),
  };
}
