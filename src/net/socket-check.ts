import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TlsSmtpError } from '../errors.js';

/** The program handed over a socket on which TLS cannot be started safely. */
export class SocketUnusableError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_SOCKET_UNUSABLE' as const;
  readonly phase = 'starttls' as const;
  readonly fault = 'caller' as const;
  readonly temporary = false;
}

/**
 * Refuses what is no socket at all.
 *
 * @throws {SocketUnusableError}
 */
export function assertStream(socket: unknown): asserts socket is Duplex {
  const methods = ['on', 'pause', 'write', 'destroy'];
  const given = typeof socket === 'object' && socket !== null ? socket : {};
  if (!methods.every((name) => typeof Reflect.get(given, name) === 'function')) {
    refuse('it is neither a net.Socket nor another Duplex');
  }
}

/**
 * Lets no 'error' of this socket end the process, whatever its owner listens to; what happened to it is told by 'close'. For
 * life: a reset that is answered to our last write comes when we have let go of the socket already.
 */
export function ignoreErrors(socket: Duplex): void {
  if (socket.listenerCount('error', ignore) === 0) socket.on('error', ignore);
}

function ignore(): void {}

/**
 * Refuses a socket that cannot give bytes. The only way to mend it is in the program that made it.
 *
 * @throws {SocketUnusableError}
 */
export function assertBytes(socket: Duplex): void {
  // Bytes that wait in a socket with an encoding abort the process when TLS takes it over (nodejs/node#58756).
  if (socket.readableEncoding !== null) refuse('setEncoding() was called on it; TLS needs bytes');
  if (socket.readableObjectMode || socket.writableObjectMode) refuse('it is in object mode; TLS needs bytes');
}

/**
 * Refuses a socket that cannot be handed over: that has ended, or that somebody else still reads.
 *
 * @throws {SocketUnusableError}
 */
export function assertHandedOver(socket: Duplex): void {
  assertBytes(socket);
  if (socket.destroyed || !socket.readable || !socket.writable) refuse('it is closed, or one of its sides has ended');
  // A listener that stays would go on parsing what is now TLS, or write into it.
  if (socket.listenerCount('data') + socket.listenerCount('readable') > 0) {
    refuse("it still has a 'data' or 'readable' listener; remove yours first");
  }
}

/**
 * Refuses what Node would answer with silence, clear text or an abort of the process, were TLS started on it.
 *
 * @throws {SocketUnusableError}
 */
export function assertUsable(socket: Duplex): void {
  assertHandedOver(socket);
  if ('encrypted' in socket && socket.encrypted === true) refuse('it is a TLS socket already');
  if (socket instanceof Socket && socket.pending) refuse('it is not connected');
}

function refuse(problem: string): never {
  throw new SocketUnusableError(`TLS cannot be started on this socket: ${problem}`);
}
