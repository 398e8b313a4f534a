import { AsyncLocalStorage } from 'node:async_hooks';
import { constants, createHash } from 'node:crypto';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer, type SecureContextOptions, type SecureVersion, type Server, type TLSSocket } from 'node:tls';

/** What an engine is built from beside the credentials; part of the key under which it is cached. */
export interface EnginePolicy {
  readonly minVersion: SecureVersion;
  readonly maxVersion: SecureVersion;
  readonly ciphers: string;
  readonly alpn: readonly string[];
  readonly handshakeTimeoutMs: number;
}

/** How one handshake ended. */
export interface Fate {
  secured(socket: TLSSocket): void;
  failed(cause: unknown): void;
}

/**
 * A `tls.Server` that never listens: sockets are handed to it. It is the public way to verification results, SNI,
 * tickets and a handshake timeout on the server; a bare `new tls.TLSSocket` enforces none of them.
 */
export class Engine {
  readonly #server: Server;
  readonly #pending = new WeakMap<Duplex, Fate>();

  constructor(credentials: Readonly<SecureContextOptions>, policy: EnginePolicy) {
    this.#server = createServer({
      ...credentials,
      minVersion: policy.minVersion,
      maxVersion: policy.maxVersion,
      ciphers: policy.ciphers,
      honorCipherOrder: true,
      // TLS 1.2 renegotiation has no limit in Node (SECURITY: a peer burns our CPU for free).
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
      // Node's default is the same for each server of a process: a session of one policy would resume under another.
      sessionIdContext: createHash('sha256').update(JSON.stringify(policy)).digest('hex').slice(0, 32),
      handshakeTimeout: policy.handshakeTimeoutMs,
      ALPNProtocols: [...policy.alpn],
      requestCert: false,
    });
    this.#server.on('secureConnection', (socket) => {
      const fate = this.#fateOf(socket);
      if (fate === undefined) socket.destroy();
      else fate.secured(socket);
    });
    this.#server.on('tlsClientError', (cause, socket) => {
      const fate = this.#fateOf(socket);
      socket.destroy(); // the handshake timeout only emits; the socket stays open unless somebody closes it
      fate?.failed(cause);
    });
  }

  /** Begins a handshake on a raw socket. Exactly one of the two ends of `fate` is called, or the raw socket closes. */
  handshake(raw: Duplex, fate: Fate): void {
    if (raw instanceof Socket) {
      this.#pending.set(raw, fate);
      this.#server.emit('connection', raw);
    } else ofDuplex.run(fate, () => this.#server.emit('connection', raw));
  }

  #fateOf(socket: TLSSocket): Fate | undefined {
    const raw = rawSocketOf(socket);
    if (!raw) return ofDuplex.getStore();
    const fate = this.#pending.get(raw);
    this.#pending.delete(raw);
    return fate;
  }
}

/**
 * The raw socket below a TLS socket. `_parent` is not documented; docs/decisions/0001 says why it is read all the same.
 * Should it be missing, no handshake succeeds: the upgrade ends at its deadline.
 */
function rawSocketOf(socket: TLSSocket): Duplex | undefined {
  return (socket as { readonly _parent?: Duplex })._parent;
}

/** A Duplex has no `_parent`; it is rare, and pays for the context (docs/decisions/0001). */
const ofDuplex = new AsyncLocalStorage<Fate>();
