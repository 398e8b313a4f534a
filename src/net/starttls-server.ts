import { EventEmitter } from 'node:events';
import type { CredentialStore } from '../credentials/credential-store.js';
import { CredentialMissingError } from '../credentials/errors.js';
import { OptionError, type TlsSmtpError } from '../errors.js';
import { checkedOptions, wholeNumber } from '../options.js';
import { assertPeer, type Peer } from '../peer.js';
import { tell } from '../tell.js';
import { voice } from '../trace.js';
import { ClientRules } from './client-rules.js';
import { ServerCredentialSource } from './server-credentials.js';
import { MISPLACED, type ServerTlsOptions, type ServerTlsSettings, serverTlsSettings } from './server-tls-options.js';
import type { StartTlsSession } from './starttls-contract.js';
import { type DriverContext, StartTlsDriver } from './starttls-driver.js';
import { HandshakesBusyError } from './starttls-errors.js';

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
  /** The client ended TLS and the session goes on in clear. */
  | { readonly type: 'ended'; readonly peer: Peer }
  | { readonly type: 'failed'; readonly peer: Peer; readonly code: string; readonly reason: string };

const LOCKED_OUT =
  'TLS could not be had and the client is locked out: its MAIL gets 554, which is permanent. ' +
  "A public MX may prefer tls.whenUnavailable: 'continue'.";

/** RFC 3207 §4. */
const REQUIRED_ON_25 =
  'tls.requireHosts is set and a client came to port 25: a server that is known to the public must not require STARTTLS ' +
  'there, or it loses mail of those who have no TLS';

const OLD_VERSIONS =
  'tls.dangerouslyAllowTlsVersion is set: TLS 1.0 and 1.1 protect nothing against who sits in between (RFC 8996)';

const say = voice<StartTlsVoiceEvent>('starttls');

/** What stands one floor deeper. */
const HINTS = {
  ...MISPLACED,
  cert: 'tls.certificate',
  key: 'tls.privateKey',
};

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
  readonly #maxHandshakes: number;
  readonly #context: DriverContext;
  readonly #warned = new Set<string>();
  #ready: Promise<void> | null = null;
  #handshakes = 0;

  /** @throws {OptionError} */
  constructor(given: StartTlsServerOptions) {
    super();
    const names = ['tls', 'onStartTls', 'maxHandshakes', 'lockoutMs', 'handlerTimeoutMs'] as const;
    const options = checkedOptions('', given, names, HINTS);
    this.#settings = serverTlsSettings(options.tls);
    const source = new ServerCredentialSource(this.#settings);
    this.credentials = source.store;
    this.#hear(this.credentials);
    this.#maxHandshakes = wholeNumber('maxHandshakes', options.maxHandshakes, 256, 1, 1_000_000);
    if (options.onStartTls !== undefined && typeof options.onStartTls !== 'function') {
      throw new OptionError('onStartTls', 'must be a function');
    }
    this.#context = {
      settings: this.#settings,
      lockoutMs: wholeNumber('lockoutMs', options.lockoutMs, 60_000, 1, 3_600_000),
      handlerTimeoutMs: wholeNumber('handlerTimeoutMs', options.handlerTimeoutMs, 600_000, 1, 86_400_000),
      consult: options.onStartTls ?? null,
      credentials: (peer, heloName, rule) => source.for(peer, heloName, rule),
      reserve: () => this.#reserve(),
      succeeded: (tls, peer) => say({ type: 'secured', peer, cipher: tls.cipher }),
      ended: (peer) => say({ type: 'ended', peer }),
      failed: (error, peer) => this.#failed(error, peer),
      lockedOut: (error, peer) => this.#lockedOut(error, peer),
    };
  }

  /** Whether there is TLS to offer: a certificate is configured. To whom it is offered, `tls.advertiseHosts` says. */
  get offersTls(): boolean {
    return this.credentials.configured;
  }

  get onConnectPorts(): readonly number[] {
    return this.#settings.onConnectPorts;
  }

  /** How long a handshake may take, in milliseconds. */
  get handshakeTimeoutMs(): number {
    return this.#settings.handshakeTimeoutMs;
  }

  /**
   * Loads what is configured, so that a bad file is an error now, and warns of what is perhaps not meant. Without a
   * certificate there is nothing to load.
   *
   * @throws {CredentialError} that names option, file and block; the next call tries again
   * @throws {CredentialMissingError} without a certificate, where some client is promised TLS or must use it
   */
  ready(): Promise<void> {
    this.#ready ??= this.#load().catch((error: unknown) => {
      this.#ready = null;
      throw error;
    });
    return this.#ready;
  }

  /** Whether HELO and ESMTP outlive STARTTLS (`tls.rememberEsmtp`). */
  get rememberEsmtp(): boolean {
    return this.#settings.rememberEsmtp;
  }

  /**
   * Begins the TLS side of one connection. `peer` is what the host lists are asked about; it is used in events too.
   * @throws {OptionError} for what is no peer
   */
  session(peer: Peer): StartTlsSession {
    assertPeer(peer);
    if (peer.localPort === 25 && this.#settings.requiresHosts) this.#warnOnce(REQUIRED_ON_25);
    return new StartTlsDriver(peer, new ClientRules(this.#settings.policy, peer), this.#context);
  }

  async #load(): Promise<void> {
    const { promisesTls, policy, minVersion } = this.#settings;
    if (!this.offersTls) {
      if (promisesTls !== null) throw new CredentialMissingError(promisesTls);
      return;
    }
    await this.credentials.check();
    for (const warning of policy.lint()) this.#warn(warning);
    if (minVersion < 'TLSv1.2') this.#warn(OLD_VERSIONS);
  }

  #hear(credentials: CredentialStore): void {
    credentials.on('warning', (message) => this.#warn(message));
    credentials.on('reloadFailed', (error) => {
      this.#warn(`what was loaded before stays in use: ${error.message}`);
    });
    credentials.on('expiring', ({ notAfter }) => {
      this.#warn(`a certificate in use ends on ${notAfter.toISOString()}`);
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
    tell(() => this.emit('tlsError', error, peer));
  }

  #warn(message: string): void {
    tell(() => this.emit('warning', message));
  }

  #lockedOut(error: TlsSmtpError, peer: Peer): void {
    this.#failed(error, peer);
    this.#warnOnce(LOCKED_OUT);
  }

  #warnOnce(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.#warn(message);
  }
}
