import { offeredCapabilities } from '../smtp/capabilities.js';
import { fixedReply, type Reply } from '../smtp/reply.js';

/** The replies to EHLO. A server has a few, and each client says EHLO twice: each is made once. */
export class EhloReplies {
  readonly #hostname: string;
  readonly #maxMessageBytes: number;
  readonly #hidden: ReadonlySet<string>;
  readonly #made = new Map<string, Reply>();

  /** @param hidden - keywords, upper case, that the application does not want offered */
  constructor(hostname: string, maxMessageBytes: number, hidden: ReadonlySet<string>) {
    this.#hostname = hostname;
    this.#maxMessageBytes = maxMessageBytes;
    this.#hidden = hidden;
  }

  /** @param more - what not every client is offered, as `offeredCapabilities` takes it: nothing that a client says */
  offering(more: readonly string[]): Reply {
    const key = more.join('\n');
    const made = this.#made.get(key);
    if (made !== undefined) return made;
    const lines = offeredCapabilities(more, this.#maxMessageBytes, this.#hidden);
    const reply = fixedReply(250, null, `${this.#hostname} at your service`, ...lines);
    this.#made.set(key, reply);
    return reply;
  }
}
