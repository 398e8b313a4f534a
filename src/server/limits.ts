import { checkedOptions, wholeNumber } from '../options.js';

/** What one client may use of the server. Octets, milliseconds, or a count. */
export interface Limits {
  /** A command line, its end included. Default 2,048 (RFC 5321 §4.5.3.1.4 asks for 512). Beyond: 500, close. */
  readonly maxCommandOctets: number;
  /** A line of AUTH: the command with its first response, or a response alone. Default 12,288 (RFC 4954 §4). Beyond: 500, close. */
  readonly maxAuthOctets: number;
  /** A message; told to clients as SIZE (RFC 1870). Default 50 MiB. Beyond: 552. */
  readonly maxMessageBytes: number;
  /** Recipients of one message. Default 1,000. Beyond: 452. */
  readonly maxRecipients: number;
  /**
   * Commands that were answered 5xx. Default 10; 3 before the client has greeted. Refusals by policy are forgiven when a message
   * is accepted, and those of recipients end no transaction. At the limit: 421, close.
   */
  readonly maxErrors: number;
  /** Commands since the last message. Default 100. Beyond: 421, close. */
  readonly maxIdleCommands: number;
  /** How long a whole command may take to arrive. Default 5 minutes (RFC 5321 §4.5.3.2.7). Then: 421, close. */
  readonly commandTimeoutMs: number;
  /** How long a client may pause inside a message. Default 3 minutes. Then: 421, close. */
  readonly dataTimeoutMs: number;
  /** How long a whole session may take. Default: any time. Then: 421, close. */
  readonly sessionTimeoutMs: number;
  /** How long a handler may take, or leave a message unread. Default 10 minutes. Then: 421 (onStartTls: 451), close. */
  readonly handlerTimeoutMs: number;
  /** Connections at once. Default 1,000. Beyond: 421, close. */
  readonly maxConnections: number;
  /** Connections at once from one IPv4 address, or from one IPv6 network of 64 bits. Default: any number. Beyond: 421, close. */
  readonly maxConnectionsPerAddress: number;
  /** TLS handshakes at once. Default 256. Beyond: 454. */
  readonly maxHandshakes: number;
}

/** Not limited. It is the default of some and cannot be set: nothing that was limited can be opened by mistake. */
const OFF = Number.POSITIVE_INFINITY;

const DEFAULTS: Limits = {
  maxCommandOctets: 2_048,
  maxAuthOctets: 12_288,
  maxMessageBytes: 50 * 1024 * 1024,
  maxRecipients: 1_000,
  maxErrors: 10,
  maxIdleCommands: 100,
  commandTimeoutMs: 5 * 60_000,
  dataTimeoutMs: 3 * 60_000,
  sessionTimeoutMs: OFF,
  handlerTimeoutMs: 10 * 60_000,
  maxConnections: 1_000,
  maxConnectionsPerAddress: OFF,
  maxHandshakes: 256,
};

const NAMES = Object.keys(DEFAULTS) as (keyof Limits)[];

const HINTS = {
  maxSize: 'limits.maxMessageBytes',
  size: 'limits.maxMessageBytes',
  maxClients: 'limits.maxConnections',
};

/** @throws {OptionError} for an unknown name or a value that is no positive whole number */
export function checkedLimits(given: Partial<Limits> | undefined): Limits {
  const options = checkedOptions<Partial<Limits>>('limits', given, NAMES, HINTS);
  const limits: Record<string, number> = {};
  for (const name of NAMES) {
    limits[name] = wholeNumber(`limits.${name}`, options[name], DEFAULTS[name], 1, Number.MAX_SAFE_INTEGER);
  }
  return Object.freeze({ ...DEFAULTS, ...limits });
}
