import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { TlsSmtpError } from '../errors.js';
import { EmptyBuffer, type UnreadOctets } from '../smtp/empty-buffer.js';
import type { Engine, Fate } from './engine.js';
import { HandshakeFailedError, HandshakeTimeoutError } from './handshake-failure.js';
import { assertHandedOver, assertUsable, ignoreErrors } from './socket-check.js';

/** Our own deadline stands this far behind the engine's, which knows more when it fires. */
const BELT_MS = 200;

/**
 * The STARTTLS boundary: one socket, from the moment its command was recognised until TLS has it.
 *
 * Construct it in the tick in which STARTTLS was parsed. From then on the socket is paused, so that whatever else the
 * client sends stays where it can be counted: in the bytes that were read but not parsed, or in the socket.
 */
export class Boundary {
  readonly #socket: Duplex;
  readonly #unread: number;

  /**
   * @param unread - what was read from the socket and not parsed; never used, only counted
   * @param insideTls - the command came through TLS: it will be refused, on the socket that TLS already has
   * @throws {HandshakeFailedError} where a reset was met before, by the write of a reply, say: no mistake of the program
   * @throws {SocketUnusableError} where TLS cannot be started on this socket
   */
  constructor(socket: Duplex, unread: Buffer, insideTls: boolean) {
    ignoreErrors(socket); // first: one that was destroyed just now may have an error yet to emit
    const met = socket.errored === null ? null : new HandshakeFailedError(socket.errored);
    if (met?.reason === 'peer-closed') throw met;
    if (insideTls) assertHandedOver(socket);
    else assertUsable(socket);
    socket.pause();
    // One that TLS has given back stops reading with it: octets would be with the kernel, where nobody counts them.
    if (!insideTls) socket.read(0);
    this.#socket = socket;
    this.#unread = unread.length;
  }

  /** Looks at both places where bytes can wait. */
  prove(): EmptyBuffer | UnreadOctets {
    return EmptyBuffer.prove(this.#unread, this.#socket.readableLength);
  }
}

/**
 * Runs the server side of a handshake and settles once, whichever of the many ways it ends: secured, an OpenSSL error,
 * FIN, RST, silence, a deadline. Whatever the end, no socket is left open behind a rejection.
 *
 * @param boundary - the proof that no clear-text byte was received behind STARTTLS; TLS-on-connect has no such moment
 * @param timeoutMs - how long it may take, from `startedAt` on
 * @param startedAt - on the clock of `performance.now()`: for STARTTLS the 220, which a client may be slow to read
 * @param contextFor - chooses a certificate by the name that the client asks for
 * @throws {HandshakeFailedError | HandshakeTimeoutError | SocketUnusableError}, or what `contextFor` rejected with
 */
export function upgrade(
  engine: Engine,
  socket: Duplex,
  boundary: EmptyBuffer | 'on-connect',
  timeoutMs: number,
  startedAt: number = performance.now(),
  contextFor: Fate['contextFor'] = null,
): Promise<TLSSocket> {
  if (boundary !== 'on-connect' && !EmptyBuffer.is(boundary)) throw new TypeError('upgrade() needs an EmptyBuffer');
  return new Promise((resolve, reject) => {
    ignoreErrors(socket);
    assertUsable(socket);
    let settled = false;
    const settle = (): boolean => {
      if (settled) return false;
      settled = true;
      clearTimeout(deadline);
      socket.off('close', onClose);
      socket.off('end', onClose);
      return true;
    };
    const fail = (error: Error): void => {
      if (!settle()) return;
      socket.destroy(); // behind a failed handshake nothing is ever said in clear
      reject(error);
    };
    let gone = false;
    // The engine hears of it a moment later, and may know why it was: a bad certificate only closes.
    const onClose = (): void => {
      gone = true;
      setImmediate(fail, new HandshakeFailedError({ code: 'ECONNRESET' }));
    };
    const leftMs = Math.max(0, startedAt + timeoutMs - performance.now());
    const deadline = setTimeout(() => fail(new HandshakeTimeoutError(timeoutMs)), leftMs + BELT_MS);
    socket.once('close', onClose);
    // On a half-open socket a FIN in mid-handshake is only an 'end', and the descriptor would stay.
    if (socket instanceof Socket) socket.allowHalfOpen = false;
    else socket.once('end', onClose);
    engine.handshake(socket, {
      contextFor,
      secured: (secured) => {
        // For life: a late TLS error must not end the process (nodejs/node#33330), and Node only emits it: a connection
        // whose records cannot be read any more would stay open.
        let alert: unknown = null;
        secured.on('error', (error) => {
          alert ??= error;
          secured.destroy();
        });
        // A later tick: the caller may destroy the raw socket, which is his, and the secured one goes with it. In the tick in
        // which a handshake ended that is a segmentation fault (Node 20 to 26).
        setImmediate(() => {
          if (!gone && !secured.destroyed && settle()) return resolve(secured);
          secured.destroy();
          // On TLS 1.3 a client may refuse our certificate with an alert that is read together with its last flight.
          fail(new HandshakeFailedError(alert ?? { code: 'ECONNRESET' }));
        });
      },
      failed: (cause) => {
        const timedOut = (cause as { code?: unknown } | null)?.code === 'ERR_TLS_HANDSHAKE_TIMEOUT';
        if (timedOut) fail(new HandshakeTimeoutError(timeoutMs));
        else fail(cause instanceof TlsSmtpError ? cause : new HandshakeFailedError(cause));
      },
    });
  });
}
