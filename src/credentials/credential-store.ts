import { createHash } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import { CredentialMissingError } from './errors.js';
import { type Expanded, expand } from './expansion.js';
import { type Identity, readIdentity } from './pem.js';
import { type PemSource, readPem } from './source.js';

/** The options that say who we are. */
export interface CredentialOptions {
  /** Exim tls_certificate: the certificate, its intermediates behind it, and the key too where `privateKey` is unset. */
  readonly certificate?: PemSource;
  /** Exim tls_privatekey. */
  readonly privateKey?: PemSource;
}

/** Credentials for one connection, ready for an engine. */
export interface ResolvedCredentials {
  /** A hash over the content: equal ids need one engine. */
  readonly id: string;
  readonly tls: Readonly<SecureContextOptions>;
  /** The leaf's subject, as OpenSSL writes it on one line per part. */
  readonly subject: string;
  readonly notAfter: Date;
}

/** What {@link CredentialStore.check} found. */
export interface CredentialReport {
  readonly identities: readonly { readonly subject: string; readonly notAfter: Date }[];
  readonly warnings: readonly string[];
}

/** How many engines a store keeps; the least recently used goes first. Open connections keep theirs alive. */
const MAX_ENGINES = 256;

/**
 * Says who we are, connection after connection: long-lived, shared by all of them.
 *
 * It reads and checks key material and keeps what is expensive to build. What an *engine* is the caller says.
 */
export class CredentialStore<Engine = never> {
  readonly #options: CredentialOptions;
  readonly #engines = new Map<string, Engine>();
  #loaded: Promise<ResolvedCredentials | null> | null = null;
  #hits = 0;
  #misses = 0;

  constructor(options: CredentialOptions) {
    this.#options = options;
  }

  /** Whether a certificate is configured at all. */
  get configured(): boolean {
    return this.#options.certificate !== undefined;
  }

  get stats(): { readonly contexts: number; readonly hits: number; readonly misses: number } {
    return { contexts: this.#engines.size, hits: this.#hits, misses: this.#misses };
  }

  /**
   * Loads all that is configured, so that a bad file is found now and not by the first client.
   *
   * @throws {CredentialError} that names option, file and block; {@link CredentialMissingError} where nothing is set
   */
  async check(): Promise<CredentialReport> {
    const resolved = await this.resolve();
    if (resolved === null) throw new CredentialMissingError();
    const { subject, notAfter } = resolved;
    const warnings =
      notAfter.getTime() < Date.now() ? [`the certificate has expired on ${notAfter.toISOString()}`] : [];
    return { identities: [{ subject, notAfter }], warnings };
  }

  /**
   * @returns `null` where nothing is configured
   * @throws {CredentialError} where it cannot be had; the next call tries again
   */
  resolve(): Promise<ResolvedCredentials | null> {
    if (this.#loaded === null) {
      this.#loaded = load(expand(this.#options.certificate), expand(this.#options.privateKey));
      this.#loaded.catch(() => {
        this.#loaded = null;
      });
    }
    return this.#loaded;
  }

  /**
   * The engine for these credentials under this policy, built once and shared by all connections that need the same
   * (session resumption depends on it).
   */
  engine(
    credentials: ResolvedCredentials,
    policy: string,
    build: (tls: Readonly<SecureContextOptions>) => Engine,
  ): Engine {
    const key = `${credentials.id} ${policy}`;
    const cached = this.#engines.get(key);
    if (cached !== undefined) {
      this.#hits++;
      this.#engines.delete(key);
      this.#engines.set(key, cached);
      return cached;
    }
    this.#misses++;
    const engine = build(credentials.tls);
    this.#engines.set(key, engine);
    if (this.#engines.size > MAX_ENGINES) {
      for (const oldest of this.#engines.keys()) {
        this.#engines.delete(oldest);
        break;
      }
    }
    return engine;
  }
}

async function load(
  certificate: Expanded<PemSource>,
  privateKey: Expanded<PemSource>,
): Promise<ResolvedCredentials | null> {
  if (certificate.kind === 'unset') return null;
  const certificateText = await readPem('tls.certificate', certificate.value); // one by one: the first bad one is named
  const keyText = privateKey.kind === 'unset' ? null : await readPem('tls.privateKey', privateKey.value);
  return resolved(readIdentity(certificateText, keyText));
}

function resolved({ certificate, privateKey, leaf }: Identity): ResolvedCredentials {
  return {
    id: createHash('sha256').update(certificate).update(privateKey).digest('base64url'),
    tls: { cert: certificate, key: privateKey },
    subject: leaf.subject,
    notAfter: new Date(leaf.validTo),
  };
}
