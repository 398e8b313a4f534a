import type { Duplex } from 'node:stream';
import { HandlerTimeoutError } from '../net/starttls-errors.js';
import type { Reply } from '../smtp/reply.js';
import { admission } from './admission.js';
import { Channel, type ChannelEvents } from './channel.js';
import { intakeOfChunk } from './chunks.js';
import { Commands, type Outcome } from './commands.js';
import type { Conversation } from './conversation.js';
import type { Overdue } from './deadlines.js';
import type { Intake } from './intake.js';
import { Progress } from './progress.js';
import { beginData, type ReceptionEvents } from './reception.js';
import { replies } from './replies.js';
import type { SessionHost } from './session-host.js';
import { Tally } from './tally.js';
import { type Crossed, TlsBorder } from './tls-border.js';

/** Drives one conversation: octets in, commands run in order, replies out. */
export class Session implements Overdue, ChannelEvents, ReceptionEvents {
  readonly #host: SessionHost;
  readonly #conversation: Conversation;
  readonly #channel: Channel;
  readonly #progress: Progress;
  readonly #commands: Commands;
  readonly #border: TlsBorder;
  readonly #tlsOnConnect: boolean;
  readonly #tally: Tally;
  /** The client has closed its side. */
  #ended = false;
  #reason = 'the client closed the connection';

  constructor(socket: Duplex, host: SessionHost, tlsOnConnect: boolean) {
    const { context, deadlines } = host;
    this.#host = host;
    this.#conversation = context.conversation;
    this.#tlsOnConnect = tlsOnConnect;
    this.#channel = new Channel(socket, this);
    this.#tally = new Tally(context.limits);
    deadlines.watch(this);
    this.#progress = new Progress(deadlines, context.limits);
    this.#commands = new Commands(host, this.#progress);
    this.#border = new TlsBorder(host, this.#channel, this.#commands, this.#progress);
  }

  get dueAt(): number {
    return this.#progress.dueAt;
  }

  get endsAt(): number {
    return this.#progress.endsAt;
  }

  /** Begins the conversation: the application's word, TLS where it comes first, the banner. */
  async begin(): Promise<void> {
    try {
      const refused = await admission(this.#host.context, this.#progress);
      if (this.#progress.over) return;
      if (refused !== null) return this.end(refused.reply, refused.reason);
      if (this.#progress.draining) return this.end(replies.shutdown, 'the server shut down');
      if (this.#tlsOnConnect && !(await this.#border.tlsOnConnect())) return;
      if (this.#commands.refusal !== null) return this.end(this.#commands.refusal, 'refused by onSecure');
      this.#channel.collect(this.#host.banner);
      this.#channel.listen();
      this.#progress.enter('commands');
      this.#goOn();
    } catch (problem) {
      this.#fail(problem);
    }
  }

  /** No new transaction: a message under way may finish, then 421 (RFC 5321 §3.8). A handshake under way is cut. */
  drain(): void {
    this.#progress.draining = true;
    const { phase } = this.#progress;
    if (phase === 'upgrading') return this.destroy('the server shut down');
    const betweenCommands = phase === 'commands' || phase === 'authenticating';
    if (betweenCommands && !this.#conversation.inTransaction) {
      this.end(replies.shutdown, 'the server shut down');
    }
  }

  destroy(reason: string): void {
    if (!this.#progress.over) this.#reason = reason;
    this.#progress.enter('ending');
    this.#channel.destroy();
  }

  overdue(): void {
    const late = this.#progress.late();
    if (late === 'farewell') return this.#channel.destroy();
    if (late === 'session') return this.end(replies.timeout, 'the session took too long');
    if (late === 'client') return this.end(replies.timeout, 'the client was silent for too long');
    const { limits, report } = this.#host.context;
    const error = new HandlerTimeoutError(this.#progress.awaited, limits.handlerTimeoutMs);
    this.end(replies.stuck, error.message);
    report(error);
  }

  /** Says the last words and closes; a client that does not close its side is cut off. Where TLS is due it is mute. */
  end(last: Reply, reason: string): void {
    const { phase } = this.#progress;
    if (phase === 'ending') return;
    if (phase === 'upgrading' || (phase === 'opening' && this.#tlsOnConnect)) return this.destroy(reason);
    this.#reason = reason;
    this.#channel.collect(last);
    this.#close();
  }

  received(chunk: Buffer): void {
    if (this.#progress.over) return;
    const { lines } = this.#commands;
    lines.lend(chunk);
    try {
      if (this.#progress.reading) this.#run();
      else this.#channel.flow(false); // one chunk is held, the rest waits in the socket
    } catch (problem) {
      this.#fail(problem);
    } finally {
      lines.keep(); // whatever happens: what is lent would be another client's octets, run as this one's commands
    }
  }

  ended(): void {
    this.#ended = true;
    if (this.#progress.reading) this.#finish();
  }

  drained(): void {
    this.#updateFlow();
  }

  /** The application has taken what was held for it: the client may send again. */
  caughtUp(): void {
    this.#updateFlow();
  }

  closed(code: string | null): void {
    if (code !== null && !this.#progress.over) this.#reason = `the connection was lost (${code})`;
    this.#progress.enter('ending');
    this.#host.deadlines.forget(this);
    this.#conversation.abandon('the connection was lost');
    this.#host.closed(this.#reason);
  }

  /** Where nobody read for a while: what is here, and then the end, if it has come meanwhile. */
  #goOn(): void {
    this.#run();
    if (this.#ended && this.#progress.reading) this.#finish();
  }

  /** Runs every command that is here, then writes their replies at once. */
  #run(): void {
    for (let anything = false; ; anything = true) {
      const { phase } = this.#progress;
      if (typeof phase === 'object') {
        if (!this.#receive(phase)) return this.#rest(true);
        continue;
      }
      if (phase !== 'commands' && phase !== 'authenticating') return;
      const outcome = phase === 'commands' ? this.#commands.next() : this.#commands.response();
      if (outcome === null) return this.#rest(anything);
      if (phase === 'authenticating') this.#progress.enter('commands'); // but for another 334
      this.#act(outcome);
    }
  }

  #act(outcome: Outcome): void {
    if (outcome instanceof Promise) {
      this.#wait();
      outcome.then(this.answered, this.#fail);
    } else if (!('do' in outcome)) this.#say(outcome);
    else if (outcome.do === 'end') this.end(outcome.reply, outcome.reason);
    else void this.#cross(this.#border.startTls(outcome.args));
  }

  #wait(): void {
    this.#progress.enter('waiting');
    this.#channel.flush(); // a finished reply never waits for a handler
  }

  readonly answered = (reply: Reply): void => {
    if (this.#progress.phase !== 'waiting') return; // it took too long, or the client is gone
    try {
      this.#progress.enter('commands');
      this.#say(reply);
      this.#goOn();
    } catch (problem) {
      this.#fail(problem);
    }
  };

  /** Adds a reply to those that go out together, and does what its code says. */
  #say(reply: Reply): void {
    const { context } = this.#host;
    const { chunk } = this.#commands;
    if (chunk !== null) {
      this.#commands.chunk = null;
      const empty = chunk.octets === 0 && !chunk.last; // as idle as NOOP
      return this.#beginMessage(intakeOfChunk(context, chunk, reply, this), empty ? 'BDAT 0' : 'onMessage');
    }
    this.#channel.collect(reply);
    const { code } = reply;
    if (code === 354) return this.#beginMessage(beginData(context, this), 'onMessage');
    if (code === 334) return this.#progress.enter('authenticating');
    if (code === 221 || code === 421 || this.#conversation.dropped) {
      this.#reason = code === 221 ? 'the client said QUIT' : `the session was ended: ${reply.lines[0]}`;
      return this.#close();
    }
    this.#count(code);
  }

  #count(code: number): void {
    const { stage } = this.#conversation;
    const { awaited } = this.#progress;
    const command = awaited === 'onMessage' && stage === 'transaction' ? 'BDAT' : awaited; // a chunk, not the last
    const over = this.#tally.count(code, command, stage);
    // A lock-out has a bound of its own.
    if (over !== null && this.#host.starttls.state !== 'locked-out') this.end(over.reply, over.reason);
  }

  #beginMessage(intake: Intake, awaited: string): void {
    this.#progress.awaited = awaited;
    this.#progress.enter(intake);
  }

  /** @returns whether the message, or the chunk, ended, and there may be commands behind it */
  #receive(intake: Intake): boolean {
    if (!this.#commands.lines.readBy(intake)) {
      if (intake.endless) this.end(replies.tooLarge, 'the message had no end');
      return false;
    }
    this.#progress.enter('commands');
    const reply = intake.end();
    if (reply !== null) this.#say(reply);
    else this.#wait();
    return true;
  }

  /** All input is used up: write, and wait for more. @param anything - whether a command or a part of a message came */
  #rest(anything: boolean): void {
    this.#channel.flush();
    if (anything) this.#progress.enter(this.#progress.phase);
    if (this.#progress.draining) this.drain();
    this.#updateFlow();
  }

  #updateFlow(): void {
    const { phase, reading } = this.#progress;
    if (typeof phase === 'object') {
      this.#progress.enter(phase);
      this.#channel.flow(!this.#channel.blocked && !phase.full);
    } else if (reading) this.#channel.flow(!this.#channel.blocked);
  }

  /** STARTTLS, or the end of TLS: whatever has become of it. */
  async #cross(crossing: Promise<Crossed>): Promise<void> {
    try {
      const crossed = await crossing;
      if (crossed.then === 'nothing' || this.#progress.over) return;
      if (crossed.then !== 'commands') {
        this.#reason = crossed.reason ?? this.#reason;
        return crossed.then === 'closed' ? this.#progress.enter('ending') : this.#close();
      }
      this.#progress.enter('commands');
      if (crossed.refused !== null) this.#count(crossed.refused.code);
      if (this.#ended) return this.#close();
      this.#run();
    } catch (problem) {
      this.#fail(problem);
    }
  }

  /**
   * The client has ended TLS, the connection, or both. Between commands a client that may goes on in clear; inside a message
   * it is a lost connection (CVE-2026-45185).
   */
  #finish(): void {
    const { tls, message } = this.#conversation; // between two chunks a message is under way too
    if (tls === null || message !== null || this.#progress.phase !== 'commands') return this.#close();
    this.#ended = false; // TLS was: whether the connection is, the border finds out
    void this.#cross(this.#border.clearAgain());
  }

  /** Writes what is left, closes our side, and lets the client close its own. */
  #close(): void {
    this.#conversation.abandon('the session was ended');
    this.#progress.enter('ending');
    this.#channel.end();
  }

  /** A failed upgrade, or a fault of ours: the connection goes, the process does not. */
  readonly #fail = (problem: unknown): void => {
    this.destroy(problem instanceof Error ? problem.message : 'an internal error');
  };
}
