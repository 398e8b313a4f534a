import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect, type SecureContext, type TLSSocket } from 'node:tls';
import type { EmptyBuffer } from '../smtp/empty-buffer.js';
import { HandshakeFailedError, HandshakeTimeoutError } from './handshake-failure.js';
import { assertUsable, ignoreErrors } from './socket-check.js';

export interface ClientUpgrade {
  /** Who is meant: a host name (checked against SAN dNSName) or an address (against SAN iPAddress). */
  readonly host: string;
  readonly context: SecureContext;
  /** Absolute, from now. */
  readonly timeoutMs: number;
}

/**
 * Runs the client side of a handshake and settles once. It never judges: whether an unverified certificate is good
 * enough is the policy's to say (`rejectUnauthorized: true` would hide the facts).
 *
 * @param boundary - the proof that nothing stood behind the server's 220 (CVE-2021-38371); TLS-on-connect has no 220
 * @throws {HandshakeFailedError | HandshakeTimeoutError | SocketUnusableError}
 */
export function upgradeClient(
  socket: Duplex,
  _boundary: EmptyBuffer | 'on-connect',
  { host, context, timeoutMs }: ClientUpgrade,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    ignoreErrors(socket);
    assertUsable(socket);
    const secured = connect({
      socket,
      secureContext: context,
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined, // Node's takes a CN and partial wildcards for a name; ours is checkIdentity()
      ALPNProtocols: ['smtp'],
      ...(isIP(host) === 0 && { servername: host }), // SNI is never an address (RFC 6066 §3; Node 26 throws)
    });
    const deadline = setTimeout(() => fail(new HandshakeTimeoutError(timeoutMs)), timeoutMs);
    const fail = (error: Error): void => {
      clearTimeout(deadline);
      secured.destroy();
      socket.destroy();
      reject(error);
    };
    secured.on('error', (cause) => fail(new HandshakeFailedError(cause))); // stays for life; later calls change nothing
    const onClose = (): void => fail(new HandshakeFailedError({ code: 'ECONNRESET' }));
    secured.once('close', onClose);
    secured.once('secureConnect', () => {
      // A later tick: whoever destroys the raw socket and then the secured one in the tick in which a handshake ended gets a
      // segmentation fault (Node 20 to 26).
      setImmediate(() => {
        if (secured.destroyed) return; // 'close' follows, or has come
        clearTimeout(deadline);
        secured.off('close', onClose);
        resolve(secured);
      });
    });
  });
}
