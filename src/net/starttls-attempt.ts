import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { OptionError, type TlsSmtpError } from '../errors.js';
import type { Eventual } from '../eventual.js';
import { TlsInfo } from '../inspect/tls-info.js';
import { clientVerdict } from '../policy/verdict.js';
import type { EmptyBuffer } from '../smtp/empty-buffer.js';
import { formatReply, type Reply } from '../smtp/reply.js';
import { HandshakeFailedError, HandshakeTimeoutError } from './handshake-failure.js';
import { hangUp } from './hang-up.js';
import { Resumable } from './resumable.js';
import type { ServerCredentials } from './server-credentials.js';
import { assertUsable } from './socket-check.js';
import { type Boundary, upgrade } from './upgrade.js';

export interface Secured {
  readonly socket: TLSSocket;
  readonly tls: TlsInfo;
}

/** One attempt to have TLS: what it works on, and what it has come to. */
export interface Attempt {
  readonly socket: Duplex;
  /** `null`: TLS-on-connect. */
  readonly boundary: Boundary | null;
  /** Gives back the place among the handshakes. */
  release: () => void;
  /** When the time of the handshake began to run, on the clock of `performance.now()`. */
  startedAt: number;
  /** The client may end TLS and go on in clear. */
  mayGoOn: boolean;
  reply: Reply | null;
  secured: Secured | null;
  /** What TLS stands on where the client may go on in clear behind it; `null`: the raw socket. */
  resumable: Resumable | null;
  error: TlsSmtpError | null;
  lockedOut: boolean;
}

export function newAttempt(socket: Duplex, boundary: Boundary | null): Attempt {
  return {
    socket,
    boundary,
    release: () => {},
    startedAt: 0,
    mayGoOn: false,
    reply: null,
    secured: null,
    resumable: null,
    error: null,
    lockedOut: false,
  };
}

/** @throws {OptionError} where what was read and not parsed is not said: nothing would be counted at the boundary */
export function assertRequest(request: { readonly args: string; readonly unread: Buffer }): void {
  if (typeof request?.args !== 'string') throw new OptionError('args', 'must be the text behind STARTTLS, or empty');
  if (!(request.unread instanceof Uint8Array)) {
    throw new OptionError('unread', 'must be a Buffer: what you have read and not parsed, empty or not');
  }
}

/**
 * Writes the 220 and waits until it has left, which it mostly has at once; a socket that died meanwhile has no handshake.
 * The time of the handshake runs already: a client that does not read would hold its place for ever.
 */
export function announce(attempt: Attempt, reply: Reply, timeoutMs: number): Eventual<'flushed' | 'closed'> {
  const { socket } = attempt;
  let written = (_error?: Error | null): void => {};
  socket.write(formatReply(reply), 'latin1', (error) => written(error));
  if (socket.writableLength === 0 && socket.writable && !socket.readableEnded) return 'flushed';
  return new Promise((resolve) => {
    const fail = (error: TlsSmtpError): void => {
      clearTimeout(deadline);
      socket.off('close', gone);
      attempt.error ??= error;
      socket.destroy();
      resolve('closed');
    };
    const gone = (): void => fail(new HandshakeFailedError({ code: 'ECONNRESET' }));
    const deadline = setTimeout(() => fail(new HandshakeTimeoutError(timeoutMs)), timeoutMs);
    socket.once('close', gone);
    written = (error) => {
      if (error || socket.destroyed || socket.readableEnded) return gone();
      clearTimeout(deadline);
      socket.off('close', gone);
      resolve('flushed');
    };
  });
}

/**
 * Runs the handshake and judges the client and the suite. What the engine let through and the policy does not is as a failed
 * handshake: closed, and nothing said.
 *
 * @throws as `upgrade`
 */
export function secure(
  attempt: Attempt,
  { engine, contextFor, rule }: ServerCredentials,
  boundary: EmptyBuffer | 'on-connect',
  timeoutMs: number,
): Promise<Secured> {
  const { startedAt } = attempt;
  return upgrade(engine, below(attempt), boundary, timeoutMs, startedAt, contextFor).then((socket) => {
    const tls = TlsInfo.from(socket, { mode: boundary === 'on-connect' ? 'on-connect' : 'starttls' });
    const refusal = clientVerdict(rule, tls);
    if (refusal === null && engine.allows(tls.cipherName)) return { socket, tls };
    socket.destroy(); // before the raw one: the other order is a segmentation fault in the tick in which a handshake ended
    throw new HandshakeFailedError(refusal ? { code: refusal, certificate: true } : { code: 'CIPHER_NOT_ALLOWED' });
  });
}

/** @returns what TLS stands on */
function below(attempt: Attempt): Duplex {
  const { socket, mayGoOn } = attempt;
  if (!mayGoOn) return socket;
  assertUsable(socket);
  attempt.resumable = new Resumable(socket);
  return attempt.resumable;
}

/** After a 220 nothing can be said any more; before it a last reply can. */
export function closeAfter(socket: Duplex, last: Reply | null): void {
  if (last === null || last.code === 220) socket.destroy();
  else hangUp(socket, formatReply(last));
}
