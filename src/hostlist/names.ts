import { Resolver } from 'node:dns/promises';
import { OptionError } from '../errors.js';
import { type Address, addressText, readAddress, sameAddress } from './address.js';
import { hostName } from './host-name.js';
import { type Addresses, MAX_LOOKUPS, type Names } from './match.js';

/** Where names and addresses come from. Give your own to cache, to use a certain server, or in tests. */
export interface HostResolver {
  /**
   * The names in the PTR records of an address.
   *
   * @throws an error with `code`: `ENOTFOUND` and `ENODATA` say that there are none, anything else that nobody knows for now
   */
  reverse(address: string, signal: AbortSignal): Promise<readonly string[]>;
  /** The addresses of a name; it throws as `reverse` does. Addresses of the other `family` may be left out. */
  forward(name: string, signal: AbortSignal, family: 4 | 6): Promise<readonly string[]>;
}

/**
 * The resolver that is used where none is given: queries to name servers, which can be cancelled. It does not read
 * /etc/hosts: that would go through the thread pool, which reads files too and has four threads.
 *
 * @param servers - addresses with or without port, as dns.setServers() takes them; default: those of the system
 * @throws {OptionError} for what is no list of addresses
 */
export function dnsResolver(servers?: readonly string[]): HostResolver {
  assertServers(servers);
  return {
    reverse: (address, signal) => query(servers, signal, (resolver) => resolver.reverse(address)),
    forward: (name, signal, family) =>
      query(servers, signal, (resolver) => (family === 4 ? resolver.resolve4(name) : resolver.resolve6(name))),
  };
}

/** Now, and not by the first question, whose list would be undecided then. */
function assertServers(servers: readonly string[] | undefined): void {
  try {
    if (servers !== undefined) new Resolver().setServers(servers);
  } catch {
    throw new OptionError('servers', "must be a list of addresses such as ['192.0.2.53', '[2001:db8::53]:53']");
  }
}

/** A resolver of its own for each query, for cancel() ends all that one has under way. */
async function query<T>(
  servers: readonly string[] | undefined,
  signal: AbortSignal,
  ask: (resolver: Resolver) => Promise<T>,
): Promise<T> {
  const resolver = new Resolver();
  if (servers !== undefined) resolver.setServers(servers);
  const cancel = (): void => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    return await ask(resolver);
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

/** A list of names for one address is as long as its owner likes. */
const MAX_REVERSE_NAMES = 16;

const TIMED_OUT = new Error('no answer in time');

/** What DNS says about one peer, asked once, for as long as one match takes. */
export class Lookups {
  readonly #resolver: HostResolver;
  readonly #address: Address;
  readonly #text: string;
  readonly #signal: AbortSignal;
  readonly #addresses = new Map<string, Addresses>();
  #names: Names | undefined;
  #asked = 0;

  constructor(resolver: HostResolver, address: Address, signal: AbortSignal) {
    this.#resolver = resolver;
    this.#address = address;
    this.#text = addressText(address);
    this.#signal = signal;
  }

  get names(): Names | undefined {
    return this.#names;
  }

  addresses(name: string): Addresses | undefined {
    const known = this.#addresses.get(name);
    if (known !== undefined || this.#asked < MAX_LOOKUPS) return known;
    return { kind: 'defer', reason: `more than ${MAX_LOOKUPS} names would have to be looked up` };
  }

  /**
   * Asks for the peer's names and believes those alone whose addresses hold the peer: a PTR record is its owner's word
   * (Exim since 4.21). A name that cannot be confirmed for now leaves all undecided.
   */
  async askNames(): Promise<void> {
    this.#names = await this.#confirmedNames();
  }

  async askAddresses(name: string): Promise<void> {
    this.#asked++;
    this.#addresses.set(name, await this.#lookUp(name));
  }

  async #confirmedNames(): Promise<Names> {
    const reverse = await this.#ask((signal) => this.#resolver.reverse(this.#text, signal));
    if (reverse.kind !== 'found') {
      return { kind: reverse.kind, reason: `the name of the address cannot be had (${reverse.reason})` };
    }
    const names = [...new Set(reverse.values.map((name) => hostName(String(name))))].filter((name) => name !== null);
    if (names.length > MAX_REVERSE_NAMES) {
      return { kind: 'defer', reason: `the address has more than ${MAX_REVERSE_NAMES} names` };
    }
    const checked = await Promise.all(names.map((name) => this.#lookUp(name)));
    for (const [at, name] of names.entries()) this.#addresses.set(name, checked[at] ?? OTHER);
    const open = checked.find((one) => one.kind === 'defer');
    if (open?.kind === 'defer') return { kind: 'defer', reason: `the peer's name cannot be confirmed: ${open.reason}` };
    const confirmed = names.filter((_name, at) => checked[at]?.kind === 'peer');
    return confirmed.length > 0
      ? { kind: 'found', names: confirmed }
      : { kind: 'none', reason: 'no name of the address leads back to it' };
  }

  async #lookUp(name: string): Promise<Addresses> {
    const family = this.#address.length === 1 ? 4 : 6;
    const found = await this.#ask((signal) => this.#resolver.forward(name, signal, family));
    if (found.kind !== 'found') return { kind: found.kind, reason: `its addresses cannot be had (${found.reason})` };
    const addresses = found.values.map((text) => readAddress(String(text)));
    return addresses.some((one) => one !== null && sameAddress(one, this.#address)) ? PEER : OTHER;
  }

  async #ask(
    question: (signal: AbortSignal) => Promise<readonly string[]>,
  ): Promise<{ kind: 'found'; values: readonly string[] } | { kind: 'none' | 'defer'; reason: string }> {
    try {
      const values = await unlessAborted(this.#signal, async () => question(this.#signal));
      return values.length === 0 ? { kind: 'none', reason: 'ENODATA' } : { kind: 'found', values };
    } catch (error) {
      if (this.#signal.aborted && this.#signal.reason !== TIMED_OUT) throw this.#signal.reason;
      if (this.#signal.aborted) return { kind: 'defer', reason: TIMED_OUT.message };
      const code = codeOf(error);
      return { kind: code === 'ENOTFOUND' || code === 'ENODATA' ? 'none' : 'defer', reason: code };
    }
  }
}

const PEER: Addresses = { kind: 'peer' };
const OTHER: Addresses = { kind: 'other' };

/** The code of a system error or none of it: a message might hold anything. */
export function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{0,63}$/.test(code) ? code : 'no further code';
}

/** Whether a signal given by {@link within} was aborted by its own clock, and not by the caller. */
export function isTimedOut(signal: AbortSignal): boolean {
  return signal.aborted && signal.reason === TIMED_OUT;
}

/** Does some work under a signal that is aborted after a time, or when the caller's own signal is. */
export async function within<T>(
  timeoutMs: number,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  outer?.throwIfAborted();
  const controller = new AbortController();
  const abort = (): void => controller.abort(outer?.reason);
  const timer = setTimeout(() => controller.abort(TIMED_OUT), timeoutMs);
  outer?.addEventListener('abort', abort, { once: true });
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', abort);
  }
}

/** Waits for work that may not heed the signal itself. It rejects with the signal's reason. */
export async function unlessAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let abort = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
