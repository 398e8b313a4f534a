import type { Deadlines } from './deadlines.js';
import type { Limits } from './limits.js';
import { type Phase, patienceMs } from './phase.js';

/** Whose time is up: the session's as a whole, a handler's, the client's, or that to close its side behind our last words. */
export type Late = 'session' | 'handler' | 'client' | 'farewell';

/** How far a session has come: its phase, what it waits for there, and until when. */
export class Progress {
  readonly #deadlines: Deadlines;
  readonly #limits: Limits;
  #phase: Phase = 'opening';
  #dueAt: number;
  #endsAt: number;
  /** The verb or handler that is awaited, for the error that says so, and for the tally. */
  awaited = 'onConnect';
  /** No transaction may begin any more: the server shuts down. */
  draining = false;

  /** @param deadlines - has to watch the session already: a clock that nobody needed stood still */
  constructor(deadlines: Deadlines, limits: Limits) {
    this.#deadlines = deadlines;
    this.#limits = limits;
    this.#dueAt = deadlines.now + patienceMs('opening', limits);
    this.#endsAt = deadlines.now + limits.sessionTimeoutMs;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** When what is due in this phase is late. */
  get dueAt(): number {
    return this.#dueAt;
  }

  /** When the whole session must be over. */
  get endsAt(): number {
    return this.#endsAt;
  }

  /** What the client sends is read now. */
  get reading(): boolean {
    return this.#phase === 'commands' || typeof this.#phase === 'object' || this.#phase === 'authenticating';
  }

  get over(): boolean {
    return this.#phase === 'ending';
  }

  /** Changes the phase, or begins it anew, and with it says until when what is due. Nothing comes behind `ending`. */
  enter(phase: Phase): void {
    if (this.#phase === 'ending') return;
    this.#phase = phase;
    this.#dueAt = this.#deadlines.now + patienceMs(phase, this.#limits);
    if (phase === 'ending') this.#endsAt = Number.POSITIVE_INFINITY; // the last words have a time of their own
  }

  /** Whose fault it is, once {@link dueAt} or {@link endsAt} has come. */
  late(): Late {
    const phase = this.#phase;
    if (phase === 'ending') return 'farewell';
    if (this.#endsAt <= this.#deadlines.now) return 'session';
    const atHandler = typeof phase === 'object' ? phase.full : phase === 'opening' || phase === 'waiting';
    return atHandler ? 'handler' : 'client';
  }
}
