import { hostname } from 'node:os';
import type { PemSource } from '../credentials/source.js';
import { OptionError } from '../errors.js';
import { checkedOptions, oneOf, wholeNumber } from '../options.js';

/** The `tls` object of {@link SmtpTransport}. */
export interface TransportTlsOptions {
  /**
   * Exim tls_verify_certificates: whom to trust, an absolute path or PEM text. Once set, every host must verify, and its
   * name is checked. Without it the connection is encrypted and nobody's identity is proven.
   */
  readonly verifyCertificates?: PemSource;
}

/** How long to wait, in milliseconds. Defaults are those of RFC 5321 §4.5.3.2. */
export interface Timeouts {
  readonly connectMs: number;
  readonly greetingMs: number;
  readonly handshakeMs: number;
  readonly commandMs: number;
  readonly dataBlockMs: number;
  readonly finalDotMs: number;
  readonly quitMs: number;
}

export interface SmtpTransportOptions {
  readonly tls?: TransportTlsOptions;
  /** `smtps`: TLS before anything else (RFC 8314 §3.3). Default `smtp`: STARTTLS. */
  readonly protocol?: 'smtp' | 'smtps';
  /** What to say in EHLO. Default: this host's name. */
  readonly name?: string;
  readonly timeouts?: Partial<Timeouts>;
}

export interface TransportSettings {
  readonly protocol: 'smtp' | 'smtps';
  readonly name: string;
  readonly verifyCertificates: PemSource | null;
  readonly timeouts: Timeouts;
}

const TIMEOUTS: Timeouts = {
  connectMs: 60_000,
  greetingMs: 5 * 60_000,
  handshakeMs: 60_000,
  commandMs: 5 * 60_000,
  dataBlockMs: 3 * 60_000,
  finalDotMs: 10 * 60_000,
  quitMs: 5_000,
};

const TIMEOUT_NAMES = Object.keys(TIMEOUTS) as (keyof Timeouts)[];

/** @throws {OptionError} */
export function transportSettings(given: SmtpTransportOptions | undefined): TransportSettings {
  refuseAuth(given);
  const options = checkedOptions('', given, ['tls', 'protocol', 'name', 'timeouts'], { secure: "protocol: 'smtps'" });
  const tls = checkedOptions('tls', options.tls, ['verifyCertificates'], { ca: 'tls.verifyCertificates' });
  const timeouts: Record<string, number> = {};
  const given_ = checkedOptions<Partial<Timeouts>>('timeouts', options.timeouts, TIMEOUT_NAMES);
  for (const name of TIMEOUT_NAMES) {
    timeouts[name] = wholeNumber(`timeouts.${name}`, given_[name], TIMEOUTS[name], 1, 86_400_000);
  }
  const { name = hostname() } = options;
  if (typeof name !== 'string' || !/^[!-~]{1,255}$/.test(name))
    throw new OptionError('name', 'must be printable, without spaces');
  const trusted = tls.verifyCertificates;
  if (trusted !== undefined && typeof trusted !== 'string' && !Buffer.isBuffer(trusted)) {
    throw new OptionError('tls.verifyCertificates', 'must be an absolute path or PEM text'); // null is not the same as unset
  }
  return {
    protocol: oneOf('protocol', options.protocol, 'smtp', ['smtp', 'smtps']),
    name,
    verifyCertificates: trusted ?? null,
    timeouts: { ...TIMEOUTS, ...timeouts },
  };
}

/** Whoever gives a password means that it is used: a server that wants one would answer with 530, and nobody would know why. */
function refuseAuth(given: SmtpTransportOptions | undefined): void {
  if (typeof given !== 'object' || given === null || !Object.hasOwn(given, 'auth')) return;
  throw new OptionError(
    'auth',
    'is not there yet: SmtpTransport cannot log in. Deliver to hosts that take mail without (an MX, or a relay that knows ' +
      'this host by its address)',
  );
}
