import { randomBytes } from 'node:crypto';
import type { SecureVersion } from 'node:tls';
import { CREDENTIAL_NAMES, type CredentialOptions, credentialSettings } from '../credentials/options.js';
import { OptionError } from '../errors.js';
import { checkedOptions, type Hints, oneOf, wholeNumber } from '../options.js';
import { type ServerPolicyOptions, ServerTlsPolicy } from '../policy/server-policy.js';
import type { EnginePolicy } from './engine.js';
import { TicketKeys } from './ticket-keys.js';

/** The `tls` object of `SmtpServer` and `StartTlsServer`. Names are Exim's, in camelCase. */
export interface ServerTlsOptions extends CredentialOptions, ServerPolicyOptions {
  /** Default TLSv1.2 (RFC 9325 §3.1.1). */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** Default TLSv1.3. */
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3';
  /**
   * Lets clients in that have no newer version, with TLS 1.0 or 1.1. Both are broken and forbidden (RFC 8996): who sits
   * between can read and change what they carry. Stands in the place of `minVersion`.
   */
  readonly dangerouslyAllowTlsVersion?: 'TLSv1' | 'TLSv1.1';
  /** How long a handshake may take from the 220 (or from the connection), in milliseconds. Default 30,000. */
  readonly handshakeTimeoutMs?: number;
  /** Application protocols (RFC 7301). Default `['smtp', 'esmtp']`: a client that offers only others is refused. */
  readonly alpn?: readonly string[];
  /** Exim tls_on_connect_ports: listening ports on which TLS comes first. */
  readonly onConnectPorts?: readonly number[];
  /**
   * At least 32 random octets that all processes of a cluster have: a session that began at one of them is resumed at the
   * others. Default: each server has keys of its own, and knows its own sessions alone.
   */
  readonly ticketSecret?: string | Buffer;
  /**
   * What follows a 454. `'lockout'` (default): nothing but QUIT is served. `'continue'`: the clear session goes on.
   * Behind a lock-out MAIL gets 554, which is permanent: a public MX may prefer `'continue'`.
   */
  readonly whenUnavailable?: 'lockout' | 'continue';
  /**
   * Exim tls_remember_esmtp, against RFC 3207 §4.2: the HELO name, and that it was EHLO, outlive STARTTLS, for clients that
   * do not say it again. Nothing else does. Default `false`.
   */
  readonly rememberEsmtp?: boolean;
}

/** The same, checked and complete. */
export interface ServerTlsSettings extends EnginePolicy {
  readonly credentials: CredentialOptions;
  readonly onConnectPorts: readonly number[];
  /** From `ticketSecret`, which nobody else has; without it from random octets: OpenSSL would never replace its own keys. */
  readonly tickets: TicketKeys;
  readonly whenUnavailable: 'lockout' | 'continue';
  readonly rememberEsmtp: boolean;
  readonly policy: ServerTlsPolicy;
  /** Somebody must use TLS. */
  readonly requiresHosts: boolean;
  /** The option by which somebody is offered TLS, or must use it, whether there is a certificate or not; else `null`. */
  readonly promisesTls: string | null;
}

/** TLS 1.3 suites, then what RFC 9325 §4.2 recommends for TLS 1.2; the last only so that old clients do not go clear. */
const DEFAULT_CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE+AESGCM',
  'ECDHE+CHACHA20',
  'DHE+AESGCM',
  'DHE+CHACHA20',
  'ECDHE+AES',
].join(':');

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const satisfies readonly SecureVersion[];

const OLD_VERSIONS = ['TLSv1', 'TLSv1.1'] as const satisfies readonly SecureVersion[];

const NAMES: readonly (keyof ServerTlsOptions)[] = [
  ...CREDENTIAL_NAMES,
  'advertiseHosts',
  'requireHosts',
  'verifyHosts',
  'tryVerifyHosts',
  'resumeClearHosts',
  'hostLists',
  'minVersion',
  'maxVersion',
  'dangerouslyAllowTlsVersion',
  'handshakeTimeoutMs',
  'alpn',
  'onConnectPorts',
  'ticketSecret',
  'whenUnavailable',
  'rememberEsmtp',
];

/** Where they belong, for who gives them beside `tls`. */
export const MISPLACED: Hints = Object.fromEntries(NAMES.map((name) => [name, `tls.${name}`]));

const HINTS = {
  cert: 'tls.certificate',
  key: 'tls.privateKey',
  ca: 'tls.verifyCertificates',
  ciphers: 'tls.requireCiphers',
  ALPNProtocols: 'tls.alpn',
  ticketKeys: 'tls.ticketSecret',
  handshakeTimeout: 'tls.handshakeTimeoutMs',
  rejectUnauthorized: 'tls.verifyHosts',
  requestCert: 'tls.tryVerifyHosts',
  SNICallback: 'tls.certificate with perSni()',
};

/**
 * @throws {OptionError} for an unknown name or a value that cannot be meant
 * @throws {HostListSyntaxError} that names option and item
 */
export function serverTlsSettings(given: ServerTlsOptions | undefined): ServerTlsSettings {
  const options = checkedOptions('tls', given, NAMES, HINTS);
  credentialSettings(options); // the store reads them for itself; what cannot be meant is refused here already
  const { alpn = ['smtp', 'esmtp'], onConnectPorts = [], rememberEsmtp = false } = options;
  if (!Array.isArray(alpn) || !alpn.every((name) => typeof name === 'string' && /^[!-~]{1,255}$/.test(name))) {
    throw new OptionError('tls.alpn', 'must be a list of protocol names of 1 to 255 octets');
  }
  if (!Array.isArray(onConnectPorts)) throw new OptionError('tls.onConnectPorts', 'must be a list of ports');
  for (const port of onConnectPorts) wholeNumber('tls.onConnectPorts', port, 0, 1, 65_535);
  if (typeof rememberEsmtp !== 'boolean') throw new OptionError('tls.rememberEsmtp', 'must be true or false');
  const minVersion = oldestVersion(options);
  const maxVersion = oneOf('tls.maxVersion', options.maxVersion, 'TLSv1.3', VERSIONS);
  if (minVersion > maxVersion) throw new OptionError('tls.minVersion', 'is above tls.maxVersion');
  return {
    credentials: Object.fromEntries(
      CREDENTIAL_NAMES.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
    ),
    minVersion,
    maxVersion,
    ciphers: DEFAULT_CIPHERS,
    alpn,
    onConnectPorts,
    tickets: new TicketKeys(options.ticketSecret ?? randomBytes(32)), // RFC 9325 §3.4
    handshakeTimeoutMs: wholeNumber('tls.handshakeTimeoutMs', options.handshakeTimeoutMs, 30_000, 1, 3_600_000),
    whenUnavailable: oneOf('tls.whenUnavailable', options.whenUnavailable, 'lockout', ['lockout', 'continue']),
    rememberEsmtp,
    policy: new ServerTlsPolicy(options),
    requiresHosts: options.requireHosts !== undefined,
    promisesTls: promisesTls(options),
  };
}

function oldestVersion({ minVersion, dangerouslyAllowTlsVersion: old }: ServerTlsOptions): SecureVersion {
  if (old === undefined) return oneOf('tls.minVersion', minVersion, 'TLSv1.2', VERSIONS);
  const option = 'tls.dangerouslyAllowTlsVersion';
  if (minVersion !== undefined) throw new OptionError(option, 'and tls.minVersion exclude each other');
  return oneOf<SecureVersion>(option, old, 'TLSv1.2', OLD_VERSIONS);
}

function promisesTls({ advertiseHosts, requireHosts }: ServerTlsOptions): string | null {
  if (advertiseHosts !== undefined) return 'tls.advertiseHosts';
  return requireHosts === undefined ? null : 'tls.requireHosts';
}
