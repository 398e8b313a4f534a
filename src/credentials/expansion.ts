/**
 * What became of an option for one connection (Exim expands its TLS options per connection).
 * The tag travels with the result: no flag of an earlier expansion can be mistaken for this one's.
 */
export type Expanded<T> =
  | { readonly kind: 'value'; readonly value: T }
  /** Not configured, or a forced expansion failure: as if the option were not there. */
  | { readonly kind: 'unset' };

/** Expands an option. Today each is a fixed value; this is the one place where that changes. */
export function expand<T>(option: T | undefined): Expanded<T> {
  return option === undefined ? { kind: 'unset' } : { kind: 'value', value: option };
}
