import type { Duplex } from 'node:stream';
import type { SecureContext, TLSSocket } from 'node:tls';
import { inTime, isThenable } from '../callback-answer.js';
import { refusedByOpenSsl } from '../credentials/errors.js';
import { TlsSmtpError } from '../errors.js';
import { TlsInfo } from '../inspect/tls-info.js';
import type { Peer } from '../peer.js';
import type { EmptyBuffer } from '../smtp/empty-buffer.js';
import { SmtpRejection } from '../smtp/rejection.js';
import { fixedReply, formatReply, type Reply } from '../smtp/reply.js';
import { type Effect, type Event, initial, type State, step } from '../starttls/server-machine.js';
import type { Engine } from './engine.js';
import { HandshakeFailedError, HandshakeTimeoutError } from './handshake-failure.js';
import { hangUp } from './hang-up.js';
import type { ServerTlsSettings } from './server-tls-options.js';
import type { StartTlsResult, StartTlsSession } from './starttls-contract.js';
import {
  HandlerFailedError,
  HandlerTimeoutError,
  HandshakesBusyError,
  OutOfOrderError,
  PlaintextAfterStartTlsError,
} from './starttls-errors.js';
import { Boundary, upgrade } from './upgrade.js';

/** What a handshake is done with. */
export interface ServerCredentials {
  readonly engine: Engine;
  /** The context for a name that the client asks for; `null`: no name changes anything. */
  readonly contextFor: ((serverName: string) => Promise<SecureContext | null>) | null;
}

/** What a session needs of the server it belongs to. */
export interface SessionContext {
  readonly settings: ServerTlsSettings;
  readonly offersTls: boolean;
  readonly lockoutMs: number;
  readonly handlerTimeoutMs: number;
  readonly consult: ((peer: Peer) => unknown) | null;
  readonly credentials: (heloName: string | null) => Promise<ServerCredentials>;
  readonly reserve: () => () => void;
  readonly succeeded: (tls: TlsInfo) => void;
  readonly failed: (error: TlsSmtpError) => void;
  readonly lockedOut: (error: TlsSmtpError) => void;
}

const PROHIBITED = fixedReply(550, '5.7.1', 'Administrative prohibition');
const LOCAL_PROBLEM = fixedReply(451, '4.7.1', 'Local problem, try again later');

/** One attempt to have TLS: what it works on, and what it has come to. */
interface Attempt {
  readonly socket: Duplex;
  /** `null`: TLS-on-connect. */
  readonly boundary: Boundary | null;
  /** Gives back the place among the handshakes. */
  release: () => void;
  /** When the time of the handshake began to run, on the clock of `performance.now()`. */
  startedAt: number;
  reply: Reply | null;
  secured: { readonly socket: TLSSocket; readonly tls: TlsInfo } | null;
  error: TlsSmtpError | null;
  lockedOut: boolean;
}

/** Drives the server machine on a socket: one event in, every effect carried out, then the next event. */
export class Session implements StartTlsSession {
  readonly #peer: Peer;
  readonly #context: SessionContext;
  #machine: State<ServerCredentials> = initial();
  /** The socket of the last upgrade, while a locked-out client still has it. */
  #socket: Duplex | null = null;
  /** What the client called itself in clear, until TLS makes it be forgotten (RFC 3207 §4.2). */
  #heloName: string | null = null;

  constructor(peer: Peer, context: SessionContext) {
    this.#peer = peer;
    this.#context = context;
  }

  get state(): 'clear' | 'secured' | 'locked-out' | 'closed' {
    const { name } = this.#machine;
    return name === 'secured' || name === 'locked-out' || name === 'closed' ? name : 'clear';
  }

  async ehlo(name: string): Promise<readonly string[]> {
    this.#heloName = name;
    const advertise = this.#context.offersTls && this.#machine.name === 'clear'; // not while an upgrade is under way
    this.#step({ type: 'ehlo', advertise });
    return advertise ? ['STARTTLS'] : [];
  }

  helo(name: string): void {
    this.#heloName = name;
    this.#step({ type: 'helo' });
  }

  gate(line: string): Reply | null {
    if (this.state !== 'locked-out' && this.state !== 'closed') return null;
    const verb = (line.split(' ', 1)[0] ?? '').toUpperCase();
    const effects = this.#step({ type: 'command', verb });
    const socket = this.#socket;
    // The caller writes the reply now; the end of the connection follows it.
    if (socket !== null && effects.some((effect) => effect.do === 'close')) setImmediate(() => hangUp(socket));
    return replyAmong(effects);
  }

  async starttls(socket: Duplex, request: { readonly args: string; readonly unread: Buffer }): Promise<StartTlsResult> {
    const boundary = this.#boundary(socket, request.unread);
    this.#socket = socket;
    const attempt = newAttempt(socket, boundary);
    await this.#run(attempt, { type: 'starttls', args: request.args, received: boundary.prove() });
    if (attempt.secured) return { kind: 'secured', ...attempt.secured };
    if (attempt.reply === null || attempt.reply.code === 220) throw attempt.error ?? outOfOrder('starttls()');
    const { state } = this;
    if (state !== 'closed') boundary.release();
    const then = state === 'locked-out' || state === 'closed' ? state : 'continue';
    return { kind: 'refused', reply: attempt.reply, then };
  }

  async tlsOnConnect(socket: Duplex): Promise<{ readonly socket: TLSSocket; readonly tls: TlsInfo }> {
    const attempt = newAttempt(socket, null);
    await this.#run(attempt, { type: 'connect' });
    if (attempt.secured === null) throw attempt.error ?? outOfOrder('tlsOnConnect()');
    return attempt.secured;
  }

  /** One step of the machine outside an attempt. @returns what is to be done */
  #step(event: Event<ServerCredentials>): readonly Effect<ServerCredentials>[] {
    const { state, effects } = step<ServerCredentials>(this.#machine, event);
    this.#machine = state;
    return effects;
  }

  /** A socket that cannot be used is a mistake of the program; its client is not left waiting. */
  #boundary(socket: Duplex, unread: Buffer): Boundary {
    try {
      return new Boundary(socket, unread, this.state === 'secured');
    } catch (error) {
      this.#step({ type: 'closed' });
      socket.destroy();
      if (error instanceof TlsSmtpError) this.#context.failed(error);
      throw error;
    }
  }

  async #run(attempt: Attempt, first: Event<ServerCredentials>): Promise<void> {
    try {
      for (let event: Event<ServerCredentials> | null = first; event !== null; ) {
        const effects = this.#step(event);
        event = null;
        for (const effect of effects) {
          event = (await this.#carryOut(effect, attempt)) ?? event;
        }
      }
    } finally {
      attempt.release();
    }
    if (attempt.error === null) return;
    if (!attempt.lockedOut) return this.#context.failed(attempt.error);
    this.#context.lockedOut(attempt.error);
    this.#boundLockout(attempt.socket);
  }

  /** @returns the event that the effect led to, if it led to one */
  #carryOut(
    effect: Effect<ServerCredentials>,
    attempt: Attempt,
  ): Event<ServerCredentials> | Promise<Event<ServerCredentials>> | null {
    switch (effect.do) {
      case 'consult':
        return this.#consult();
      case 'load':
        return this.#load(attempt);
      case 'reply':
        attempt.reply = effect.reply;
        if (this.state !== 'closed') attempt.socket.write(formatReply(effect.reply), 'latin1');
        return null;
      case 'announce':
        attempt.reply = effect.reply;
        return announce(attempt, effect.reply, this.#context.settings.handshakeTimeoutMs);
      case 'handshake':
        return this.#handshake(attempt, effect.credentials, effect.boundary);
      case 'report-injection':
        attempt.error = new PlaintextAfterStartTlsError(effect.octets);
        return null;
      case 'close':
        closeAfter(attempt.socket, attempt.reply);
        return null;
      case 'forget-client': // whoever has the conversation starts it anew on the secured socket
        this.#heloName = null;
        return null;
      case 'report-lockout': // when the attempt is over, with the error that led to it
        attempt.lockedOut = true;
        return null;
      default:
        return effect satisfies never;
    }
  }

  /** Asks the application. Whatever it throws, the answer is a reply and never its text. */
  async #consult(): Promise<Event<ServerCredentials>> {
    const { consult, handlerTimeoutMs, failed } = this.#context;
    try {
      const given = consult?.(this.#peer);
      const late = (): HandlerTimeoutError => new HandlerTimeoutError('onStartTls', handlerTimeoutMs);
      const answer = isThenable(given) ? await inTime(given, handlerTimeoutMs, late) : given;
      return answer === false ? { type: 'refused', reply: PROHIBITED } : { type: 'permitted' };
    } catch (thrown) {
      if (thrown instanceof SmtpRejection) return { type: 'refused', reply: thrown.reply };
      failed(thrown instanceof HandlerTimeoutError ? thrown : new HandlerFailedError('onStartTls', thrown));
      return { type: 'refused', reply: LOCAL_PROBLEM };
    }
  }

  /** Takes a place among the handshakes and has the credentials: both before anything is promised. */
  async #load(attempt: Attempt): Promise<Event<ServerCredentials>> {
    try {
      attempt.release = this.#context.reserve();
      const credentials = await this.#context.credentials(this.#heloName);
      return { type: 'loaded', credentials, received: attempt.boundary?.prove() ?? 'on-connect' };
    } catch (thrown) {
      attempt.error = refusedByOpenSsl(thrown);
      if (thrown instanceof HandshakesBusyError) return { type: 'unavailable', why: 'busy' };
      return { type: 'unavailable', why: 'credentials', policy: this.#context.settings.whenUnavailable };
    } finally {
      attempt.startedAt = performance.now();
    }
  }

  async #handshake(
    attempt: Attempt,
    credentials: ServerCredentials,
    boundary: EmptyBuffer | 'on-connect',
  ): Promise<Event<ServerCredentials>> {
    const { settings, succeeded } = this.#context;
    try {
      const { handshakeTimeoutMs } = settings;
      const { engine, contextFor } = credentials;
      const { socket, startedAt } = attempt;
      const secured = await upgrade(engine, socket, boundary, handshakeTimeoutMs, startedAt, contextFor);
      const tls = TlsInfo.from(secured, { mode: boundary === 'on-connect' ? 'on-connect' : 'starttls' });
      attempt.secured = { socket: secured, tls };
      succeeded(tls);
      return { type: 'secured' };
    } catch (thrown) {
      attempt.error = thrown instanceof TlsSmtpError ? thrown : new HandshakeFailedError(thrown);
      return { type: 'failed' };
    }
  }

  #boundLockout(socket: Duplex): void {
    const timer = setTimeout(() => {
      const last = replyAmong(this.#step({ type: 'expired' }));
      if (last !== null && this.#socket !== null) closeAfter(this.#socket, last);
    }, this.#context.lockoutMs);
    timer.unref();
    socket.once('close', () => clearTimeout(timer));
  }
}

function newAttempt(socket: Duplex, boundary: Boundary | null): Attempt {
  return {
    socket,
    boundary,
    release: () => {},
    startedAt: 0,
    reply: null,
    secured: null,
    error: null,
    lockedOut: false,
  };
}

function replyAmong(effects: readonly Effect<ServerCredentials>[]): Reply | null {
  return effects.find((effect) => effect.do === 'reply')?.reply ?? null;
}

/**
 * Writes the 220 and waits until it has left; a socket that died meanwhile has no handshake. The time of the handshake
 * runs already: a client that does not read would hold its place for ever.
 */
function announce(attempt: Attempt, reply: Reply, timeoutMs: number): Promise<Event<ServerCredentials>> {
  const { socket } = attempt;
  return new Promise((resolve) => {
    const fail = (error: TlsSmtpError): void => {
      clearTimeout(deadline);
      socket.off('close', gone);
      attempt.error ??= error;
      socket.destroy();
      resolve({ type: 'closed' });
    };
    const gone = (): void => fail(new HandshakeFailedError({ code: 'ECONNRESET' }));
    const deadline = setTimeout(() => fail(new HandshakeTimeoutError(timeoutMs)), timeoutMs);
    socket.once('close', gone);
    socket.write(formatReply(reply), 'latin1', (error) => {
      if (error || socket.destroyed || socket.readableEnded) return gone();
      clearTimeout(deadline);
      socket.off('close', gone);
      resolve({ type: 'flushed' });
    });
  });
}

/** After a 220 nothing can be said any more; before it a last reply can. */
function closeAfter(socket: Duplex, last: Reply | null): void {
  if (last === null || last.code === 220) socket.destroy();
  else hangUp(socket, formatReply(last));
}

function outOfOrder(call: string): OutOfOrderError {
  return new OutOfOrderError(`${call} was called on a connection that is closed, secured or being upgraded already`);
}
