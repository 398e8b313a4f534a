import ipaddr from 'ipaddr.js';

/** An address as unsigned 32-bit words: one of them is IPv4, four are IPv6. An IPv4-mapped IPv6 address is IPv4. */
export type Address = readonly number[];

/** All addresses that begin with the first `prefix` bits of `address`, whose other bits are 0. */
export interface Network {
  readonly address: Address;
  readonly prefix: number;
}

const MAPPED_PREFIX = 96;

/**
 * Reads an address, of a peer or of a list: one reader for both, so that they cannot disagree.
 * Strict: it takes what `net.isIP()` takes (not `010.0.0.1`, not `1.2.3`). A zone (`fe80::1%eth0`) is read over.
 *
 * It runs for every connection, and `ipaddr.js` takes ten times as long; that also reads `::192.0.2.1` as IPv4-mapped.
 *
 * @returns `null` where the text is no address
 */
export function readAddress(text: string): Address | null {
  const value = readIPv4(text, 0, text.length);
  return value === -1 ? readIPv6(text) : [value];
}

const ADDRESS =
  'an IPv4 address of four decimal numbers without leading zeros, or an IPv6 address; a network has /bits behind it';

/** What is left of `2001:db8::1` where a single colon ends an item, and a doubled one is one of its own. */
const PIECE_OF_IPV6 = /^[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*$/i;
const COLONS =
  '. In a list that is one text a colon ends an item: double those of IPv6, begin with <; or give an array';

/**
 * Reads an address or a network of a list: `192.0.2.1`, `10.0.0.0/8`, `2001:db8::/32`. Host bits are cut off.
 * A mapped network (`::ffff:10.0.0.0/104`) is one of IPv4, for a peer is never seen in that form.
 *
 * @returns a text that says what was expected, where it is none
 */
export function readNetwork(text: string): Network | string {
  const slash = text.indexOf('/');
  const [host, bits] = slash === -1 ? [text, ''] : [text.slice(0, slash), text.slice(slash + 1)];
  if (host.includes('%')) return 'an address without a zone';
  const address = readAddress(host);
  if (address === null) return `${ADDRESS}${PIECE_OF_IPV6.test(text) ? COLONS : ''}`;
  const longest = host.includes(':') ? 128 : 32;
  if (slash !== -1 && (!/^(?:0|[1-9]\d{0,2})$/.test(bits) || Number(bits) > longest)) {
    return `a number of bits from 0 to ${longest} behind the slash`;
  }
  const prefix = slash === -1 ? longest : Number(bits);
  const isMapped = longest === 128 && address.length === 1;
  if (!isMapped) return network(address, prefix);
  return prefix < MAPPED_PREFIX
    ? network([0, 0, 0xffff, ...address], prefix)
    : network(address, prefix - MAPPED_PREFIX);
}

/** The last address of a network, word for word. */
export function lastAddress({ address, prefix }: Network): number[] {
  return address.map((word, at) => (word | ~mask(prefix, at)) >>> 0);
}

export function addressText(address: Address): string {
  const bytes = address.flatMap((word) => [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255]);
  return ipaddr.fromByteArray(bytes).toString();
}

/** As one writes it: `10.0.0.0/8`, and a single address without its bits. */
export function networkText(network: Network): string {
  return `${addressText(network.address)}${isSingle(network) ? '' : `/${network.prefix}`}`;
}

/** Whether a network is one address. */
export function isSingle({ address, prefix }: Network): boolean {
  return prefix === address.length * 32;
}

export function sameAddress(one: Address, other: Address): boolean {
  return one.length === other.length && one.every((word, at) => word === other[at]);
}

/** Cuts the host bits off. */
export function network(address: Address, prefix: number): Network {
  return { address: address.map((word, at) => (word & mask(prefix, at)) >>> 0), prefix };
}

/** The network bits of word `at`. A shift by 32 would be one by 0. */
function mask(prefix: number, at: number): number {
  const bits = Math.min(32, Math.max(0, prefix - 32 * at));
  return bits === 0 ? 0 : (-1 << (32 - bits)) >>> 0;
}

/** @returns -1 where `text[from, to)` is no dotted quad */
function readIPv4(text: string, from: number, to: number): number {
  if (to - from > 15) return -1;
  let value = 0;
  let octet = 0;
  let digits = 0;
  let dots = 0;
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x2e) {
      if (digits === 0 || ++dots > 3) return -1;
      value = (value << 8) | octet;
      octet = 0;
      digits = 0;
    } else {
      if (code < 0x30 || code > 0x39 || (digits > 0 && octet === 0)) return -1; // 010: octal to some, decimal to others
      octet = octet * 10 + code - 0x30;
      if (octet > 255) return -1;
      digits++;
    }
  }
  return dots === 3 && digits > 0 ? ((value << 8) | octet) >>> 0 : -1;
}

/** RFC 4291 §2.2: eight groups, one run of zeros as `::`, the last two groups perhaps as a dotted quad. */
function readIPv6(text: string): Address | null {
  const zone = text.indexOf('%');
  if (zone !== -1 && zone === text.length - 1) return null;
  const end = zone === -1 ? text.length : zone;
  const groups = [0, 0, 0, 0, 0, 0, 0, 0];
  const isOpen = text.startsWith('::');
  let at = isOpen ? 2 : 0;
  let count = 0;
  let gap = isOpen ? 0 : -1;
  while (at < end) {
    const start = at;
    let value = 0;
    for (; at < end; at++) {
      const digit = hexDigit(text.charCodeAt(at));
      if (digit === -1) break;
      value = value * 16 + digit;
    }
    if (at < end && text.charCodeAt(at) === 0x2e) {
      const tail = readIPv4(text, start, end);
      if (tail === -1 || count > 6) return null;
      groups[count++] = tail >>> 16;
      groups[count++] = tail & 0xffff;
      break;
    }
    if (at === start || at - start > 4 || count === 8) return null;
    groups[count++] = value;
    if (at === end) break;
    if (text.charCodeAt(at++) !== 0x3a || at === end) return null;
    if (text.charCodeAt(at) !== 0x3a) continue;
    if (gap !== -1) return null;
    gap = count;
    at++;
  }
  if (gap === -1 ? count !== 8 : count > 7) return null;
  if (gap !== -1) spread(groups, count, gap);
  return joined(groups);
}

/** Moves the groups behind `::` to the end. */
function spread(groups: number[], count: number, gap: number): void {
  for (let from = count - 1, to = 7; from >= gap; from--, to--) {
    groups[to] = groups[from] ?? 0;
    groups[from] = 0;
  }
}

function joined(groups: readonly number[]): Address {
  const word = (at: number): number => (groups[at] ?? 0) * 65_536 + (groups[at + 1] ?? 0);
  const first = word(0);
  const second = word(2);
  const third = word(4);
  if (first === 0 && second === 0 && third === 0xffff) return [word(6)];
  return [first, second, third, word(6)];
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
