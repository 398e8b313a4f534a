/** The answer of a list, with what decided it. */
export interface HostMatch {
  /** `defer`: it cannot be known for now. What that counts as depends on what the list is for: see {@link belongs}. */
  readonly result: 'yes' | 'no' | 'defer';
  /** The item that decided, as it is written; `null` where the list ran off its end. */
  readonly item: string | null;
  /** Its index in the list, -1 where none decided. */
  readonly index: number;
  /** One sentence for a log; it holds no text of the peer. */
  readonly reason: string;
  /** Whether an item could not be decided, because the peer has no confirmed name or a name of the list no address. */
  readonly unknown: boolean;
  /** Only where a callback threw `ForcedFailure`: the option counts as not set (`result` is `no`). */
  readonly unset?: true;
}

/** An item matches, or the list ends at one that cannot be decided (`stopped`). */
export interface Decided {
  readonly kind: 'decided';
  readonly match: HostMatch;
  readonly stopped: boolean;
}
