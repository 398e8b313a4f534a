import type { Duplex } from 'node:stream';
import type { StartTlsSession } from '../net/starttls-contract.js';
import { parseCommand } from '../smtp/command.js';
import { type Line, LineBuffer } from '../smtp/line-buffer.js';
import { formatReply, type Reply } from '../smtp/reply.js';
import type { Conversation } from './conversation.js';
import type { Deadlines, Overdue } from './deadlines.js';
import { consult } from './handlers.js';
import { MessageReception } from './reception.js';
import { replies } from './replies.js';
import { type VerbContext, verbs } from './verbs.js';

/** What a session needs of its server. */
export interface SessionHost {
  readonly context: VerbContext;
  readonly starttls: StartTlsSession;
  readonly deadlines: Deadlines;
  readonly banner: string;
  readonly closed: (reason: string) => void;
}

/** How long a client may take to close its side behind our last words. */
const LINGER_MS = 2_000;

/**
 * Drives one conversation on a socket: octets in, commands run in order, replies out.
 *
 * Replies are collected and written once for each chunk that was read. A finished reply never waits for a handler:
 * before anything asynchronous, what is collected is written (RFC 2920 §3.2).
 */
export class Session implements Overdue {
  readonly #host: SessionHost;
  readonly #conversation: Conversation;
  #socket: Duplex;
  #lines = new LineBuffer();
  #out = '';
  #reception: MessageReception | null = null;
  /** A handler or a handshake is awaited; what the client sends meanwhile stays in the socket. */
  #busy = false;
  /** TLS has the socket, or is about to: not a word may be said on it in clear. */
  #upgrading = false;
  #blocked = false;
  #ended = false;
  #closing = false;
  #draining = false;
  #errors = 0;
  #idleCommands = 0;
  /** Set by onSecure: the next command gets it and the session ends. */
  #refusal: Reply | null = null;
  #reason = 'the client closed the connection';
  dueAt: number = Number.POSITIVE_INFINITY;

  constructor(socket: Duplex, host: SessionHost) {
    this.#socket = socket;
    this.#host = host;
    this.#conversation = host.context.conversation;
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
    host.deadlines.watch(this); // first: a clock that nobody needed stood still
    this.dueAt = host.deadlines.now + host.context.limits.commandTimeoutMs;
  }

  /** Begins the conversation: the application's word, TLS where it comes first, the banner. */
  async begin(tlsOnConnect: boolean): Promise<void> {
    const { handlers, report } = this.#host.context;
    this.#busy = true;
    const verdict = await consult(
      'onConnect',
      () => handlers.onConnect?.(this.#conversation),
      () => replies.ok,
      report,
    );
    if (this.#closing || this.#socket.destroyed) return;
    if (verdict !== replies.ok) return this.end(tlsOnConnect ? null : verdict, 'refused by onConnect');
    if (tlsOnConnect && !(await this.#tlsOnConnect())) return;
    this.#attach();
    this.#busy = false;
    if (this.#refusal !== null) return this.end(this.#refusal, 'refused by onSecure');
    this.#out = `220 ${this.#host.banner}\r\n`;
    this.#rest();
  }

  /** No new transaction: a message under way may finish, then 421 (RFC 5321 §3.8). A handshake under way is cut. */
  drain(): void {
    this.#draining = true;
    if (this.#upgrading) return this.destroy('the server shut down');
    if (!this.#busy && this.#reception === null && this.#conversation.envelope === null) {
      this.end(replies.shutdown, 'the server shut down');
    }
  }

  destroy(reason: string): void {
    this.#reason = reason;
    this.#closing = true;
    this.#socket.destroy();
  }

  overdue(): void {
    this.dueAt = Number.POSITIVE_INFINITY;
    if (this.#closing) this.#socket.destroy();
    else this.end(replies.timeout, 'the client was silent for too long');
  }

  /** Says the last words, if any, and closes; a client that does not close its side is cut off. */
  end(last: Reply | null, reason: string): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#reason = reason;
    this.#reception?.abort(reason);
    this.dueAt = this.#host.deadlines.now + LINGER_MS;
    if (last === null || this.#upgrading) return void this.#socket.destroy(); // no clear text into a handshake
    const words = this.#out + formatReply(last);
    this.#out = '';
    this.#socket.end(words, 'latin1');
    this.#socket.resume(); // unread input would turn our close into a reset that eats the last words
  }

  #attach(): void {
    this.#socket.on('data', this.#onData);
    this.#socket.on('end', this.#onEnd);
  }

  #detach(): void {
    this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onEnd);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#closing) return;
    this.#lines.push(chunk);
    this.#run();
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    if (!this.#busy) this.#finishInput();
  };

  readonly #onError = (error: NodeJS.ErrnoException): void => {
    if (!this.#closing) this.#reason = `the connection was lost (${error.code ?? 'no code'})`;
  };

  readonly #onClose = (): void => {
    this.#closing = true;
    this.#host.deadlines.forget(this);
    this.#reception?.abort('the connection was lost inside a message');
    this.#host.closed(this.#reason);
  };

  /** The client has closed its side: nothing more will come, what it asked has been answered. */
  #finishInput(): void {
    this.#closing = true;
    this.#reception?.abort('the connection was closed inside a message');
    this.#socket.end();
    this.dueAt = this.#host.deadlines.now + LINGER_MS;
  }

  /** Runs every command that is here, then writes their replies at once. */
  #run(): void {
    let partOfLine = true;
    while (!this.#busy && !this.#closing) {
      if (this.#reception !== null) {
        if (!this.#receive(this.#reception)) break;
        partOfLine = false;
        continue;
      }
      const line = this.#lines.next(this.#host.context.limits.maxCommandOctets);
      if (line === null) break;
      partOfLine = false;
      if (this.#refusal !== null) return this.end(this.#refusal, 'refused by onSecure');
      if (line === 'too-long') return this.end(replies.lineTooLong, 'a line was too long');
      const reply = this.#execute(line);
      if (reply !== null) this.#answer(reply);
    }
    if (!this.#busy && !this.#closing) this.#rest(partOfLine && this.dueAt !== Number.POSITIVE_INFINITY);
  }

  /** @returns the reply, now or later; `null` for STARTTLS, whose reply is not ours to give */
  #execute(line: Line): Reply | Promise<Reply> | null {
    const command = parseCommand(line.text);
    const verb = typeof command === 'string' ? '' : command.verb;
    if (typeof command !== 'string' && verb === 'STARTTLS') {
      // A bare LF before a handshake: the boundary must never be open to doubt, so nothing may wait behind it.
      if (line.end === 'lf' && this.#lines.unread === 0) return replies.bareLf;
      void this.#startTls(command.args);
      return null;
    }
    const gated = this.#host.starttls.gate(line.text);
    if (gated !== null) return gated;
    if (line.end === 'lf') return replies.bareLf; // RFC 5321 §2.3.8; never run
    if (typeof command === 'string') return badLineReply(command);
    return verbs[verb]?.(this.#host.context, command.args) ?? replies.unknown;
  }

  #answer(reply: Reply | Promise<Reply>): void {
    if (!(reply instanceof Promise)) return this.#say(reply);
    this.#busy = true;
    this.#flush();
    this.#updateFlow();
    this.dueAt = Number.POSITIVE_INFINITY; // the client waits for us now
    reply.then(
      (settled) => this.#goOn(settled),
      (problem: unknown) => this.destroy(`an internal error: ${problem instanceof Error ? problem.name : 'unknown'}`),
    );
  }

  #goOn(reply: Reply): void {
    this.#busy = false;
    if (this.#closing) return;
    this.#say(reply);
    this.#run();
    if (this.#ended && !this.#busy && !this.#closing) this.#finishInput();
  }

  /** Adds a reply to those that go out together, and does what its code says. */
  #say(reply: Reply): void {
    this.#out += formatReply(reply);
    const { code } = reply;
    if (code === 354) return this.#beginMessage();
    if (code === 221 || code === 421) return this.#hangUp(code);
    if (code >= 500 && code < 505) this.#errors++;
    this.#idleCommands++;
    const { limits } = this.#host.context;
    if (this.#errors >= limits.maxErrors) return this.end(replies.tooManyErrors, 'too many errors');
    if (this.#idleCommands >= limits.maxIdleCommands) this.end(replies.tooManyCommands, 'too many commands');
  }

  #hangUp(code: number): void {
    this.#closing = true;
    this.#reason = code === 221 ? 'the client said QUIT' : 'the session was ended by a 421';
    this.dueAt = this.#host.deadlines.now + LINGER_MS;
    this.#socket.end(this.#out, 'latin1');
    this.#out = '';
    this.#socket.resume();
  }

  #beginMessage(): void {
    this.#reception = new MessageReception(this.#host.context, () => this.#updateFlow());
  }

  /** @returns whether there may be commands behind what was read */
  #receive(reception: MessageReception): boolean {
    const chunk = this.#lines.takeRest();
    const end = reception.read(chunk);
    if (end === -1) return false;
    if (end < chunk.length) this.#lines.push(chunk.subarray(end));
    this.#reception = null;
    this.#idleCommands = 0;
    this.#answer(reception.verdict());
    return true;
  }

  /** All input is used up: write, and wait for more. */
  #rest(partOfLine = false): void {
    this.#flush();
    const { limits } = this.#host.context;
    const { now } = this.#host.deadlines;
    // A command has its time as a whole, or an octet every few minutes would hold a connection for days; a message has it
    // from chunk to chunk (RFC 5321 §4.5.3.2).
    if (this.#reception !== null) this.dueAt = now + limits.dataTimeoutMs;
    else if (!partOfLine) this.dueAt = now + limits.commandTimeoutMs;
    if (this.#draining) this.drain();
    this.#updateFlow();
  }

  #flush(): void {
    if (this.#out === '') return;
    const taken = this.#socket.write(this.#out, 'latin1');
    this.#out = '';
    if (taken || this.#blocked) return;
    this.#blocked = true; // a client that does not read its replies may not send more commands
    this.#socket.once('drain', () => {
      this.#blocked = false;
      this.#updateFlow();
    });
  }

  #updateFlow(): void {
    if (this.#closing) return;
    const held = this.#reception?.full === true;
    if (held) this.dueAt = Number.POSITIVE_INFINITY; // the client waits for the application's reader
    if (this.#busy || this.#blocked || held) this.#socket.pause();
    else this.#socket.resume();
  }

  /** Hands the socket over in this very tick; nothing that follows in the buffer is run. */
  async #startTls(args: string): Promise<void> {
    this.#busy = true;
    this.#flush();
    this.#detach();
    this.#upgrading = true;
    this.dueAt = Number.POSITIVE_INFINITY; // the handshake has a deadline of its own
    const raw = this.#socket;
    try {
      const result = await this.#host.starttls.starttls(raw, { args, unread: this.#lines.takeRest() });
      this.#upgrading = false;
      if (result.kind === 'secured') {
        await this.#secured(result.socket, result.tls);
        this.#attach();
      } else if (result.then === 'closed') {
        this.#closing = true;
        this.#reason = 'the client sent data behind STARTTLS';
        return;
      } else {
        this.#attach();
        if (result.reply.code === 454) this.#conversation.reset(); // STARTTLS ends a transaction, also where TLS cannot be had
        if (result.reply.code < 505 && result.reply.code >= 500) this.#errors++;
      }
      this.#busy = false;
      if (this.#ended) return this.#finishInput();
      this.#run();
    } catch (problem) {
      this.#reason = problem instanceof Error ? problem.message : 'STARTTLS failed';
      this.#closing = true;
      raw.destroy();
    }
  }

  async #tlsOnConnect(): Promise<boolean> {
    this.#upgrading = true;
    this.dueAt = Number.POSITIVE_INFINITY;
    try {
      const { socket, tls } = await this.#host.starttls.tlsOnConnect(this.#socket);
      this.#upgrading = false;
      await this.#secured(socket, tls);
      return !socket.destroyed;
    } catch (problem) {
      this.destroy(problem instanceof Error ? problem.message : 'TLS failed');
      return false;
    }
  }

  /** A new stream, a new parser, a client that has not said anything yet (RFC 3207 §4.2). */
  async #secured(socket: Duplex, tls: NonNullable<Conversation['tls']>): Promise<void> {
    this.#socket.off('close', this.#onClose);
    this.#socket = socket;
    this.#lines = new LineBuffer();
    this.#conversation.secured(tls);
    socket.on('error', this.#onError);
    if (socket.closed) return this.#onClose();
    socket.on('close', this.#onClose);
    const { handlers, report } = this.#host.context;
    const verdict = await consult(
      'onSecure',
      () => handlers.onSecure?.(tls, this.#conversation),
      () => replies.ok,
      report,
    );
    if (verdict !== replies.ok) this.#refusal = verdict;
  }
}

function badLineReply(problem: 'nul' | 'control-character' | 'eight-bit' | 'empty'): Reply {
  if (problem === 'nul') return replies.nul;
  return problem === 'empty' ? replies.unknown : replies.unprintable;
}
