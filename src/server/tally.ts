import type { Reply } from '../smtp/reply.js';
import type { Limits } from './limits.js';
import { replies } from './replies.js';

/** The end of a session that has used up its patience. */
export interface PatienceOver {
  readonly reply: Reply;
  readonly reason: string;
}

/** How far a client has come: `new`, it has not said EHLO or HELO; `transaction`, a sender is named. */
type Stage = 'new' | 'greeted' | 'transaction';

/**
 * Recipients that may be refused in one transaction before it is cut short: a list of a hundred must be heard to its end,
 * whatever is said to each (RFC 5321 §4.5.3.1.8).
 */
const RECIPIENTS = 100;

/**
 * Bad commands of a client that has never greeted. A browser that is made to speak to a mail server (ALPACA, USENIX Security
 * 2021) says a dozen lines before the attacker's; a mail client says none.
 */
const UNGREETED = 3;

/**
 * Counts what a session's client gets wrong, and what it does without sending mail; both have an end.
 *
 * Every reply of 5xx is an error, as with Postfix (smtpd_hard_error_limit). Two kinds differ:
 *
 * - *faults*, 500 to 504 and 535: the client does not speak as it should, or has the wrong password. They are never forgiven,
 *   and end the session at once.
 * - *refusals*, all others: it was told no. A message that is accepted makes up for them, or a mailing list with a few
 *   dead addresses in each message would be cut off; and they end the session only between transactions, for the other
 *   recipients of a message are not to suffer. So somebody who guesses addresses gets as far as `maxErrors` of them, or to
 *   the end of one transaction.
 */
export class Tally {
  readonly #limits: Limits;
  #greeted = false;
  #faults = 0;
  #refusals = 0;
  #idleCommands = 0;
  /** Recipients of the transaction under way that were refused for good, and for now. */
  #refused = 0;
  #deferred = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /**
   * Counts a reply that was said.
   *
   * @param code - the reply's
   * @param command - the verb that it answers; `onMessage`: a message
   * @param stage - where the client stands now, behind that command
   * @returns how the session ends; `null`: it goes on
   */
  count(code: number, command: string, stage: Stage): PatienceOver | null {
    if (stage !== 'new') this.#greeted = true;
    if ((code >= 500 && code < 505) || code === 535) this.#faults++;
    else if (code >= 500) this.#refusals++;
    if (stage !== 'transaction') this.#refused = this.#deferred = 0;
    if (command === 'onMessage' && code < 300) this.#refusals = this.#idleCommands = 0;
    else if (stage === 'transaction' && (command === 'RCPT' || command === 'BDAT')) this.#countPart(code);
    else this.#idleCommands++;
    if (this.#tooManyErrors(stage)) return { reply: replies.tooManyErrors, reason: 'too many errors' };
    if (this.#idleCommands < this.#limits.maxIdleCommands) return null;
    return { reply: replies.tooManyCommands, reason: 'too many commands' };
  }

  /** A command that builds a transaction is not idle; what is refused in it has an end of its own. */
  #countPart(code: number): void {
    if (code >= 500) this.#refused++;
    else if (code >= 400) this.#deferred++;
  }

  #tooManyErrors(stage: Stage): boolean {
    const { maxErrors, maxRecipients } = this.#limits;
    if (this.#faults >= (this.#greeted ? maxErrors : Math.min(maxErrors, UNGREETED))) return true;
    if (stage !== 'transaction') return this.#faults + this.#refusals >= maxErrors;
    // 452 for those beyond maxRecipients is no reason to lose the others (RFC 5321 §4.5.3.1.10).
    return this.#refused > RECIPIENTS || this.#deferred > Math.max(RECIPIENTS, maxRecipients);
  }
}
