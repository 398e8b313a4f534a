import { isIP } from 'node:net';
import { OptionError } from '../errors.js';
import { checkedOptions, wholeNumber } from '../options.js';
import { isDomainName, parsePath } from '../smtp/path.js';
import { type MessageSource, OutgoingMessage } from './message-source.js';

export interface DeliveryHost {
  /** Who has to be there: a name (its certificate is checked against SAN dNSName), or an address (SAN iPAddress). */
  readonly host: string;
  /** Where to connect, if not to what `host` resolves to. */
  readonly address?: string;
  /** Default 25; 465 for smtps. */
  readonly port?: number;
}

/** One message, and whom it goes to by which hosts. */
export interface Delivery {
  /** Tried in order, each for the recipients that no host before it took or refused for good. At least one. */
  readonly hosts: readonly DeliveryHost[];
  /** `from` empty: the null sender `<>`. All addresses in ASCII. */
  readonly envelope: { readonly from: string; readonly to: readonly string[] };
  readonly message: MessageSource;
  /** Ends the delivery: connections are cut, and {@link SmtpTransport.deliver} rejects with an {@link AbortError}. */
  readonly signal?: AbortSignal;
}

/** Where to connect, and who has to be there. */
export interface Target {
  readonly host: string;
  readonly address: string;
  readonly port: number;
}

export interface CheckedDelivery {
  readonly targets: readonly Target[];
  readonly from: string;
  readonly to: readonly string[];
  readonly message: OutgoingMessage;
  readonly signal: AbortSignal | null;
}

/**
 * Reads what a caller wants to be delivered, before anything is connected to.
 *
 * @throws {OptionError} that names what cannot be meant: an address that would be a command, a host that is none
 */
export function checkedDelivery(given: Delivery, defaultPort: number): CheckedDelivery {
  const known = ['hosts', 'envelope', 'message', 'signal'] as const;
  const { hosts, envelope, message, signal } = checkedOptions('', given, known, {
    host: 'hosts',
    from: 'envelope.from',
    to: 'envelope.to',
    text: 'message',
  });
  const { from, to } = checkedOptions('envelope', envelope, ['from', 'to']);
  if (!isAddress('FROM', from)) throw new OptionError('envelope.from', 'is no mail address in ASCII');
  for (const [index, address] of items('envelope.to', to).entries()) {
    if (!isAddress('TO', address)) throw new OptionError(`envelope.to[${index}]`, 'is no mail address in ASCII');
  }
  const targets = items('hosts', hosts).map((host, index) => target(`hosts[${index}]`, host, defaultPort));
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new OptionError('signal', 'must be an AbortSignal');
  }
  return { targets, from, to, message: new OutgoingMessage(message), signal: signal ?? null };
}

/** With CR, LF or `>` in it an address is a second command in disguise. */
function isAddress(keyword: 'FROM' | 'TO', address: unknown): boolean {
  if (typeof address !== 'string' || /[^ -~]/.test(address)) return false;
  return parsePath(keyword, `${keyword}:<${address}>`)?.address === address;
}

function items<T>(option: string, given: readonly T[]): readonly T[] {
  if (!Array.isArray(given)) throw new OptionError(option, 'must be an array');
  if (given.length === 0) throw new OptionError(option, 'is empty');
  return given;
}

function target(option: string, given: DeliveryHost, defaultPort: number): Target {
  const {
    host,
    address = host,
    port,
  } = checkedOptions(option, given, ['host', 'address', 'port'], {
    name: `${option}.host`,
    exchange: `${option}.host`,
  });
  for (const [name, value] of Object.entries({ host, address })) {
    if (!isHost(value)) throw new OptionError(`${option}.${name}`, 'is neither a host name in ASCII nor an address');
  }
  return { host, address, port: wholeNumber(`${option}.port`, port, defaultPort, 1, 65_535) };
}

/** A name may end with a dot, as look-ups give it; an IPv6 address may have a zone. */
function isHost(value: unknown): boolean {
  return typeof value === 'string' && (isIP(value) !== 0 || isDomainName(value.replace(/\.$/, '')));
}
