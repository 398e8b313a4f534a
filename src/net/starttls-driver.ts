import type { Duplex } from 'node:stream';
import { refusedByOpenSsl } from '../credentials/errors.js';
import { TlsSmtpError } from '../errors.js';
import { andThen, type Eventual } from '../eventual.js';
import type { TlsInfo } from '../inspect/tls-info.js';
import type { Peer } from '../peer.js';
import type { CertificateRule } from '../policy/verdict.js';
import { parseCommand } from '../smtp/command.js';
import type { EmptyBuffer } from '../smtp/empty-buffer.js';
import { formatReply, type Reply } from '../smtp/reply.js';
import { type Effect, type Event, initial, type State, step } from '../starttls/server-machine.js';
import type { ClientRules } from './client-rules.js';
import { HandshakeFailedError } from './handshake-failure.js';
import { hangUp } from './hang-up.js';
import type { ServerCredentials } from './server-credentials.js';
import type { ServerTlsSettings } from './server-tls-options.js';
import { assertStream, ignoreErrors } from './socket-check.js';
import {
  type Attempt,
  announce,
  assertRequest,
  closeAfter,
  newAttempt,
  type Secured,
  secure,
} from './starttls-attempt.js';
import { askApplication } from './starttls-consult.js';
import type { ClearAgain, StartTlsResult, StartTlsSession } from './starttls-contract.js';
import { HandshakesBusyError, OutOfOrderError, PlaintextAfterStartTlsError } from './starttls-errors.js';
import { Boundary } from './upgrade.js';

/** What a session needs of the server it belongs to, and shares with all its others. */
export interface DriverContext {
  readonly settings: Pick<ServerTlsSettings, 'handshakeTimeoutMs' | 'rememberEsmtp' | 'whenUnavailable'>;
  readonly lockoutMs: number;
  readonly handlerTimeoutMs: number;
  readonly consult: ((peer: Peer) => unknown) | null;
  readonly credentials: (peer: Peer, heloName: string | null, rule: CertificateRule) => Eventual<ServerCredentials>;
  readonly reserve: () => () => void;
  readonly succeeded: (tls: TlsInfo, peer: Peer) => void;
  /** TLS has ended and the session goes on in clear. */
  readonly ended: (peer: Peer) => void;
  readonly failed: (error: TlsSmtpError, peer: Peer) => void;
  readonly lockedOut: (error: TlsSmtpError, peer: Peer) => void;
}

/** Drives the server machine on a socket: one event in, every effect carried out, then the next event. */
export class StartTlsDriver implements StartTlsSession {
  readonly #peer: Peer;
  readonly #rules: ClientRules;
  readonly #context: DriverContext;
  #machine: State<ServerCredentials> = initial();
  /** The socket of the last upgrade: a client that is locked out still has it. */
  #socket: Duplex | null = null;
  /** The upgrade behind which the client may go on in clear. */
  #upgraded: Attempt | null = null;
  /** What the client called itself in clear, until TLS makes it be forgotten (RFC 3207 §4.2). */
  #heloName: string | null = null;

  constructor(peer: Peer, rules: ClientRules, context: DriverContext) {
    this.#peer = peer;
    this.#rules = rules;
    this.#context = context;
  }

  get state(): 'clear' | 'secured' | 'locked-out' | 'closed' {
    const { name } = this.#machine;
    return name === 'secured' || name === 'locked-out' || name === 'closed' ? name : 'clear';
  }

  async ehlo(name: string): Promise<readonly string[]> {
    this.#heloName = name;
    let advertise = false;
    if (this.#machine.name === 'clear') {
      const { offered, required } = this.#rules;
      if (typeof required !== 'boolean') await required; // for gate(), which does not wait
      advertise = typeof offered === 'boolean' ? offered : await offered;
    }
    advertise &&= this.#machine.name === 'clear'; // not while an upgrade is under way
    this.#stepOutside({ type: 'ehlo', advertise });
    return advertise ? ['STARTTLS'] : [];
  }

  helo(name: string): Promise<void> | undefined {
    this.#heloName = name;
    this.#stepOutside({ type: 'helo' });
    const { required } = this.#rules;
    return typeof required === 'boolean' ? undefined : required.then(() => {});
  }

  gate(line: string): Reply | null {
    const { name } = this.#machine;
    if (name !== 'clear' && name !== 'locked-out' && name !== 'closed') return null;
    const tls = name === 'clear' ? this.#rules.duty : 'optional';
    if (name === 'clear' && tls === 'optional') return null;
    const command = parseCommand(line);
    return this.#stepOutside({ type: 'command', verb: typeof command === 'string' ? '' : command.verb, tls });
  }

  async starttls(socket: Duplex, request: { readonly args: string; readonly unread: Buffer }): Promise<StartTlsResult> {
    assertStream(socket);
    const boundary = this.#boundary(socket, request);
    this.#socket = socket;
    const attempt = newAttempt(socket, boundary);
    await this.#upgrade(attempt, { type: 'starttls', args: request.args, received: boundary.prove() });
    if (attempt.secured) {
      if (attempt.mayGoOn) this.#upgraded = attempt;
      return { kind: 'secured', ...attempt.secured };
    }
    if (attempt.reply === null || attempt.reply.code === 220) throw attempt.error ?? outOfOrder('starttls()');
    const { state } = this;
    const then = state === 'locked-out' || state === 'closed' ? state : 'continue';
    return { kind: 'refused', reply: attempt.reply, then };
  }

  async tlsOnConnect(socket: Duplex): Promise<Secured> {
    assertStream(socket);
    ignoreErrors(socket);
    const attempt = newAttempt(socket, null);
    await this.#upgrade(attempt, { type: 'connect' });
    if (attempt.secured === null) throw attempt.error ?? outOfOrder('tlsOnConnect()');
    return attempt.secured;
  }

  async clearAgain(): Promise<ClearAgain | null> {
    const { resumable, secured } = this.#upgraded ?? {};
    this.#upgraded = null;
    const { handshakeTimeoutMs } = this.#context.settings;
    const clear = resumable && secured ? await resumable.giveBack(secured.socket, handshakeTimeoutMs) : null;
    this.#step({ type: clear === null ? 'closed' : 'tls-ended' });
    if (clear === null) return null;
    this.#heloName = null; // also where HELO outlives STARTTLS: it was said inside TLS, or before
    this.#context.ended(this.#peer);
    return clear;
  }

  /** A step between attempts, for a command whose reply the caller writes now; an end of the connection follows it. */
  #stepOutside(event: Event<ServerCredentials>): Reply | null {
    const effects = this.#step(event);
    const socket = this.#socket;
    if (socket !== null && effects.some((effect) => effect.do === 'close')) setImmediate(() => hangUp(socket));
    return replyAmong(effects);
  }

  /** One step of the machine. @returns what is to be done */
  #step(event: Event<ServerCredentials>): readonly Effect<ServerCredentials>[] {
    const { state, effects } = step<ServerCredentials>(this.#machine, event);
    this.#machine = state;
    return effects;
  }

  /** A socket or a request that cannot be used is a mistake of the program; its client is not left waiting. */
  #boundary(socket: Duplex, request: { readonly args: string; readonly unread: Buffer }): Boundary {
    try {
      assertRequest(request);
      return new Boundary(socket, request.unread, this.state === 'secured');
    } catch (error) {
      ignoreErrors(socket);
      this.#step({ type: 'closed' });
      socket.destroy();
      if (error instanceof TlsSmtpError) this.#context.failed(error, this.#peer);
      throw error;
    }
  }

  async #upgrade(attempt: Attempt, first: Event<ServerCredentials>): Promise<void> {
    try {
      await this.#run(attempt, first);
    } finally {
      attempt.release();
    }
    if (attempt.error === null) return;
    if (!attempt.lockedOut) return this.#context.failed(attempt.error, this.#peer);
    this.#context.lockedOut(attempt.error, this.#peer);
    this.#boundLockout(attempt.socket);
  }

  /** From event to event, until none follows. An effect that leads to one stands alone. */
  #run(attempt: Attempt, first: Event<ServerCredentials>): Eventual<void> {
    let next: Eventual<Event<ServerCredentials> | null> = first;
    while (next !== null) {
      if (next instanceof Promise)
        return next.then((event) => (event === null ? undefined : this.#run(attempt, event)));
      const effects = this.#step(next);
      next = null;
      for (const effect of effects) next = this.#carryOut(effect, attempt);
    }
  }

  /** @returns the event that the effect led to, if it led to one */
  #carryOut(effect: Effect<ServerCredentials>, attempt: Attempt): Eventual<Event<ServerCredentials> | null> {
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
        return this.#announce(attempt, effect.reply);
      case 'handshake':
        return this.#handshake(attempt, effect.credentials, effect.boundary);
      case 'report-injection':
        attempt.error = new PlaintextAfterStartTlsError(effect.octets);
        return null;
      case 'close':
        closeAfter(attempt.socket, attempt.reply);
        return null;
      case 'forget-client': // whoever has the conversation starts it anew on the secured socket
        if (!this.#context.settings.rememberEsmtp) this.#heloName = null;
        return null;
      case 'report-lockout': // when the attempt is over, with the error that led to it
        attempt.lockedOut = true;
        return null;
      default:
        return effect satisfies never;
    }
  }

  #consult(): Eventual<Event<ServerCredentials>> {
    const { consult, handlerTimeoutMs, failed } = this.#context;
    return andThen(
      askApplication(
        () => consult?.(this.#peer),
        handlerTimeoutMs,
        (error) => failed(error, this.#peer),
      ),
      (refusal) => (refusal === null ? { type: 'permitted' } : { type: 'refused', reply: refusal }),
    );
  }

  /** Has all that a handshake needs: the policy's word, a place, the credentials. All of it before anything is promised. */
  async #load(attempt: Attempt): Promise<Event<ServerCredentials>> {
    const { reserve, credentials: have } = this.#context;
    try {
      const { certificate } = this.#rules;
      const rule = typeof certificate === 'string' ? certificate : await certificate; // first: DNS may be slow, and places are few
      if (attempt.boundary !== null) {
        const { resumesClear } = this.#rules;
        attempt.mayGoOn = typeof resumesClear === 'boolean' ? resumesClear : await resumesClear;
      }
      attempt.release = reserve();
      const had = have(this.#peer, this.#heloName, rule);
      const credentials = had instanceof Promise ? await had : had;
      return { type: 'loaded', credentials, received: attempt.boundary?.prove() ?? 'on-connect' };
    } catch (thrown) {
      attempt.error = refusedByOpenSsl(thrown);
      if (thrown instanceof HandshakesBusyError) return { type: 'unavailable', why: 'busy' };
      return { type: 'unavailable', why: 'credentials', policy: this.#context.settings.whenUnavailable };
    } finally {
      attempt.startedAt = performance.now();
    }
  }

  #announce(attempt: Attempt, reply: Reply): Eventual<Event<ServerCredentials>> {
    return andThen(announce(attempt, reply, this.#context.settings.handshakeTimeoutMs), (type) => ({ type }));
  }

  async #handshake(
    attempt: Attempt,
    credentials: ServerCredentials,
    boundary: EmptyBuffer | 'on-connect',
  ): Promise<Event<ServerCredentials>> {
    const { settings, succeeded } = this.#context;
    try {
      attempt.secured = await secure(attempt, credentials, boundary, settings.handshakeTimeoutMs);
      succeeded(attempt.secured.tls, this.#peer);
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

function replyAmong(effects: readonly Effect<ServerCredentials>[]): Reply | null {
  return effects.find((effect) => effect.do === 'reply')?.reply ?? null;
}

function outOfOrder(call: string): OutOfOrderError {
  return new OutOfOrderError(`${call} was called on a connection that is closed, secured or being upgraded already`);
}
