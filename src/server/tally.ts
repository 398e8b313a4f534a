import type { Reply } from '../smtp/reply.js';
import type { Limits } from './limits.js';
import { replies } from './replies.js';

/** The end of a session that has used up its patience. */
export interface PatienceOver {
  readonly reply: Reply;
  readonly reason: string;
}

/** Counts what a session's client gets wrong, and what it does without sending mail; both have an end. */
export class Tally {
  readonly #limits: Pick<Limits, 'maxErrors' | 'maxIdleCommands'>;
  #errors = 0;
  #idleCommands = 0;

  constructor(limits: Pick<Limits, 'maxErrors' | 'maxIdleCommands'>) {
    this.#limits = limits;
  }

  /**
   * Counts a reply that was said.
   *
   * @param code - the reply's
   * @param replied - what it answers: a message that was accepted makes up for the commands before it, and a command that
   *   builds a transaction is not idle (RFC 5321 §4.5.3.1.8: at least a hundred recipients)
   * @returns how the session ends; `null`: it goes on
   */
  count(code: number, replied: 'message' | 'in-transaction' | 'command'): PatienceOver | null {
    if ((code >= 500 && code < 505) || code === 535) this.#errors++;
    if (code >= 300 || replied !== 'in-transaction') this.#idleCommands++;
    if (code < 300 && replied === 'message') this.#idleCommands = 0;
    if (this.#errors >= this.#limits.maxErrors) return { reply: replies.tooManyErrors, reason: 'too many errors' };
    if (this.#idleCommands < this.#limits.maxIdleCommands) return null;
    return { reply: replies.tooManyCommands, reason: 'too many commands' };
  }
}
