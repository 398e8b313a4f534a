import type { IssuedCertificate } from '../../../src/testing/authority.js';
import type { Load } from '../loads.js';

/**
 * `bare` is `raw` with nothing but a `TLSSocket`: the least memory that a session can take. `tls-smtp-resumable` is ours with
 * every client in `resumeClearHosts`.
 */
export type ServerKind = 'raw' | 'bare' | 'tls-smtp' | 'tls-smtp-resumable' | 'smtp-server';

/** What a server has to know. */
export interface ContestantSettings {
  readonly identity: IssuedCertificate;
  readonly load: Load;
}

/** A server that listens on a free loopback port. */
export interface Contestant {
  readonly port: number;
  /** What its application has read so far; `null` where there is no application. */
  taken(): Taken | null;
}

export interface Taken {
  readonly messages: number;
  readonly octets: number;
}
