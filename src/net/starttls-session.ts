import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { CredentialInvalidError } from '../credentials/errors.js';
import { TlsSmtpError } from '../errors.js';
import { TlsInfo } from '../inspect/tls-info.js';
import type { Peer } from '../peer.js';
import type { EmptyBuffer } from '../smtp/empty-buffer.js';
import { SmtpRejection } from '../smtp/rejection.js';
import { fixedReply, formatReply, type Reply } from '../smtp/reply.js';
import { type Event, initial, type State, step } from '../starttls/server-machine.js';
import type { Engine } from './engine.js';
import { HandshakeFailedError } from './handshake-failure.js';
import { hangUp } from './hang-up.js';
import type { ServerTlsSettings } from './server-tls-options.js';
import type { StartTlsResult, StartTlsSession } from './starttls-contract.js';
import {
  HandlerFailedError,
  HandshakesBusyError,
  OutOfOrderError,
  PlaintextAfterStartTlsError,
} from './starttls-errors.js';
import { Boundary, upgrade } from './upgrade.js';

/** What a session needs of the server it belongs to. */
export interface SessionContext {
  readonly settings: ServerTlsSettings;
  readonly offersTls: boolean;
  readonly lockoutMs: number;
  readonly consult: ((peer: Peer) => unknown) | null;
  readonly engine: () => Promise<Engine>;
  readonly reserve: () => () => void;
  readonly succeeded: (tls: TlsInfo) => void;
  readonly failed: (error: TlsSmtpError) => void;
  readonly lockedOut: (error: TlsSmtpError) => void;
}

const PROHIBITED = fixedReply(550, '5.7.1', 'Administrative prohibition');
const LOCAL_PROBLEM = fixedReply(451, '4.7.1', 'Local problem, try again later');

/** What one run of the machine came to. */
interface Outcome {
  reply: Reply | null;
  secured: { readonly socket: TLSSocket; readonly tls: TlsInfo } | null;
  error: TlsSmtpError | null;
}

/** Drives the server machine on a socket: one event in, every effect carried out, then the next event. */
export class Session implements StartTlsSession {
  readonly #peer: Peer;
  readonly #context: SessionContext;
  #machine: State<Engine> = initial();
  /** The socket of the last upgrade, while a locked-out client still has it. */
  #socket: Duplex | null = null;

  constructor(peer: Peer, context: SessionContext) {
    this.#peer = peer;
    this.#context = context;
  }

  get state(): 'clear' | 'secured' | 'locked-out' | 'closed' {
    const { name } = this.#machine;
    return name === 'secured' || name === 'locked-out' || name === 'closed' ? name : 'clear';
  }

  async ehlo(_name: string): Promise<readonly string[]> {
    const advertise = this.#context.offersTls && this.state === 'clear';
    this.#machine = step<Engine>(this.#machine, { type: 'ehlo', advertise }).state;
    return advertise ? ['STARTTLS'] : [];
  }

  helo(_name: string): void {
    this.#machine = step<Engine>(this.#machine, { type: 'helo' }).state;
  }

  gate(line: string): Reply | null {
    if (this.#machine.name !== 'locked-out') return null;
    const verb = (line.split(' ', 1)[0] ?? '').toUpperCase();
    const { state, effects } = step<Engine>(this.#machine, { type: 'command', verb });
    this.#machine = state;
    const socket = this.#socket;
    // The caller writes the reply now; the end of the connection follows it.
    if (state.name === 'closed' && socket !== null) setImmediate(() => hangUp(socket));
    return effects.find((effect) => effect.do === 'reply')?.reply ?? null;
  }

  async starttls(socket: Duplex, request: { readonly args: string; readonly unread: Buffer }): Promise<StartTlsResult> {
    const boundary = new Boundary(socket, request.unread, this.state === 'secured');
    this.#socket = socket;
    const event = { type: 'starttls', args: request.args, received: boundary.prove() } as const;
    const outcome = await this.#run(socket, boundary, event);
    if (outcome.secured) return { kind: 'secured', ...outcome.secured };
    if (outcome.reply === null || outcome.reply.code === 220) throw outcome.error ?? outOfOrder('starttls()');
    const { state } = this;
    if (state === 'locked-out' && outcome.error !== null) this.#boundLockout(socket); // once, with its 454
    if (state !== 'closed') boundary.release();
    return {
      kind: 'refused',
      reply: outcome.reply,
      then: state === 'locked-out' || state === 'closed' ? state : 'continue',
    };
  }

  async tlsOnConnect(socket: Duplex): Promise<{ readonly socket: TLSSocket; readonly tls: TlsInfo }> {
    const outcome = await this.#run(socket, null, { type: 'connect' });
    if (outcome.secured === null) throw outcome.error ?? outOfOrder('tlsOnConnect()');
    return outcome.secured;
  }

  async #run(socket: Duplex, boundary: Boundary | null, first: Event<Engine>): Promise<Outcome> {
    const outcome: Outcome = { reply: null, secured: null, error: null };
    const place: { release: () => void } = { release: () => {} };
    try {
      for (let event: Event<Engine> | null = first; event !== null; ) {
        const { state, effects } = step<Engine>(this.#machine, event);
        this.#machine = state;
        event = null;
        for (const effect of effects) {
          switch (effect.do) {
            case 'consult':
              event = await this.#consult();
              break;
            case 'load':
              event = await this.#load(boundary, outcome, place);
              break;
            case 'reply':
              outcome.reply = effect.reply;
              if (state.name !== 'closed') socket.write(formatReply(effect.reply), 'latin1');
              break;
            case 'announce':
              outcome.reply = effect.reply;
              event = await announce(socket, effect.reply, outcome);
              break;
            case 'handshake':
              event = await this.#handshake(socket, effect.credentials, effect.boundary, outcome);
              break;
            case 'report-injection':
              outcome.error = new PlaintextAfterStartTlsError(effect.octets);
              break;
            case 'report-lockout':
              break; // said below, with the error that led to it
            case 'forget-client':
              break; // the session of the application starts anew on the secured socket
            case 'close':
              closeAfter(socket, outcome.reply);
              break;
            default:
              effect satisfies never;
          }
        }
      }
    } finally {
      place.release();
    }
    if (outcome.error && this.state === 'locked-out') this.#context.lockedOut(outcome.error);
    else if (outcome.error) this.#context.failed(outcome.error);
    return outcome;
  }

  /** Asks the application. Whatever it throws, the answer is a reply and never its text. */
  async #consult(): Promise<Event<Engine>> {
    try {
      const answer = await this.#context.consult?.(this.#peer);
      return answer === false ? { type: 'refused', reply: PROHIBITED } : { type: 'permitted' };
    } catch (thrown) {
      if (thrown instanceof SmtpRejection) return { type: 'refused', reply: thrown.reply };
      this.#context.failed(new HandlerFailedError('onStartTls', thrown));
      return { type: 'refused', reply: LOCAL_PROBLEM };
    }
  }

  /** Takes a place among the handshakes and has the credentials: both before anything is promised. */
  async #load(boundary: Boundary | null, outcome: Outcome, place: { release: () => void }): Promise<Event<Engine>> {
    try {
      place.release = this.#context.reserve();
      const credentials = await this.#context.engine();
      return { type: 'loaded', credentials, received: boundary?.prove() ?? 'on-connect' };
    } catch (thrown) {
      outcome.error = thrown instanceof TlsSmtpError ? thrown : unusable(thrown);
      if (thrown instanceof HandshakesBusyError) return { type: 'unavailable', why: 'busy' };
      return { type: 'unavailable', why: 'credentials', policy: this.#context.settings.whenUnavailable };
    }
  }

  async #handshake(
    socket: Duplex,
    engine: Engine,
    boundary: EmptyBuffer | 'on-connect',
    outcome: Outcome,
  ): Promise<Event<Engine>> {
    try {
      const secured = await upgrade(engine, socket, boundary, this.#context.settings.handshakeTimeoutMs);
      const tls = TlsInfo.from(secured, { mode: boundary === 'on-connect' ? 'on-connect' : 'starttls' });
      outcome.secured = { socket: secured, tls };
      this.#context.succeeded(tls);
      return { type: 'secured' };
    } catch (thrown) {
      outcome.error = thrown instanceof TlsSmtpError ? thrown : new HandshakeFailedError(thrown);
      return { type: 'failed' };
    }
  }

  #boundLockout(socket: Duplex): void {
    const timer = setTimeout(() => {
      const { state, effects } = step<Engine>(this.#machine, { type: 'expired' });
      this.#machine = state;
      const last = effects.find((effect) => effect.do === 'reply')?.reply ?? null;
      if (last !== null && this.#socket !== null) closeAfter(this.#socket, last);
    }, this.#context.lockoutMs);
    timer.unref();
    socket.once('close', () => clearTimeout(timer));
  }
}

/** Writes the 220 and waits until it has left; a socket that died meanwhile has no handshake. */
function announce(socket: Duplex, reply: Reply, outcome: Outcome): Promise<Event<Engine>> {
  return new Promise((resolve) => {
    const gone = (): void => {
      outcome.error = new HandshakeFailedError({ code: 'ECONNRESET' });
      resolve({ type: 'closed' });
    };
    socket.once('close', gone);
    socket.write(formatReply(reply), 'latin1', (error) => {
      socket.off('close', gone);
      if (error || socket.destroyed || socket.readableEnded) {
        socket.destroy();
        gone();
      } else resolve({ type: 'flushed' });
    });
  });
}

/** After a 220 nothing can be said any more; before it a last reply can. */
function closeAfter(socket: Duplex, last: Reply | null): void {
  if (last === null || last.code === 220) socket.destroy();
  else hangUp(socket, formatReply(last));
}

/** OpenSSL did not take what parsed well: the engine could not be built. */
function unusable(thrown: unknown): TlsSmtpError {
  const code = (thrown as { code?: unknown } | null)?.code;
  return new CredentialInvalidError('tls', 'certificate, key and ciphers', `OpenSSL refuses them (${String(code)})`);
}

function outOfOrder(call: string): OutOfOrderError {
  return new OutOfOrderError(`${call} was called on a connection that is closed, secured or being upgraded already`);
}
