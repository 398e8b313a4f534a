import { isAbsolute } from 'node:path';
import { OptionError } from '../errors.js';
import { wholeNumber } from '../options.js';
import { type Expandable, isPerSni } from './expansion.js';
import type { ServerConnectionFacts } from './facts.js';
import type { PemSource } from './source.js';

/**
 * The options that say who we are and whom we trust. Each of the first six is a value, or a callback that is asked for it
 * before every handshake with what is known of the connection then.
 */
export interface CredentialOptions<C = ServerConnectionFacts> {
  /**
   * Exim tls_certificate: the certificate, its intermediates behind it, and the key too where `privateKey` is unset.
   * A list gives several identities, one of each key type (RSA and ECDSA), and the client takes its pick.
   */
  readonly certificate?: Expandable<PemSource | readonly PemSource[], C>;
  /** Exim tls_privatekey; a list is paired with the certificates by public key. */
  readonly privateKey?: Expandable<PemSource | readonly PemSource[], C>;
  /** Exim tls_dhparam: a file, PEM text, or `'auto'`; 2048 bits at least. Without it no DHE suite is used. */
  readonly dhparam?: Expandable<PemSource, C>;
  /**
   * Exim tls_verify_certificates: whom we trust. A file of concatenated certificates, a directory with OpenSSL hash names,
   * PEM text, or `'system'`. The system's are trusted only where that word is written. What is listed is trusted itself,
   * also where it is a leaf or an intermediate.
   */
  readonly verifyCertificates?: Expandable<PemSource, C>;
  /** Exim tls_crl: revocation lists, in a file, a directory with hash names, or PEM text; one for each issuer. */
  readonly crl?: Expandable<PemSource, C>;
  /** Exim tls_require_ciphers: an OpenSSL cipher list. Default: forward secrecy only, AEAD first. */
  readonly requireCiphers?: Expandable<string, C>;
  /** Decrypts private keys that are encrypted. */
  readonly passphrase?: string;
  /** A file name that a callback made from a name which the peer chose must lie below this folder. */
  readonly credentialsRoot?: string;
  /** Refuses the file of a private key that others than its owner may use. Default: a warning. */
  readonly strictKeyFiles?: boolean;
  /** How long a callback may take, and then the reading of all files, in milliseconds. Default 10,000. */
  readonly expansionTimeoutMs?: number;
  /** How many sets of credentials are kept ready, the most recently used. Default 2,000. */
  readonly maxContexts?: number;
}

/** The options that expand. */
export type ExpandableName = 'certificate' | 'privateKey' | 'dhparam' | 'verifyCertificates' | 'crl' | 'requireCiphers';

/** In the order in which they are read. */
export const EXPANDABLE: readonly ExpandableName[] = [
  'certificate',
  'privateKey',
  'dhparam',
  'verifyCertificates',
  'crl',
  'requireCiphers',
];

export const CREDENTIAL_NAMES: readonly (keyof CredentialOptions)[] = [
  ...EXPANDABLE,
  'passphrase',
  'credentialsRoot',
  'strictKeyFiles',
  'expansionTimeoutMs',
  'maxContexts',
];

/** The same, checked and complete. */
export interface CredentialSettings {
  readonly given: Readonly<Record<ExpandableName, unknown>>;
  readonly passphrase: string | null;
  readonly root: string | null;
  readonly strictKeyFiles: boolean;
  readonly expansionTimeoutMs: number;
  readonly maxContexts: number;
}

/**
 * Reads the credential options of an object that may hold others too: a server's or a transport's `tls`.
 * @throws {OptionError} for a value that cannot be meant
 */
export function credentialSettings(options: object): CredentialSettings {
  const one = (name: keyof CredentialOptions): unknown =>
    Object.hasOwn(options, name) ? Reflect.get(options, name) : undefined;
  const passphrase = one('passphrase');
  const root = one('credentialsRoot');
  const strictKeyFiles = one('strictKeyFiles') ?? false;
  if (passphrase !== undefined && typeof passphrase !== 'string') throw wrong('passphrase', 'must be a string');
  if (root !== undefined && (typeof root !== 'string' || !isAbsolute(root))) {
    throw wrong('credentialsRoot', 'must be an absolute path');
  }
  if (typeof strictKeyFiles !== 'boolean') throw wrong('strictKeyFiles', 'must be true or false');
  const given = {
    certificate: checked('certificate', one('certificate')),
    privateKey: checked('privateKey', one('privateKey')),
    dhparam: checked('dhparam', one('dhparam')),
    verifyCertificates: checked('verifyCertificates', one('verifyCertificates')),
    crl: checked('crl', one('crl')),
    requireCiphers: checked('requireCiphers', one('requireCiphers')),
  };
  if (given.privateKey !== undefined && given.certificate === undefined) {
    throw wrong('privateKey', 'is set without tls.certificate');
  }
  return {
    given,
    passphrase: passphrase ?? null,
    root: root ?? null,
    strictKeyFiles,
    expansionTimeoutMs: number('expansionTimeoutMs', one('expansionTimeoutMs'), 10_000, 600_000),
    maxContexts: number('maxContexts', one('maxContexts'), 2_000, 1_000_000),
  };
}

/** @returns what is wrong with a value of an option, or `null`; also asked of what an expansion answers */
export function problemOf(name: ExpandableName, value: unknown): string | null {
  if (name === 'certificate' || name === 'privateKey') {
    return isIdentityValue(value) ? null : 'must be an absolute path, PEM text or a Buffer, or a list of them';
  }
  if (name === 'requireCiphers') return isText(value) ? null : 'must be an OpenSSL cipher list';
  return isPem(value) ? null : 'must be an absolute path, PEM text or a Buffer';
}

function checked(name: ExpandableName, value: unknown): unknown {
  if (typeof value === 'function') {
    if (isPerSni(value) && name !== 'certificate' && name !== 'privateKey') {
      throw wrong(name, 'cannot depend on the server name: perSni() is for certificate and privateKey');
    }
    return value;
  }
  const problem = value === undefined ? null : problemOf(name, value);
  if (problem !== null) throw wrong(name, problem);
  return value;
}

function isPem(value: unknown): boolean {
  return typeof value === 'string' || Buffer.isBuffer(value);
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isIdentityValue(value: unknown): boolean {
  return isPem(value) || (Array.isArray(value) && value.length > 0 && value.every(isPem));
}

function number(name: keyof CredentialOptions, value: unknown, fallback: number, most: number): number {
  if (value !== undefined && typeof value !== 'number') throw wrong(name, `must be a whole number from 1 to ${most}`);
  return wholeNumber(`tls.${name}`, value, fallback, 1, most);
}

function wrong(name: keyof CredentialOptions, problem: string): OptionError {
  return new OptionError(`tls.${name}`, problem);
}
