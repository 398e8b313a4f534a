/** A decision with its reason in words, fit for a log. */
export interface Explained<T> {
  readonly value: T;
  readonly reason: string;
}
