/**
 * The proof that nothing was received behind `STARTTLS<CRLF>`.
 *
 * Bytes that arrive in clear behind STARTTLS are how commands are injected into a TLS session (CVE-2011-0411), so the
 * handshake demands this value and there is one way to get it: to count what is unread and find nothing. There is no
 * way to empty a buffer first: what came in clear is refused, not dropped.
 */
export class EmptyBuffer {
  /** A private field makes the class nominal: an object literal never passes for a proof. */
  readonly #proven = true;

  private constructor() {}

  /**
   * @param octets - for each place where unread bytes can wait (parser, socket), how many do
   * @returns the proof, or how many octets stand in its way
   */
  static prove(...octets: readonly number[]): EmptyBuffer | UnreadOctets {
    const unread = octets.reduce((sum, count) => sum + count, 0);
    return unread === 0 ? new EmptyBuffer() : { unread };
  }

  /** True for a proof, false for an {@link UnreadOctets}. */
  static is(found: EmptyBuffer | UnreadOctets): found is EmptyBuffer {
    return found instanceof EmptyBuffer && found.#proven;
  }
}

/** What was found instead of an empty buffer. The bytes themselves are never kept. */
export interface UnreadOctets {
  readonly unread: number;
}
