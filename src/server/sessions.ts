import type { Session } from './session.js';

/** The sessions under way, and how all of them end. */
export class Sessions {
  readonly #sessions = new Map<string, Pick<Session, 'drain' | 'destroy'>>();
  #whenEmpty: (() => void) | null = null;

  get size(): number {
    return this.#sessions.size;
  }

  add(id: string, session: Pick<Session, 'drain' | 'destroy'>): void {
    this.#sessions.set(id, session);
  }

  remove(id: string): void {
    this.#sessions.delete(id);
    if (this.#sessions.size === 0) this.#whenEmpty?.();
  }

  /** Tells idle clients 421, lets messages under way finish, then cuts what is left. @returns when none is left */
  async drain(drainMs: number): Promise<void> {
    for (const session of this.#sessions.values()) session.drain();
    if (this.#sessions.size === 0) return;
    await new Promise<void>((resolve) => {
      const cut = setTimeout(() => {
        for (const session of this.#sessions.values()) session.destroy('the server shut down');
      }, drainMs);
      this.#whenEmpty = () => {
        clearTimeout(cut);
        resolve();
      };
    });
  }
}
