import type { Duplex } from 'node:stream';
import type { TlsInfo } from '../inspect/tls-info.js';
import type { StartTlsSession } from '../net/starttls-contract.js';
import { HandlerTimeoutError } from '../net/starttls-errors.js';
import { type Chunk, isBdat, parseChunk } from '../smtp/bdat.js';
import { parseCommand } from '../smtp/command.js';
import { type Line, LineBuffer } from '../smtp/line-buffer.js';
import type { Reply } from '../smtp/reply.js';
import { judge } from './acl.js';
import { authResponse } from './auth.js';
import { Channel, type ChannelEvents } from './channel.js';
import { intakeOfChunk } from './chunks.js';
import type { Conversation } from './conversation.js';
import type { Deadlines, Overdue } from './deadlines.js';
import { consult } from './handlers.js';
import type { Intake } from './intake.js';
import { type Phase, patienceMs } from './phase.js';
import { beginData, type ReceptionEvents } from './reception.js';
import { badLineReply, replies } from './replies.js';
import { Tally } from './tally.js';
import { bdat, type VerbContext, verbs } from './verbs.js';

/** What a session needs of its server. */
export interface SessionHost {
  readonly context: VerbContext;
  readonly starttls: StartTlsSession;
  readonly deadlines: Deadlines;
  /** The 220. */
  readonly banner: Reply;
  readonly closed: (reason: string) => void;
}

/** The first octet of a TLS handshake record (RFC 8446 §5.1). */
const TLS_HANDSHAKE = 0x16;

/** Drives one conversation: octets in, commands run in order, replies out. */
export class Session implements Overdue, ChannelEvents, ReceptionEvents {
  readonly #host: SessionHost;
  readonly #conversation: Conversation;
  readonly #channel: Channel;
  readonly #tlsOnConnect: boolean;
  readonly #tally: Tally;
  #phase: Phase = 'opening';
  #lines = new LineBuffer();
  /** Where octets go in the phase `message`. */
  #intake: Intake | null = null;
  /** A BDAT that has no reply yet: its octets come before anything else. */
  #chunk: Chunk | null = null;
  /** The verb or handler that is awaited, for the error that says so. */
  #awaited = 'onConnect';
  /** The client has closed its side. */
  #ended = false;
  #draining = false;
  /** Set by onSecure: the next command gets it and the session ends. */
  #refusal: Reply | null = null;
  #reason = 'the client closed the connection';
  dueAt: number = Number.POSITIVE_INFINITY;
  /** When the whole session must be over. */
  endsAt: number;

  constructor(socket: Duplex, host: SessionHost, tlsOnConnect: boolean) {
    this.#host = host;
    this.#conversation = host.context.conversation;
    this.#tlsOnConnect = tlsOnConnect;
    this.#channel = new Channel(socket, this);
    this.#tally = new Tally(host.context.limits);
    host.deadlines.watch(this); // first: a clock that nobody needed stood still
    this.endsAt = host.deadlines.now + host.context.limits.sessionTimeoutMs;
    this.#enter('opening');
  }

  /** Begins the conversation: the application's word, TLS where it comes first, the banner. */
  async begin(): Promise<void> {
    try {
      const { acl, handlers, report } = this.#host.context;
      if (acl !== null && !(await this.#admitted())) return;
      const verdict = await consult(
        'onConnect',
        () => handlers.onConnect?.(this.#conversation),
        () => replies.ok,
        report,
      );
      if (this.#over()) return;
      if (verdict !== replies.ok) return this.end(verdict, 'refused by onConnect');
      if (this.#draining) return this.end(replies.shutdown, 'the server shut down');
      if (this.#tlsOnConnect && !(await this.#beginTls())) return;
      if (this.#refusal !== null) return this.end(this.#refusal, 'refused by onSecure');
      this.#channel.collect(this.#host.banner);
      this.#channel.listen();
      this.#enter('commands');
      this.#run();
    } catch (problem) {
      this.#fail(problem);
    }
  }

  /** `acl.connect`, before the application's word. */
  async #admitted(): Promise<boolean> {
    this.#awaited = 'acl.connect';
    const verdict = await judge(this.#host.context, 'connect', () => replies.ok, null);
    this.#awaited = 'onConnect';
    if (verdict !== replies.ok) this.end(verdict, 'refused by acl.connect');
    return !this.#over();
  }

  /** No new transaction: a message under way may finish, then 421 (RFC 5321 §3.8). A handshake under way is cut. */
  drain(): void {
    this.#draining = true;
    if (this.#phase === 'upgrading') return this.destroy('the server shut down');
    const betweenCommands = this.#phase === 'commands' || this.#phase === 'authenticating';
    if (betweenCommands && !this.#conversation.inTransaction) {
      this.end(replies.shutdown, 'the server shut down');
    }
  }

  destroy(reason: string): void {
    if (this.#phase !== 'ending') this.#reason = reason;
    this.#enter('ending');
    this.#channel.destroy();
  }

  overdue(): void {
    if (this.#phase === 'ending') return this.#channel.destroy();
    if (this.endsAt <= this.#host.deadlines.now) return this.end(replies.timeout, 'the session took too long');
    const atHandler = this.#phase === 'opening' || this.#phase === 'waiting' || this.#intake?.full === true;
    if (!atHandler) return this.end(replies.timeout, 'the client was silent for too long');
    const error = new HandlerTimeoutError(this.#awaited, this.#host.context.limits.handlerTimeoutMs);
    this.end(replies.stuck, error.message);
    this.#host.context.report(error);
  }

  /** Says the last words and closes; a client that does not close its side is cut off. Where TLS is due it is mute. */
  end(last: Reply, reason: string): void {
    if (this.#phase === 'ending') return;
    if (this.#phase === 'upgrading' || (this.#phase === 'opening' && this.#tlsOnConnect)) return this.destroy(reason);
    this.#reason = reason;
    this.#channel.collect(last);
    this.#close();
  }

  received(chunk: Buffer): void {
    if (this.#phase === 'ending') return;
    this.#lines.lend(chunk);
    try {
      if (this.#reading()) this.#run();
      else this.#channel.flow(false); // one chunk is held, the rest waits in the socket
    } catch (problem) {
      this.#fail(problem);
    } finally {
      this.#lines.keep(); // whatever happens: what is lent would be another client's octets, run as this one's commands
    }
  }

  ended(): void {
    this.#ended = true;
    if (this.#reading()) this.#finish();
  }

  drained(): void {
    this.#updateFlow();
  }

  /** The application has taken what was held for it: the client may send again. */
  caughtUp(): void {
    this.#updateFlow();
  }

  closed(code: string | null): void {
    if (code !== null && this.#phase !== 'ending') this.#reason = `the connection was lost (${code})`;
    this.#phase = 'ending';
    this.#host.deadlines.forget(this);
    this.#conversation.abandon('the connection was lost');
    this.#host.closed(this.#reason);
  }

  #reading(): boolean {
    return this.#phase === 'commands' || this.#phase === 'message' || this.#phase === 'authenticating';
  }

  #over(): boolean {
    return this.#phase === 'ending';
  }

  /** Changes the phase, and with it says until when what is due. */
  #enter(phase: Phase): void {
    this.#phase = phase;
    const { context, deadlines } = this.#host;
    this.dueAt = deadlines.now + patienceMs(phase, context.limits, this.#intake?.full === true);
    if (phase === 'ending') this.endsAt = Number.POSITIVE_INFINITY; // the last words have a time of their own
  }

  /** Runs every command that is here, then writes their replies at once. */
  #run(): void {
    let progress = false;
    while (true) {
      if (this.#phase === 'message') {
        progress = true;
        if (!this.#receive()) break;
      } else if (this.#phase === 'commands') {
        // TLS where commands are due: no line may ever end, and none that does is the client's own (ALPACA; see FOREIGN).
        if (this.#lines.startsWith(TLS_HANDSHAKE)) return this.end(replies.notSmtp, 'the client began TLS unasked');
        const line = this.#nextCommand();
        if (line === null) break;
        progress = true;
        this.#execute(line);
      } else if (this.#phase === 'authenticating') {
        const line = this.#lines.next(this.#host.context.limits.maxAuthOctets);
        if (line === null) break;
        progress = true;
        this.#respond(line);
      } else return;
    }
    this.#rest(progress);
  }

  /** AUTH alone may be longer than other commands (RFC 4954 §4). */
  #nextCommand(): Line | 'too-long' | null {
    const { auth, limits } = this.#host.context;
    const line = this.#lines.next(limits.maxCommandOctets);
    if (line !== 'too-long' || auth === null || !this.#lines.startsWithWord('AUTH ')) return line;
    return this.#lines.next(limits.maxAuthOctets);
  }

  /** The client's line behind a 334: a response, never a command (RFC 4954 §4). */
  #respond(line: Line | 'too-long'): void {
    if (line === 'too-long') return this.end(replies.lineTooLong, 'a line was too long');
    this.#enter('commands');
    this.#answer(authResponse(this.#host.context, this.#refusedEnd(line, 'AUTH') === null ? line.text : null));
  }

  /** Runs one command line. */
  #execute(line: Line | 'too-long'): void {
    if (this.#refusal !== null) return this.end(isQuit(line) ? replies.bye : this.#refusal, 'refused by onSecure');
    if (this.#draining && !this.#conversation.inTransaction) return this.drain();
    if (line === 'too-long') return this.end(replies.lineTooLong, 'a line was too long');
    const command = parseCommand(line.text);
    const verb = typeof command === 'string' ? '' : command.verb;
    this.#awaited = verb;
    // Behind a bare LF there is no handshake either: the boundary must never be open to doubt. Octets behind it are one.
    if (typeof command !== 'string' && verb === 'STARTTLS' && (line.end === 'crlf' || this.#lines.unread > 0)) {
      if (this.#draining) return this.end(replies.shutdown, 'the server shut down'); // S47: no new upgrade
      return void this.#startTls(command.args);
    }
    const refused = this.#host.starttls.gate(line.text) ?? this.#refusedEnd(line, verb);
    if (typeof command === 'string') {
      if (isBdat(line.text)) return this.#beginChunk('', refused);
      return this.#say(refused ?? badLineReply(command));
    }
    if (verb === 'BDAT') return this.#beginChunk(command.args, refused);
    if (refused !== null) return this.#say(refused);
    this.#answer(verbs.get(verb)?.(this.#host.context, command.args) ?? replies.unknown);
  }

  /** A line that ends in a bare LF is not run (RFC 5321 §2.3.8), unless the application wants it; STARTTLS never is. */
  #refusedEnd({ end }: Line, verb: string): Reply | null {
    if (end === 'crlf') return null;
    return verb === 'STARTTLS' || this.#host.context.bareNewlines === 'reject' ? replies.bareLf : null;
  }

  /** BDAT: whatever is said to it, its octets are read first, and none of them as a command (RFC 3030 §2). */
  #beginChunk(args: string, refused: Reply | null): void {
    const chunk = parseChunk(args);
    if (chunk === null) return this.end(replies.badChunk, 'a BDAT without a size'); // no command can be found behind it
    this.#chunk = chunk;
    this.#answer(refused ?? bdat(this.#host.context, chunk));
  }

  #answer(reply: Reply | Promise<Reply>): void {
    if (!(reply instanceof Promise)) return this.#say(reply);
    this.#wait();
    reply.then(this.answered, this.#fail);
  }

  #wait(): void {
    this.#enter('waiting');
    this.#channel.flush(); // a finished reply never waits for a handler
  }

  readonly answered = (reply: Reply): void => {
    if (this.#phase !== 'waiting') return; // it took too long, or the client is gone
    try {
      this.#enter('commands');
      this.#say(reply);
      this.#run();
      if (this.#ended && this.#reading()) this.#finish();
    } catch (problem) {
      this.#fail(problem);
    }
  };

  /** Adds a reply to those that go out together, and does what its code says. */
  #say(reply: Reply): void {
    if (this.#chunk !== null) return this.#beginMessage(intakeOfChunk(this.#host.context, this.#chunk, reply, this));
    this.#channel.collect(reply);
    const { code } = reply;
    if (code === 354) return this.#beginMessage(beginData(this.#host.context, this));
    if (code === 334) return this.#enter('authenticating');
    if (code === 221 || code === 421 || this.#conversation.dropped) {
      this.#reason = code === 221 ? 'the client said QUIT' : `the session was ended: ${reply.lines[0]}`;
      return this.#close();
    }
    this.#count(code);
  }

  #count(code: number): void {
    const { stage } = this.#conversation;
    const command = this.#awaited === 'onMessage' && stage === 'transaction' ? 'BDAT' : this.#awaited; // a chunk, not the last
    const over = this.#tally.count(code, command, stage);
    // A lock-out has a bound of its own.
    if (over !== null && this.#host.starttls.state !== 'locked-out') this.end(over.reply, over.reason);
  }

  #beginMessage(intake: Intake): void {
    const empty = this.#chunk !== null && this.#chunk.octets === 0 && !this.#chunk.last;
    this.#awaited = empty ? 'BDAT 0' : 'onMessage'; // the former is as idle as NOOP
    this.#intake = intake;
    this.#chunk = null;
    this.#enter('message');
  }

  /** @returns whether the message, or the chunk, ended, and there may be commands behind it */
  #receive(): boolean {
    const intake = this.#intake;
    if (intake === null) return false;
    if (!this.#lines.readBy(intake)) {
      if (intake.endless) this.end(replies.tooLarge, 'the message had no end');
      return false;
    }
    this.#intake = null;
    this.#enter('commands');
    const reply = intake.end();
    if (reply !== null) this.#say(reply);
    else this.#wait();
    return true;
  }

  /** All input is used up: write, and wait for more. @param progress - whether a command or a part of a message came */
  #rest(progress: boolean): void {
    this.#channel.flush();
    if (progress) this.#enter(this.#phase);
    if (this.#draining) this.drain();
    this.#updateFlow();
  }

  #updateFlow(): void {
    if (this.#phase === 'message') {
      this.#enter('message');
      this.#channel.flow(!this.#channel.blocked && this.#intake?.full !== true);
    } else if (this.#reading()) this.#channel.flow(!this.#channel.blocked);
  }

  /** Hands the socket over in this very tick; nothing that follows in the buffer is run. */
  async #startTls(args: string): Promise<void> {
    const raw = this.#channel.handOver();
    this.#enter('upgrading');
    try {
      const result = await this.#host.starttls.starttls(raw, { args, unread: this.#lines.takeRest() });
      if (this.#phase !== 'upgrading') return;
      if (result.kind === 'secured') {
        if (!(await this.#secured(result.socket, result.tls))) return;
        this.#channel.listen();
        this.#enter('commands');
      } else if (result.then === 'closed' || this.#conversation.dropped) {
        this.#reason = `STARTTLS was answered ${result.reply.code} ${result.reply.lines[0]}`;
        return result.then === 'closed' ? this.#enter('ending') : this.#close();
      } else {
        this.#channel.takeBack();
        this.#enter('commands');
        if (result.reply.code === 454) this.#conversation.reset(); // STARTTLS ends a transaction, also where TLS cannot be had
        this.#count(result.reply.code);
      }
      if (this.#ended) return this.#close();
      this.#run();
    } catch (problem) {
      this.#fail(problem);
    }
  }

  async #beginTls(): Promise<boolean> {
    const raw = this.#channel.handOver();
    this.#enter('upgrading');
    const { socket, tls } = await this.#host.starttls.tlsOnConnect(raw);
    return this.#secured(socket, tls);
  }

  /** A new stream, a new parser, a client that has not said anything yet (RFC 3207 §4.2). */
  async #secured(socket: Duplex, tls: TlsInfo): Promise<boolean> {
    if (this.#phase !== 'upgrading') {
      // The raw socket is destroyed. To destroy the one above it in the tick in which its handshake ended is a
      // segmentation fault in Node 20 to 26; the other order is not, nor is a later tick.
      setImmediate(() => socket.destroy());
      return false;
    }
    this.#lines = new LineBuffer();
    this.#conversation.secured(tls);
    if (!this.#channel.secured(socket)) return false;
    const { handlers, report } = this.#host.context;
    this.#awaited = 'onSecure';
    this.#enter('waiting');
    const verdict = await consult(
      'onSecure',
      () => handlers.onSecure?.(tls, this.#conversation),
      () => replies.ok,
      report,
    );
    if (verdict !== replies.ok) this.#refusal = verdict;
    return !this.#over();
  }

  /**
   * The client has ended TLS, the connection, or both. Between commands a client that may goes on in clear; inside a message
   * it is a lost connection (CVE-2026-45185).
   */
  #finish(): void {
    const { tls, message } = this.#conversation; // between two chunks a message is under way too
    if (tls === null || message !== null || this.#phase !== 'commands') return this.#close();
    this.#channel.flush();
    this.#enter('upgrading'); // as there: not a word in clear, and a deadline of its own
    void this.#clearAgain();
  }

  async #clearAgain(): Promise<void> {
    try {
      const clear = await this.#host.starttls.clearAgain();
      // Ended meanwhile: nobody else has the raw socket any more.
      if (this.#phase !== 'upgrading') return void clear?.socket.destroy();
      if (clear === null || this.#refusal !== null) return this.#close();
      this.#ended = false;
      this.#lines = new LineBuffer(); // half a line inside TLS is no beginning of one in clear
      this.#conversation.clearAgain();
      if (!this.#channel.clearAgain(clear.socket)) return;
      this.#lines.push(clear.unread);
      this.#channel.listen();
      this.#enter('commands');
      if (this.#ended) return this.#close();
      this.#run();
    } catch (problem) {
      this.#fail(problem);
    }
  }

  /** Writes what is left, closes our side, and lets the client close its own. */
  #close(): void {
    this.#conversation.abandon('the session was ended');
    this.#intake = null;
    this.#enter('ending');
    this.#channel.end();
  }

  /** A failed upgrade, or a fault of ours: the connection goes, the process does not. */
  readonly #fail = (problem: unknown): void => {
    this.destroy(problem instanceof Error ? problem.message : 'an internal error');
  };
}

/** RFC 3207 §4.1: where TLS is not good enough all commands are refused, but QUIT is not. */
function isQuit(line: Line | 'too-long'): boolean {
  const command = line === 'too-long' ? 'bad' : parseCommand(line.text);
  return typeof command !== 'string' && command.verb === 'QUIT';
}
