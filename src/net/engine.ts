import { constants, createHash } from 'node:crypto';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  createSecureContext,
  createServer,
  type SecureContext,
  type SecureContextOptions,
  type SecureVersion,
  type Server,
  type TLSSocket,
} from 'node:tls';
import { allowsSuite, type NamedSuites, namedSuites } from '../credentials/cipher-list.js';
import type { ResolvedCredentials } from '../credentials/resolved.js';
import { OptionError } from '../errors.js';
import type { CertificateRule } from '../policy/verdict.js';
import type { TicketKeys } from './ticket-keys.js';

/** What an engine is built from beside the credentials; part of the key under which it is cached. */
export interface EnginePolicy {
  readonly minVersion: SecureVersion;
  readonly maxVersion: SecureVersion;
  /** Where the credentials bring no list of their own. */
  readonly ciphers: string;
  readonly alpn: readonly string[];
  readonly handshakeTimeoutMs: number;
}

/**
 * Whether the client is asked for a certificate, and whether the handshake depends on it. With `verify` a client without
 * a good one is told so by an alert, where the stack can; `try` lets everybody in and leaves the judgement to others.
 */
export type Verify = CertificateRule;

/** How one handshake ended, and what it may need on its way. */
export interface Fate {
  secured(socket: TLSSocket): void;
  failed(cause: unknown): void;
  /** The context for the name that the client asks for; `null`: the engine's own. Where it rejects, so ends the handshake. */
  contextFor?: ((serverName: string) => Promise<SecureContext | null>) | null;
}

/**
 * A `tls.Server` that never listens: sockets are handed to it. It is the public way to verification results, SNI,
 * tickets and a handshake timeout on the server; a bare `new tls.TLSSocket` enforces none of them.
 */
export class Engine {
  readonly #server: Server;
  /** By raw socket; for a Duplex by the stand-in of the server that its TLS socket was given. */
  readonly #pending = new WeakMap<object, { readonly raw: Duplex; readonly fate: Fate }>();
  readonly #tickets: TicketKeys | null;
  readonly #identity: string;
  readonly #suites: NamedSuites | null;
  #epoch = Number.NaN;

  /**
   * @param byServerName - whether the handshake waits for `contextFor`
   * @param tickets - keys that other processes have too; `null`: OpenSSL makes its own
   * @throws Node's or OpenSSL's own error; {@link OptionError} where versions and suites exclude each other
   */
  constructor(
    credentials: Pick<ResolvedCredentials, 'id' | 'tls'>,
    policy: EnginePolicy,
    verify: Verify = 'none',
    byServerName = false,
    tickets: TicketKeys | null = null,
  ) {
    const options = contextOptions(credentials, policy, verify);
    this.#tickets = verify === 'none' ? tickets : null; // who shows a certificate shows it in each handshake
    this.#identity = options.sessionIdContext;
    this.#suites = credentials.tls.ciphers === undefined ? null : namedSuites(credentials.tls.ciphers);
    const engine = this;
    this.#server = createServer({
      ...(verify === 'none' ? options : NO_CONTEXT),
      handshakeTimeout: policy.handshakeTimeoutMs,
      ...(policy.alpn.length > 0 && { ALPNProtocols: [...policy.alpn] }),
      requestCert: verify !== 'none',
      rejectUnauthorized: verify === 'verify',
      ...(byServerName && {
        SNICallback(this: TLSSocket, serverName: string, done: SniDone): void {
          engine.#choose(this, serverName, done);
        },
      }),
    });
    if (verify !== 'none') useContext(this.#server, createSecureContext(options));
    this.#server.on('secureConnection', (socket) => {
      const fate = this.#takeFate(socket);
      if (fate === undefined) socket.destroy();
      else fate.secured(socket);
    });
    this.#server.on('tlsClientError', (cause, socket) => {
      const fate = this.#takeFate(socket);
      const reason: unknown = socket.authorizationError; // a bad certificate is closed silently: ECONNRESET says nothing
      socket.destroy(); // the handshake timeout only emits; the socket stays open unless somebody closes it
      fate?.failed(reason ? { code: reason, certificate: true } : cause);
    });
  }

  /** Whether `tls.requireCiphers` allows the suite that was agreed. OpenSSL is held to it before; this is said behind it. */
  allows(cipherName: string): boolean {
    return this.#suites === null || allowsSuite(this.#suites, cipherName);
  }

  /** Begins a handshake on a raw socket. Exactly one of the two ends of `fate` is called, or the raw socket closes. */
  handshake(raw: Duplex, fate: Fate): void {
    if (this.#tickets !== null) this.#renewKeys(this.#tickets);
    const server: Server = raw instanceof Socket ? this.#server : Object.create(this.#server);
    this.#pending.set(raw instanceof Socket ? raw : server, { raw, fate });
    server.emit('connection', raw);
  }

  /**
   * What is thrown into this callback of Node's ends the process (CVE-2026-21637): nothing is. And on Node 20 an answer
   * to a handshake whose raw socket was destroyed in the turn of the callback is a segmentation fault: the question is
   * asked in a turn of its own, and nobody answers one that is over. An error goes through `done` alone, and becomes a
   * 'tlsClientError'.
   */
  #choose(socket: TLSSocket, serverName: string, done: SniDone): void {
    const { raw, fate } = this.#pending.get(keyOf(socket)) ?? {};
    const answer = (error: Error | null, context?: SecureContext): void => {
      if (!socket.destroyed && raw?.destroyed !== true) done(error, context);
    };
    setImmediate(async () => {
      try {
        answer(null, (await fate?.contextFor?.(serverName)) ?? undefined);
      } catch (cause) {
        answer(cause instanceof Error ? cause : new Error('no context'));
      }
    });
  }

  /** All processes change keys at the same time, by the clock; a ticket from before is then not known any more. */
  #renewKeys(tickets: TicketKeys): void {
    const epoch = tickets.epoch(Date.now());
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    this.#server.setTicketKeys(tickets.keys(this.#identity, epoch));
  }

  #takeFate(socket: TLSSocket): Fate | undefined {
    const key = keyOf(socket);
    const handshake = this.#pending.get(key);
    this.#pending.delete(key);
    return handshake?.fate;
  }
}

type SniDone = (error: Error | null, context?: SecureContext) => void;

/**
 * What a context holds under a policy; also those that are chosen by server name, which replace the engine's own.
 * @throws {OptionError}
 */
export function contextOptions(
  { id, tls }: Pick<ResolvedCredentials, 'id' | 'tls'>,
  policy: EnginePolicy,
  verify: Verify,
): SecureContextOptions & { readonly sessionIdContext: string } {
  const { minVersion } = policy;
  const maxVersion =
    tls.maxVersion !== undefined && tls.maxVersion < policy.maxVersion ? tls.maxVersion : policy.maxVersion;
  if (minVersion > maxVersion) {
    throw new OptionError(
      'tls.requireCiphers',
      `names suites of ${maxVersion} only, and tls.minVersion is ${minVersion}`,
    );
  }
  const asksForCertificate = verify !== 'none';
  return {
    ...tls,
    // A chain of one would be completed from whom we trust, and the system's roots are not for clients.
    ...(!asksForCertificate && { ca: [], crl: [] }),
    minVersion,
    maxVersion,
    ciphers: withOldVersions(tls.ciphers ?? policy.ciphers, minVersion),
    honorCipherOrder: true,
    // TLS 1.2 renegotiation has no limit in Node (SECURITY: a peer burns our CPU for free). A session that was resumed
    // shows no certificate, and Node up to 22 calls it authorized: where one is asked for, none can be resumed.
    secureOptions:
      constants.SSL_OP_NO_RENEGOTIATION |
      constants.SSL_OP_NO_COMPRESSION |
      (asksForCertificate ? constants.SSL_OP_NO_TICKET : 0),
    // Node's default is the same for each server of a process: a session of one policy would resume under another.
    // The id stands for certificate, trust and revocation lists.
    sessionIdContext: createHash('sha256')
      .update(JSON.stringify([policy, verify, id]))
      .digest('hex')
      .slice(0, 32),
  };
}

/** OpenSSL 3 has TLS 1.0 and 1.1 at security level 0 alone (tls.dangerouslyAllowTlsVersion). */
function withOldVersions(ciphers: string, minVersion: SecureVersion): string {
  return minVersion < 'TLSv1.2' && !ciphers.includes('@SECLEVEL') ? `${ciphers}:@SECLEVEL=0` : ciphers;
}

/** What is built anyway and replaced at once: as little as possible. */
const NO_CONTEXT: SecureContextOptions = { ca: [] };

/**
 * `tls.createServer` drops `allowPartialTrustChain`, without which a listed leaf is not trusted itself; a context that is
 * made by hand has it. `_sharedCreds` is not documented; docs/decisions/0003 says why it is written all the same. Should
 * it be missing one day, the server has no certificate and every handshake fails.
 */
function useContext(server: Server, context: SecureContext): void {
  Object.assign(server, { _sharedCreds: context });
}

/**
 * The raw socket below a TLS socket. `_parent` is not documented; docs/decisions/0001 says why it is read all the same.
 * Should it be missing, no handshake succeeds: the upgrade ends at its deadline.
 */
function rawSocketOf(socket: TLSSocket): Duplex | undefined {
  return (socket as { readonly _parent?: Duplex })._parent;
}

/**
 * What the fate of a handshake is kept under. A Duplex has no `_parent`; its TLS socket names the server that it was made
 * by, which is a stand-in for this connection alone (docs/decisions/0001).
 */
function keyOf(socket: TLSSocket): object {
  return rawSocketOf(socket) ?? (socket as { readonly server?: object }).server ?? socket;
}
