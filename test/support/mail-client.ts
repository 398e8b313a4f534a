import type { Mode, Version } from './delivery.js';
import type { Peer, PeerRun } from './peers.js';

/**
 * What not every client can do: show a certificate that it is given, and one of an authority that the server does not name
 * among those that it trusts (strangers); the SASL mechanisms (RFC 4954); commands before the replies to those before
 * (pipelined, RFC 2920); the body with BDAT (chunked, RFC 3030).
 */
export type Ability = 'certificate' | 'strangers' | 'PLAIN' | 'LOGIN' | 'EXTERNAL' | 'pipelined' | 'chunked';

export type Mechanism = Extract<Ability, 'PLAIN' | 'LOGIN' | 'EXTERNAL'>;

/** Where a client is to deliver MESSAGE, and how. */
export interface Visit {
  readonly mode: Mode;
  readonly version: Version;
  readonly port: number;
  /** The file of the authority to trust. */
  readonly ca: string;
  /** The file of the certificate to show, with its key behind it. */
  readonly identity: string | null;
  /** As whom to authenticate: `tim`, and for EXTERNAL whom the certificate names. */
  readonly login: { readonly mechanism: Mechanism; readonly password: string } | null;
  /** For those that must be told: to send commands in groups, and the body with BDAT. */
  readonly pipelined: boolean;
  readonly chunked: boolean;
}

/** A visit of which nothing is asked but that it goes well. */
export function plainVisit(mode: Mode, port: number, ca: string): Visit {
  return { ...{ mode, version: 'TLSv1.3', port, ca }, identity: null, login: null, pipelined: false, chunked: false };
}

/** Of a client that looks at the certificate in the handshake. */
export const ALERT: RegExp = /^TLS handshake: the peer did not accept our certificate \(ERR_SSL_\w+\)$/;

/** Of one that looks behind the handshake and goes, perhaps while the banner is being written, or before it. */
export const GONE: RegExp =
  /^(?:the client closed the connection|the connection was lost \(E\w+\)|TLS handshake: the peer closed the connection during the handshake \(ECONNRESET\))$/;

export const NO_STRANGERS = 'GnuTLS shows none of an authority that the server does not name (RFC 8446 §4.2.4)';

/** A mail program of somebody else, which takes MESSAGE from alice@x.test to bob@y.test and carol@y.test. */
export interface MailClient {
  readonly name: string;
  /** The programs without which it does not run. */
  readonly peers: readonly Peer[];
  /** What it cannot do, and why. */
  readonly cannot: Readonly<Partial<Record<Ability, string>>>;
  deliver(visit: Visit): Promise<PeerRun>;
  /** What it prints of a good delivery. */
  readonly success: RegExp;
  /** What it prints where it sent MAIL, RCPT and DATA before the reply to the first of them. */
  readonly inGroups?: RegExp;
  /** What it prints where it sent the body with BDAT. */
  readonly inChunks?: RegExp;
  /** What it prints of a certificate that it does not trust. */
  readonly distrust: RegExp;
  /** What it prints where its password is wrong. */
  readonly wrong?: RegExp;
  /** Why its connection ended, as the server tells it, where the client does not trust the server. */
  readonly leaves: RegExp;
  /** Why each of its connections ended, where all went well. Default: one, with QUIT. */
  readonly ends?: readonly string[];
  /** The name that it asks for. Default: mx.test. */
  readonly sni?: string | undefined;
  /** Puts a `Received:` header before the message. */
  readonly traces?: true;
}
