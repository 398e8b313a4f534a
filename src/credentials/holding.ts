import { CredentialUnreadableError } from './errors.js';
import { type Findings, loadMaterial, type Values } from './material.js';
import type { CredentialSettings } from './options.js';
import type { Credentials } from './resolved.js';
import type { WatchedFile } from './watched-file.js';

/** What a holding tells its store, and asks of it. */
export interface HoldingKeeper {
  /** Takes new content into use: proves that OpenSSL takes it, or gives the same content that is in use already. */
  readonly acquire: (fresh: Credentials) => Credentials;
  readonly release: (credentials: Credentials) => void;
  readonly reloaded: (credentials: Credentials) => void;
  readonly reloadFailed: (error: unknown) => void;
  /** New content is in use, for the first time or instead of other. */
  readonly installed: (credentials: Credentials) => void;
}

/** More files than this are looked at once a second, and not before each connection. */
const MANY_FILES = 8;
const A_SECOND_MS = 1_000;

/**
 * The credentials that one set of values stands for, over the time in which their files change. New content is built
 * whole and then put in the place of the old; where it is bad the old stays in service.
 */
export class Holding {
  readonly #values: Values;
  readonly #settings: CredentialSettings;
  readonly #keeper: HoldingKeeper;
  #files: readonly WatchedFile[] = [];
  #current: Credentials | null = null;
  #loading: Promise<Credentials> | null = null;
  #lookedAt = 0;
  /** When to try again though no file has changed: the system had no descriptor left, a disk was away. */
  #retryAt = Number.POSITIVE_INFINITY;
  #lastFailure: string | null = null;
  #dropped = false;

  constructor(values: Values, settings: CredentialSettings, keeper: HoldingKeeper) {
    this.#values = values;
    this.#settings = settings;
    this.#keeper = keeper;
  }

  /** The credentials if they are at hand and no file of theirs has changed. */
  fresh(): Credentials | null {
    return this.#current !== null && this.#loading === null && !this.#stale() ? this.#current : null;
  }

  /** Loads; all who ask meanwhile wait for the same. @throws {CredentialError} where nothing was ever loaded */
  load(): Promise<Credentials> {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  /** The store does not know it any more; what was handed out goes on working. */
  drop(): void {
    this.#dropped = true;
    if (this.#current !== null) this.#keeper.release(this.#current);
    this.#current = null;
  }

  async #load(): Promise<Credentials> {
    const findings: Findings = { files: [], warnings: [] };
    const before = this.#current;
    try {
      const fresh = this.#keeper.acquire(await loadMaterial(this.#values, this.#settings, findings));
      this.#retryAt = Number.POSITIVE_INFINITY;
      this.#lastFailure = null;
      this.#replace(fresh);
      if (fresh !== before) this.#keeper.installed(fresh);
      if (before !== null && fresh !== before) this.#keeper.reloaded(fresh);
      return fresh;
    } catch (error) {
      if (before === null) throw error;
      this.#retryAt = error instanceof CredentialUnreadableError ? performance.now() + A_SECOND_MS : this.#retryAt;
      const failure = error instanceof Error ? error.message : 'unknown';
      if (failure !== this.#lastFailure) this.#keeper.reloadFailed(error);
      this.#lastFailure = failure;
      return before;
    } finally {
      this.#files = findings.files;
      this.#lookedAt = performance.now();
    }
  }

  #replace(fresh: Credentials): void {
    if (this.#current !== null) this.#keeper.release(this.#current);
    this.#current = fresh;
    if (this.#dropped) this.drop();
  }

  #stale(): boolean {
    const many = this.#files.length > MANY_FILES;
    const now = many || this.#retryAt < Number.POSITIVE_INFINITY ? performance.now() : 0;
    if (now >= this.#retryAt) return true;
    if (many && now - this.#lookedAt < A_SECOND_MS) return false;
    if (many) this.#lookedAt = now;
    return this.#files.some((file) => file.changed());
  }
}
