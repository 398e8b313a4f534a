import type { Credentials } from './resolved.js';

/** The credentials in use, by content: whoever holds the same has the same object, and so the same engine. */
export class Shared {
  readonly #byId = new Map<string, { readonly credentials: Credentials; users: number }>();

  get size(): number {
    return this.#byId.size;
  }

  /**
   * Takes one use of what `fresh` holds.
   * @param prove - called for content that nobody uses yet; where it throws, nothing was taken
   */
  acquire(fresh: Credentials, prove: () => void): Credentials {
    const known = this.#byId.get(fresh.id);
    if (known !== undefined) {
      known.users++;
      return known.credentials;
    }
    prove();
    this.#byId.set(fresh.id, { credentials: fresh, users: 1 });
    return fresh;
  }

  /** Gives one use back. @returns whether it was the last; connections that still have it keep it alive */
  release({ id }: Credentials): boolean {
    const known = this.#byId.get(id);
    if (known === undefined) return false;
    known.users--;
    return known.users === 0 && this.#byId.delete(id);
  }
}
