import { EventEmitter } from 'node:events';
import { OptionError, type TlsSmtpError } from '../errors.js';
import { andThen, type Eventual } from '../eventual.js';
import { DistinguishedName } from '../inspect/distinguished-name.js';
import { assertOptions } from '../options.js';
import { tell } from '../tell.js';
import { voice } from '../trace.js';
import { CredentialMissingError, refusedByOpenSsl } from './errors.js';
import { Expander } from './expander.js';
import type { ClientConnectionFacts, ServerConnectionFacts } from './facts.js';
import { Holding, type HoldingKeeper } from './holding.js';
import { keyOf, type Values } from './material.js';
import { type CredentialOptions, type CredentialSettings, credentialSettings, EXPANDABLE } from './options.js';
import type { Credentials, IdentityFacts, ResolvedCredentials } from './resolved.js';
import { secureContextOf } from './secure-context.js';
import { Shared } from './shared.js';

/** What {@link CredentialStore.check} found. */
export interface CredentialReport {
  readonly identities: readonly IdentityFacts[];
  /** In words, with option and file. */
  readonly warnings: readonly string[];
}

/** What a store says about itself. Nothing of it needs an answer; a listener that throws is an `uncaughtException`. */
export interface CredentialStoreEvents {
  /** A file has changed, and what it holds now is in use. */
  reloaded: [credentials: ResolvedCredentials];
  /** A file has changed for the worse; what it held before stays in use. Said once for each reason. */
  reloadFailed: [error: TlsSmtpError];
  /** A certificate in use ends within 14 days, or has ended. Said once a day, while connections come. */
  expiring: [credentials: ResolvedCredentials];
  /** In words, with option and file. */
  warning: [message: string];
}

/** On the channel `tls-smtp:credentials`: the same as {@link CredentialStoreEvents}, of all stores. */
export type CredentialVoiceEvent =
  | { readonly type: 'reloaded' | 'expiring'; readonly id: string; readonly subject: string; readonly notAfter: Date }
  | { readonly type: 'reloadFailed'; readonly code: string; readonly reason: string }
  | { readonly type: 'warning'; readonly message: string };

const say = voice<CredentialVoiceEvent>('credentials');

/** Builds what credentials are needed for, so that what OpenSSL refuses is never in use. */
export type Prove = (credentials: ResolvedCredentials, facts: { readonly forServerName: boolean }) => void;

/** The credentials of one connection: each callback is asked once. */
export interface ConnectionCredentials {
  /** As {@link CredentialStore.resolve}; without a promise where no callback is asked and nothing has to be read. */
  resolve(): Eventual<ResolvedCredentials | null>;
  /**
   * `perSni` callbacks run again, with the name that the client asks for.
   * @param serverName - as the client sent it
   * @returns `null`: the default ones, also for what is no host name
   */
  resolveServerName(serverName: string): Promise<ResolvedCredentials | null>;
}

type Facts = ServerConnectionFacts | ClientConnectionFacts;

const DAY_MS = 86_400_000;
const EXPIRING_MS = 14 * DAY_MS;

/**
 * Says who we are and whom we trust, connection after connection: long-lived, shared by all of them, on either side.
 *
 * It reads and checks key material, follows its files, and hands out the same object for the same content, so that what
 * is built from it (an engine, a `SecureContext`) is built once.
 *
 * @example
 * const store = new CredentialStore({ certificate: ({ localAddress }) => `/etc/mail/${localAddress}.pem` });
 * const credentials = await store.resolve({ localAddress: '192.0.2.1' });
 */
export class CredentialStore extends EventEmitter<CredentialStoreEvents> {
  readonly #settings: CredentialSettings;
  readonly #expander: Expander;
  readonly #prove: Prove;
  readonly #shared = new Shared();
  /** By the values of the options, the least recently used first. */
  readonly #holdings = new Map<string, Holding>();
  /** By id: when an expiry was told of. */
  readonly #told = new Map<string, number>();
  readonly #fixedKey: string;
  #hits = 0;
  #misses = 0;

  /**
   * @param options - an object that may hold other options too, as a server's `tls` does
   * @param prove - by default a `SecureContext` is built from new credentials
   * @throws {OptionError} for a value that cannot be meant, and where there is no object
   */
  constructor(options: CredentialOptions<ServerConnectionFacts>, prove?: Prove);
  constructor(options: CredentialOptions<ClientConnectionFacts>, prove?: Prove);
  constructor(options: object, prove: Prove = (credentials) => void secureContextOf(credentials)) {
    super();
    assertOptions('options', options);
    if (typeof prove !== 'function') throw new OptionError('prove', 'must be a function');
    this.#settings = credentialSettings(options);
    this.#expander = new Expander(this.#settings);
    this.#prove = prove;
    this.#fixedKey = keyOf(this.#expander.fixed, this.#expander.fixed);
  }

  /** Whether a certificate is configured at all. */
  get configured(): boolean {
    return this.#settings.given.certificate !== undefined;
  }

  /** Whether every connection has the same credentials: no option is a callback. */
  get isFixed(): boolean {
    return this.#expander.isFixed;
  }

  /** Whether the certificate may depend on the name that a client asks for. */
  get dependsOnServerName(): boolean {
    return this.#expander.dependsOnServerName;
  }

  /**
   * `contexts`: sets of credentials that are kept ready. `hits`: connections that found theirs so; `misses`: those for
   * which something had to be read.
   */
  get stats(): { readonly contexts: number; readonly hits: number; readonly misses: number } {
    return { contexts: this.#shared.size, hits: this.#hits, misses: this.#misses };
  }

  /**
   * Loads all that is configured and does not depend on the connection, so that a bad file is found now and not by the
   * first client. Where the certificate or its key is expanded, what stands beside them is loaded without them.
   *
   * @throws {CredentialError} that names option, file and block; {@link CredentialMissingError} where nothing is set
   */
  async check(): Promise<CredentialReport> {
    if (EXPANDABLE.every((name) => this.#settings.given[name] === undefined)) throw new CredentialMissingError();
    const { fixed } = this.#expander;
    if (!this.#expander.expands('certificate') && !this.#expander.expands('privateKey')) {
      const credentials = await this.#current(fixed, this.#fixedKey, false);
      return reportOf(credentials);
    }
    const { certificate: _expanded, privateKey: _too, ...others } = fixed;
    if (Object.keys(others).length === 0) return { identities: [], warnings: [] };
    const passing = new Holding(others, this.#settings, this.#keeper(false));
    const report = reportOf(await passing.load());
    passing.drop();
    return report;
  }

  /**
   * @param connection - what is known of the peer; callbacks are called with it
   * @returns `null` where nothing is configured, or all of it is unset for this connection
   * @throws {CredentialError} where it cannot be had; the next call tries again
   * @throws {ExpansionError} where a callback failed, or did not answer in time
   */
  async resolve(connection: Facts = {}): Promise<ResolvedCredentials | null> {
    return this.#resolve(await this.#expander.values(connection), false);
  }

  /** Begins one connection, in the course of which the client may name a server. */
  connection(facts: ServerConnectionFacts): ConnectionCredentials {
    let first: Eventual<Values> | null = null;
    const values = (): Eventual<Values> => {
      first ??= this.#expander.values(facts);
      return first;
    };
    return {
      resolve: () => andThen(values(), (known) => this.#resolve(known, false)),
      resolveServerName: async (serverName) => {
        const named = await this.#expander.valuesFor(await values(), facts, serverName);
        return named === null ? null : this.#resolve(named, true);
      },
    };
  }

  #resolve(values: Values, forServerName: boolean): Eventual<Credentials | null> {
    if (Object.keys(values).length === 0) return null;
    const { fixed } = this.#expander;
    const key = values === fixed ? this.#fixedKey : keyOf(values, fixed);
    return andThen(this.#current(values, key, forServerName), (credentials) => {
      this.#watchExpiry(credentials);
      return credentials;
    });
  }

  #current(values: Values, key: string, forServerName: boolean): Eventual<Credentials> {
    const known = this.#holdings.get(key);
    const fresh = known?.fresh() ?? null;
    if (known !== undefined && this.#holdings.size > 1) {
      this.#holdings.delete(key); // the most recently used is the last
      this.#holdings.set(key, known);
    }
    if (fresh !== null) {
      this.#hits++;
      return fresh;
    }
    this.#misses++;
    if (known !== undefined) return known.load();
    const holding = new Holding(values, this.#settings, this.#keeper(forServerName));
    this.#holdings.set(key, holding);
    this.#evict();
    return holding.load().catch((error: unknown) => {
      // Peers may choose part of the key: what cannot be loaded takes no place.
      if (this.#holdings.get(key) === holding) this.#holdings.delete(key);
      throw error;
    });
  }

  #evict(): void {
    for (const [key, holding] of this.#holdings) {
      if (this.#holdings.size <= this.#settings.maxContexts) return;
      this.#holdings.delete(key);
      holding.drop();
    }
  }

  #keeper(forServerName: boolean): HoldingKeeper {
    return {
      acquire: (fresh) => {
        try {
          return this.#shared.acquire(fresh, () => this.#prove(fresh, { forServerName }));
        } catch (cause) {
          throw refusedByOpenSsl(cause);
        }
      },
      release: (credentials) => {
        if (this.#shared.release(credentials)) this.#told.delete(credentials.id);
      },
      installed: (credentials) => {
        for (const message of reportOf(credentials).warnings) {
          say({ type: 'warning', message });
          tell(() => this.emit('warning', message));
        }
      },
      reloaded: (credentials) => {
        say({ type: 'reloaded', ...told(credentials) });
        tell(() => this.emit('reloaded', credentials));
      },
      reloadFailed: (cause) => {
        const error = refusedByOpenSsl(cause);
        say({ type: 'reloadFailed', code: error.code, reason: error.message });
        tell(() => this.emit('reloadFailed', error));
      },
    };
  }

  /** No timer: while nobody connects, nobody is served an old certificate. */
  #watchExpiry(credentials: Credentials): void {
    const now = Date.now();
    if (credentials.notAfter.getTime() - now > EXPIRING_MS) return;
    if (now - (this.#told.get(credentials.id) ?? 0) < DAY_MS) return;
    this.#told.set(credentials.id, now);
    say({ type: 'expiring', ...told(credentials) });
    tell(() => this.emit('expiring', credentials));
  }
}

function told({ id, subject, notAfter }: Credentials): Pick<ResolvedCredentials, 'id' | 'subject' | 'notAfter'> {
  return { id, subject: DistinguishedName.fromX509(subject).toOneline(), notAfter };
}

function reportOf(credentials: Credentials): CredentialReport {
  const { identities, warnings } = credentials;
  return { identities, warnings: [...warnings, ...credentials.expiryWarnings(Date.now())] };
}
