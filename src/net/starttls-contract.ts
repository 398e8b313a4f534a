import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { TlsInfo } from '../inspect/tls-info.js';
import type { Reply } from '../smtp/reply.js';

/** How an upgrade by STARTTLS ended. A `refused` reply has been written already. */
export type StartTlsResult =
  | { readonly kind: 'secured'; readonly socket: TLSSocket; readonly tls: TlsInfo }
  | { readonly kind: 'refused'; readonly reply: Reply; readonly then: 'continue' | 'locked-out' | 'closed' };

/** A session that goes on in clear: its raw socket, paused, and what has been read from it behind the last TLS record. */
export interface ClearAgain {
  readonly socket: Duplex;
  readonly unread: Buffer;
}

/** One SMTP conversation as far as TLS is concerned; `StartTlsServer.session()` makes one. */
export interface StartTlsSession {
  readonly state: 'clear' | 'secured' | 'locked-out' | 'closed';
  /** Say that the client sent EHLO. @returns `['STARTTLS']` or nothing, for the EHLO reply (RFC 3207 §4.2). */
  ehlo(name: string): Promise<readonly string[]>;
  /**
   * Say that the client sent HELO: STARTTLS, an ESMTP extension, is not offered.
   * @returns what to wait for before the reply, so that `gate()` can tell: DNS, where `tls.requireHosts` needs it
   */
  helo(name: string): Promise<void> | undefined;
  /**
   * Ask before each command but STARTTLS; EHLO and HELO too, and before `ehlo()` or `helo()` hears of them.
   *
   * @returns the reply to send instead of running it, or `null`: go on. 530 to those of `tls.requireHosts` before TLS (451
   *   while the list cannot tell yet, which is over when `ehlo()` or `helo()` is); 554 while locked out; 421 and the
   *   connection is closed when that goes on
   */
  gate(line: string): Reply | null;
  /**
   * Answers a STARTTLS command and does all that follows. Call it in the tick in which the command was parsed, after
   * removing your own `data` listener and writing what you still had to write. It pauses the socket at once; after
   * `then: 'continue'` add your listener again and resume.
   *
   * @param request - `args`: what stood behind the verb; `unread`: what you have read and not parsed, which must be
   *   nothing (RFC 3207 §6)
   * @throws {HandshakeFailedError | HandshakeTimeoutError} after a failed handshake; the connection is closed
   * @throws {SocketUnusableError} where your program handed over a socket that cannot be used, and {OptionError} where the
   *   request is incomplete; the connection is closed
   */
  starttls(
    socket: Socket | Duplex,
    request: { readonly args: string; readonly unread: Buffer },
  ): Promise<StartTlsResult>;
  /**
   * TLS before anything else (RFC 8314 §3.3). A failed handshake closes the connection without a clear-text byte.
   * @throws as `starttls`, and {@link CredentialError} where there is nothing to do TLS with
   */
  tlsOnConnect(socket: Socket | Duplex): Promise<{ readonly socket: TLSSocket; readonly tls: TlsInfo }>;
  /**
   * Goes on in clear for a client of `tls.resumeClearHosts` that has ended TLS. Call it when the secured socket has said
   * 'end' and no message was under way, after writing what you still had to write inside TLS. The server's close_notify
   * follows; then the session is as it was before its first EHLO: forget HELO, AUTH and envelope, the facts of TLS, and
   * what you have not parsed of it. Run the `unread` octets as commands, then resume the socket.
   *
   * @returns `null` where the connection is over: end the secured socket. The client is not on the list, TLS was cut (a FIN
   *   without close_notify), or TCP ended with it
   */
  clearAgain(): Promise<ClearAgain | null>;
}
