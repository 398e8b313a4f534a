import type { Duplex } from 'node:stream';
import type { TlsInfo } from '../inspect/tls-info.js';
import type { Reply } from '../smtp/reply.js';
import type { Channel } from './channel.js';
import type { Commands } from './commands.js';
import { consult } from './handlers.js';
import type { Progress } from './progress.js';
import { replies } from './replies.js';
import type { SessionHost } from './session-host.js';

/**
 * What is left to do for a session that was at the border.
 *
 * `commands`: read them, on the new stream, or on the old one where STARTTLS was `refused`. `close`: close our side.
 * `closed`: nothing but to wait for the client, our side is. `nothing`: it is over already.
 */
export type Crossed =
  | { readonly then: 'commands'; readonly refused: Reply | null }
  | { readonly then: 'close' | 'closed'; readonly reason: string | null }
  | { readonly then: 'nothing' };

const NOTHING: Crossed = { then: 'nothing' };
const ACROSS: Crossed = { then: 'commands', refused: null };

/**
 * Takes a session from clear text into TLS, and out of it. Each time: hand the socket over, be silent until TLS has done its
 * part, forget the client, take the new stream, ask the application.
 */
export class TlsBorder {
  readonly #host: SessionHost;
  readonly #channel: Channel;
  readonly #commands: Commands;
  readonly #progress: Progress;

  constructor(host: SessionHost, channel: Channel, commands: Commands, progress: Progress) {
    this.#host = host;
    this.#channel = channel;
    this.#commands = commands;
    this.#progress = progress;
  }

  /**
   * STARTTLS. Hands the socket over in this very tick; nothing that follows in the buffer is run.
   * @throws what a failed handshake throws
   */
  async startTls(args: string): Promise<Crossed> {
    const { starttls, context } = this.#host;
    const raw = this.#handOver();
    const result = await starttls.starttls(raw, { args, unread: this.#commands.lines.takeRest() });
    if (result.kind === 'secured') {
      if (!(await this.#secured(result.socket, result.tls))) return NOTHING;
      this.#channel.listen();
      return ACROSS;
    }
    if (this.#progress.phase !== 'upgrading') return NOTHING;
    const { reply } = result;
    if (result.then === 'closed' || context.conversation.dropped) {
      const reason = `STARTTLS was answered ${reply.code} ${reply.lines[0]}`;
      return { then: result.then === 'closed' ? 'closed' : 'close', reason };
    }
    this.#channel.takeBack();
    if (reply.code === 454) context.conversation.reset(); // STARTTLS ends a transaction, also where TLS cannot be had
    return { then: 'commands', refused: reply };
  }

  /**
   * TLS before anything else. Nobody listens to the new stream yet: the banner comes first.
   * @returns whether the session goes on
   * @throws what a failed handshake throws
   */
  async tlsOnConnect(): Promise<boolean> {
    const raw = this.#handOver();
    const { socket, tls } = await this.#host.starttls.tlsOnConnect(raw);
    return this.#secured(socket, tls);
  }

  /** The client has ended TLS, or the connection with it. One that may goes on in clear. */
  async clearAgain(): Promise<Crossed> {
    this.#channel.flush();
    this.#progress.enter('upgrading'); // as there: not a word in clear, and a deadline of its own
    const clear = await this.#host.starttls.clearAgain();
    if (this.#progress.phase !== 'upgrading') {
      clear?.socket.destroy(); // ended meanwhile: nobody else has the raw socket any more
      return NOTHING;
    }
    if (clear === null || this.#commands.refusal !== null) return { then: 'close', reason: null };
    this.#commands.forget();
    this.#host.context.conversation.clearAgain();
    if (!this.#channel.clearAgain(clear.socket)) return NOTHING;
    this.#commands.lines.push(clear.unread);
    this.#channel.listen();
    return ACROSS;
  }

  #handOver(): Duplex {
    const raw = this.#channel.handOver();
    this.#progress.enter('upgrading');
    return raw;
  }

  /**
   * A new stream, a new parser, a client that has not said anything yet (RFC 3207 §4.2).
   * @returns whether the session goes on
   */
  async #secured(socket: Duplex, tls: TlsInfo): Promise<boolean> {
    if (this.#progress.phase !== 'upgrading') {
      // The raw socket is destroyed. To destroy the one above it in the tick in which its handshake ended is a
      // segmentation fault in Node 20 to 26; the other order is not, nor is a later tick.
      setImmediate(() => socket.destroy());
      return false;
    }
    const { handlers, report, conversation } = this.#host.context;
    this.#commands.forget();
    conversation.secured(tls);
    if (!this.#channel.secured(socket)) return false;
    this.#progress.awaited = 'onSecure';
    this.#progress.enter('waiting'); // and so the client is held back, however long onSecure takes
    const verdict = await consult(
      'onSecure',
      () => handlers.onSecure?.(tls, conversation),
      () => replies.ok,
      report,
    );
    if (verdict !== replies.ok) this.#commands.refusal = verdict;
    return !this.#progress.over;
  }
}
