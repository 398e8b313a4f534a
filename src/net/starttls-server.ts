import { EventEmitter } from 'node:events';
import type { SecureContext } from 'node:tls';
import { CredentialStore } from '../credentials/credential-store.js';
import { CredentialMissingError } from '../credentials/errors.js';
import { isHeloName, type ServerConnectionFacts } from '../credentials/facts.js';
import { OptionError, type TlsSmtpError } from '../errors.js';
import { checkedOptions, wholeNumber } from '../options.js';
import type { Peer } from '../peer.js';
import { voice } from '../trace.js';
import type { EnginePolicy, Verify } from './engine.js';
import { Engines } from './engines.js';
import { type ServerTlsOptions, type ServerTlsSettings, serverTlsSettings } from './server-tls-options.js';
import type { StartTlsSession } from './starttls-contract.js';
import { HandshakesBusyError } from './starttls-errors.js';
import { type ServerCredentials, Session } from './starttls-session.js';

export interface StartTlsServerOptions {
  readonly tls?: ServerTlsOptions;
  /** Asked before each STARTTLS; refuse by throwing `reject(...)`, or with `false` (550 5.7.1). */
  readonly onStartTls?: (peer: Peer) => unknown;
  /** Handshakes under way at once; more get 454 4.7.0. Default 256. */
  readonly maxHandshakes?: number;
  /** How long a locked-out client may stay, in milliseconds. Default 60,000. */
  readonly lockoutMs?: number;
  /** How long `onStartTls` may take, in milliseconds; then 451 4.7.1. Default 10 minutes. */
  readonly handlerTimeoutMs?: number;
}

/** What a {@link StartTlsServer} says about itself. Nothing of it needs an answer. */
export interface StartTlsServerEvents {
  /** Once for each upgrade that failed, with the reason in words. */
  tlsError: [error: TlsSmtpError, peer: Peer];
  /** For the operator; said once. What `credentials` warns of comes here too. */
  warning: [message: string];
}

/** On the channel `tls-smtp:starttls`. */
export type StartTlsVoiceEvent =
  | { readonly type: 'secured'; readonly peer: Peer; readonly cipher: string }
  | { readonly type: 'failed'; readonly peer: Peer; readonly code: string; readonly reason: string };

const say = voice<StartTlsVoiceEvent>('starttls');

/**
 * STARTTLS and TLS-on-connect for sockets that your program owns: long-lived, shared by all connections.
 *
 * @example
 * const tls = new StartTlsServer({ tls: { certificate: '/etc/mail/cert.pem', privateKey: '/etc/mail/key.pem' } });
 * await tls.ready();
 * // for each connection: const session = tls.session(peerOf(socket));
 * @see RFC 3207, RFC 8314 §3
 */
export class StartTlsServer extends EventEmitter<StartTlsServerEvents> {
  /** Its events tell of files that were read again and of certificates that end; its `stats` of what is kept ready. */
  readonly credentials: CredentialStore;
  readonly #settings: ServerTlsSettings;
  readonly #engines: Engines;
  readonly #maxHandshakes: number;
  readonly #lockoutMs: number;
  readonly #handlerTimeoutMs: number;
  readonly #onStartTls: ((peer: Peer) => unknown) | null;
  #ready: Promise<void> | null = null;
  #handshakes = 0;
  #warned = false;

  /** @throws {OptionError} */
  constructor(given: StartTlsServerOptions) {
    super();
    const options = checkedOptions('', given, ['tls', 'onStartTls', 'maxHandshakes', 'lockoutMs', 'handlerTimeoutMs']);
    this.#settings = serverTlsSettings(options.tls);
    this.credentials = new CredentialStore(this.#settings.credentials, (fresh, { forServerName }) => {
      if (forServerName) this.#engines.context(fresh, 'none');
      else this.#engines.engine(fresh, 'none');
    });
    this.#engines = new Engines(enginePolicy(this.#settings), this.credentials.dependsOnServerName);
    this.#hear(this.credentials);
    this.#maxHandshakes = wholeNumber('maxHandshakes', options.maxHandshakes, 256, 1, 1_000_000);
    this.#lockoutMs = wholeNumber('lockoutMs', options.lockoutMs, 60_000, 1, 3_600_000);
    this.#handlerTimeoutMs = wholeNumber('handlerTimeoutMs', options.handlerTimeoutMs, 600_000, 1, 86_400_000);
    if (options.onStartTls !== undefined && typeof options.onStartTls !== 'function') {
      throw new OptionError('onStartTls', 'must be a function');
    }
    this.#onStartTls = options.onStartTls ?? null;
  }

  /** Whether STARTTLS is offered to anybody: it is, once a certificate is configured (RFC 8314 §4.1). */
  get offersTls(): boolean {
    return this.credentials.configured;
  }

  get onConnectPorts(): readonly number[] {
    return this.#settings.onConnectPorts;
  }

  /**
   * Loads what is configured, so that a bad file is an error now. Without a certificate there is nothing to load.
   * @throws {CredentialError} that names option, file and block; the next call tries again
   */
  ready(): Promise<void> {
    this.#ready ??= this.#load().catch((error: unknown) => {
      this.#ready = null;
      throw error;
    });
    return this.#ready;
  }

  /** Begins the TLS side of one connection. `peer` is used in events and, later, by policies. */
  session(peer: Peer): StartTlsSession {
    return new Session(peer, {
      settings: this.#settings,
      offersTls: this.offersTls,
      lockoutMs: this.#lockoutMs,
      handlerTimeoutMs: this.#handlerTimeoutMs,
      consult: this.#onStartTls,
      credentials: (heloName) => this.#credentials(factsOf(peer, heloName), 'none'),
      reserve: () => this.#reserve(),
      succeeded: (tls) => say({ type: 'secured', peer, cipher: tls.cipher }),
      failed: (error) => this.#failed(error, peer),
      lockedOut: (error) => this.#lockedOut(error, peer),
    });
  }

  async #load(): Promise<void> {
    if (!this.offersTls) return;
    await this.credentials.check();
  }

  /** @param verify - the policy's answer for this client */
  async #credentials(facts: ServerConnectionFacts, verify: Verify): Promise<ServerCredentials> {
    const connection = this.credentials.connection(facts);
    const resolved = await connection.resolve();
    if (resolved?.tls.cert === undefined) throw new CredentialMissingError();
    const contextFor = async (serverName: string): Promise<SecureContext | null> => {
      const named = await connection.resolveServerName(serverName);
      return named && this.#engines.context(named, verify);
    };
    return {
      engine: this.#engines.engine(resolved, verify),
      contextFor: this.credentials.dependsOnServerName ? contextFor : null,
    };
  }

  #hear(credentials: CredentialStore): void {
    credentials.on('warning', (message) => this.emit('warning', message));
    credentials.on('reloadFailed', (error) => {
      this.emit('warning', `what was loaded before stays in use: ${error.message}`);
    });
    credentials.on('expiring', ({ notAfter }) => {
      this.emit('warning', `a certificate in use ends on ${notAfter.toISOString()}`);
    });
  }

  /** @returns what gives the place back; throws where all are taken */
  #reserve(): () => void {
    if (this.#handshakes >= this.#maxHandshakes) throw new HandshakesBusyError(this.#maxHandshakes);
    this.#handshakes++;
    let held = true;
    return () => {
      if (held) this.#handshakes--;
      held = false;
    };
  }

  #failed(error: TlsSmtpError, peer: Peer): void {
    say({ type: 'failed', peer, code: error.code, reason: error.message });
    this.emit('tlsError', error, peer);
  }

  #lockedOut(error: TlsSmtpError, peer: Peer): void {
    this.#failed(error, peer);
    if (this.#warned) return;
    this.#warned = true;
    this.emit(
      'warning',
      'TLS could not be had and the client is locked out: its MAIL gets 554, which is permanent. ' +
        "A public MX may prefer tls.whenUnavailable: 'continue'.",
    );
  }
}

function enginePolicy({ minVersion, maxVersion, ciphers, alpn, handshakeTimeoutMs }: ServerTlsSettings): EnginePolicy {
  return { minVersion, maxVersion, ciphers, alpn, handshakeTimeoutMs };
}

/** A HELO name that is none is not handed on: it would be made into file names. */
function factsOf(peer: Peer, heloName: string | null): ServerConnectionFacts {
  return {
    ...(peer.address !== undefined && { senderHostAddress: peer.address }),
    ...(peer.localPort !== undefined && { receivedPort: peer.localPort }),
    ...(peer.localAddress !== undefined && { localAddress: peer.localAddress }),
    ...(heloName !== null && isHeloName(heloName) && { heloName }),
  };
}
