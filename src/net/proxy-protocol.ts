import type { Socket } from 'node:net';
import { TlsSmtpError } from '../errors.js';
import type { Peer } from '../peer.js';
import { type ProxyHeaderFault, readProxyHeader } from './proxy-header.js';
import { ignoreErrors } from './socket-check.js';

/** Why a connection from a proxy was closed without a word. */
export type ProxyFault =
  | ProxyHeaderFault
  | 'it did not come in time'
  | 'the connection ended inside it'
  | 'nobody can tell whether it is due: the list of proxies is undecided';

/** A proxy did not send the header that it owes; its connection was closed, and not a word was said. */
export class ProxyHeaderError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_PROXY_HEADER' as const;
  readonly phase = 'connect' as const;
  readonly fault = 'peer' as const;
  readonly temporary = true;
  readonly reason: ProxyFault;
  /** The proxy, not its client. */
  readonly peer: Peer;

  constructor(reason: ProxyFault, peer: Peer) {
    super(`a connection was closed for its PROXY header: ${reason}`);
    this.reason = reason;
    this.peer = peer;
  }
}

/**
 * Reads the header that a proxy sends first, however it is cut, and not an octet more: what follows it is put back into the
 * socket, which is paused. Where there is no header the socket is destroyed.
 *
 * @param socket - paused, and nobody listens to it yet
 * @param proxy - who has connected
 * @param timeoutMs - how long the header may take, from now on
 * @returns the client's address and port, with those that it connected to; for what the proxy says for itself, `proxy`.
 *   `null`: the connection ended before its first octet, as those of a proxy that looks whether we listen
 * @throws {ProxyHeaderError}
 */
export function proxiedPeer(socket: Socket, proxy: Peer, timeoutMs: number): Promise<Peer | null> {
  return new Promise((resolve, reject) => {
    let octets: Buffer = Buffer.alloc(0);
    const settle = (peer: Peer | null, fault: ProxyFault | null): void => {
      clearTimeout(deadline);
      socket.pause();
      socket.off('data', read).off('end', ended).off('close', ended);
      if (peer === null) socket.destroy();
      if (fault === null) resolve(peer);
      else reject(new ProxyHeaderError(fault, proxy));
    };
    const read = (chunk: Buffer): void => {
      octets = octets.length === 0 ? chunk : Buffer.concat([octets, chunk]);
      const header = readProxyHeader(octets);
      if (header === 'more') return;
      if (typeof header === 'string') return settle(null, header);
      settle(header.peer ?? proxy, null);
      if (header.octets < octets.length) socket.unshift(octets.subarray(header.octets));
    };
    const ended = (): void => settle(null, octets.length === 0 ? null : 'the connection ended inside it');
    const deadline = setTimeout(() => settle(null, 'it did not come in time'), timeoutMs);
    ignoreErrors(socket); // a proxy that resets must not end the process; 'close' follows
    socket.on('end', ended);
    socket.on('close', ended);
    socket.on('data', read);
    if (socket.destroyed) ended();
    else socket.resume();
  });
}
