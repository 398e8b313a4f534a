/** Something that has to be done by a certain time. */
export interface Overdue {
  /** In milliseconds of {@link Deadlines.now}; `Infinity` while it waits for nobody. */
  readonly dueAt: number;
  /** The same for all of it together, whatever it waits for. */
  readonly endsAt: number;
  overdue(): void;
}

/**
 * One clock for all sessions of a server: a timer per connection would be set and cleared with each command.
 * A deadline is met to within one tick.
 */
export class Deadlines {
  readonly #watched = new Set<Overdue>();
  readonly #tickMs: number;
  #timer: NodeJS.Timeout | null = null;
  /** Milliseconds on a monotonic clock, as of the last tick. */
  now: number = performance.now();

  /** @param shortestMs - the shortest time-out in use; it decides how often the clock ticks */
  constructor(shortestMs: number) {
    this.#tickMs = Math.max(10, Math.min(1_000, shortestMs / 4));
  }

  watch(item: Overdue): void {
    this.#watched.add(item);
    if (this.#timer !== null) return;
    this.now = performance.now();
    this.#timer = setInterval(() => this.#tick(), this.#tickMs);
    this.#timer.unref();
  }

  forget(item: Overdue): void {
    this.#watched.delete(item);
    if (this.#watched.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #tick(): void {
    this.now = performance.now();
    for (const item of this.#watched) {
      if (item.dueAt <= this.now || item.endsAt <= this.now) item.overdue();
    }
  }
}
