import { type Address, lastAddress, type Network, network } from './address.js';

/** The position of an item that is not there: behind all others, so that the least position wins. */
export const NOWHERE = 0x7fffffff;

/** A network of the list and where in the list it stands. */
export interface PlacedNetwork {
  readonly network: Network;
  readonly position: number;
}

/** Bounds on the number of buckets, as powers of two. */
const [MIN_BUCKET_BITS, MAX_BUCKET_BITS] = [1, 16] as const;

/**
 * Finds the first of many networks that holds an address.
 *
 * Networks are nested or apart, never across each other. So the line of all addresses is cut where the answer changes, once,
 * and a look-up is a search on that line: its cost does not depend on how many prefix lengths there are, as it
 * would with a table for each.
 */
export class RangeIndex {
  readonly #width: number;
  /** Where each piece of the line begins, `width` words each, ascending; the first at 0. */
  readonly #starts: Uint32Array;
  /** The position of the first item that holds the piece. */
  readonly #positions: Int32Array;
  /** The leading bits that all networks share, and an address that has them: `2001:db8::/32` in many a list of IPv6. */
  readonly #shared: number;
  readonly #sample: Address;
  /** For the next bits: the last piece that begins at or before them. */
  readonly #buckets: Uint32Array;
  readonly #bucketBits: number;

  /** @param width - words of an address: 1 for IPv4, 4 for IPv6; all networks are of that width */
  constructor(width: 1 | 4, networks: readonly PlacedNetwork[]) {
    this.#width = width;
    const line = cut(width, networks);
    this.#starts = new Uint32Array(line.length * width);
    for (const [at, { start }] of line.entries()) this.#starts.set(start, at * width);
    this.#positions = Int32Array.from(line, (piece) => piece.position);
    const bits = Math.min(MAX_BUCKET_BITS, Math.max(MIN_BUCKET_BITS, Math.ceil(Math.log2(line.length))));
    this.#sample = networks[0]?.network.address ?? [];
    this.#shared = Math.min(sharedBits(networks), width * 32 - bits);
    this.#bucketBits = bits;
    this.#buckets = new Uint32Array(2 ** bits + 1).fill(line.length - 1);
    let piece = 0;
    for (let bucket = 0; bucket < 2 ** bits; bucket++) {
      const start = withBits(this.#sample, this.#shared, bits, bucket);
      while (piece + 1 < line.length && !this.#isAfter(piece + 1, start)) piece++;
      this.#buckets[bucket] = piece;
    }
    // The last bucket ends where the shared bits do, not where the line does.
    const end = lastAddress(network(this.#sample, this.#shared));
    while (piece + 1 < line.length && !this.#isAfter(piece + 1, end)) piece++;
    this.#buckets[2 ** bits] = piece;
  }

  /** @returns the least position of a network that holds the address, or {@link NOWHERE} */
  find(address: Address): number {
    let low = 0;
    let high = this.#positions.length - 1;
    if (isWithin(address, this.#sample, this.#shared)) {
      const bucket = bitsAt(address, this.#shared, this.#bucketBits);
      low = this.#buckets[bucket] ?? 0;
      high = this.#buckets[bucket + 1] ?? 0;
    }
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#isAfter(middle, address)) high = middle - 1;
      else low = middle;
    }
    return this.#positions[low] ?? NOWHERE;
  }

  /** Whether a piece begins behind the address. */
  #isAfter(piece: number, address: Address): boolean {
    const from = piece * this.#width;
    for (let at = 0; at < this.#width; at++) {
      const difference = (this.#starts[from + at] ?? 0) - (address[at] ?? 0);
      if (difference !== 0) return difference > 0;
    }
    return false;
  }
}

/** How many leading bits the networks have in common, as far as each of them is long. */
function sharedBits(networks: readonly PlacedNetwork[]): number {
  const [first] = networks;
  if (first === undefined) return 0;
  let shared = first.network.prefix;
  for (const {
    network: { address, prefix },
  } of networks) {
    shared = Math.min(shared, prefix);
    while (!isWithin(address, first.network.address, shared)) shared--;
  }
  return shared;
}

/** Whether the first `bits` bits of two addresses are the same. */
function isWithin(address: Address, other: Address, bits: number): boolean {
  const words = bits >>> 5;
  for (let at = 0; at < words; at++) if (address[at] !== other[at]) return false;
  const rest = bits & 31;
  return rest === 0 || ((address[words] ?? 0) ^ (other[words] ?? 0)) >>> (32 - rest) === 0;
}

/** The number in `count` bits from bit `from` on; `count` is at most 16. */
function bitsAt(address: Address, from: number, count: number): number {
  const word = from >>> 5;
  const skip = from & 31;
  const tail = skip === 0 ? 0 : (address[word + 1] ?? 0) >>> (32 - skip);
  return (((address[word] ?? 0) << skip) | tail) >>> (32 - count);
}

/** The first `from` bits of `address`, the number behind them, and zeros. */
function withBits(address: Address, from: number, count: number, value: number): Address {
  const words = [...network(address, from).address];
  for (let bit = 0; bit < count; bit++) {
    if (((value >>> (count - 1 - bit)) & 1) === 0) continue;
    const at = from + bit;
    words[at >>> 5] = ((words[at >>> 5] ?? 0) | (1 << (31 - (at & 31)))) >>> 0;
  }
  return words;
}

interface Piece {
  readonly start: Address;
  readonly position: number;
}

/** Cuts the line of addresses into pieces of one answer each. */
function cut(width: number, networks: readonly PlacedNetwork[]): Piece[] {
  const line: Piece[] = [{ start: new Array<number>(width).fill(0), position: NOWHERE }];
  const open: { readonly end: Address; readonly position: number }[] = [];
  const add = (start: Address, position: number): void => {
    const last = line.at(-1);
    if (last !== undefined && compare(last.start, start) === 0) line.pop();
    if (line.at(-1)?.position !== position) line.push({ start, position });
  };
  const close = (): void => {
    const behind = successor(open.pop()?.end ?? []);
    if (behind !== null) add(behind, open.at(-1)?.position ?? NOWHERE);
  };
  for (const { network: next, position } of outerFirst(networks)) {
    for (let top = open.at(-1); top !== undefined && compare(top.end, next.address) < 0; top = open.at(-1)) close();
    const least = Math.min(open.at(-1)?.position ?? NOWHERE, position);
    add(next.address, least);
    open.push({ end: lastAddress(next), position: least });
  }
  while (open.length > 0) close();
  return line;
}

/** By their first address, a network before those inside it. */
function outerFirst(networks: readonly PlacedNetwork[]): PlacedNetwork[] {
  return [...networks].sort(
    (one, other) => compare(one.network.address, other.network.address) || one.network.prefix - other.network.prefix,
  );
}

function compare(one: Address, other: Address): number {
  for (let at = 0; at < one.length; at++) {
    const difference = (one[at] ?? 0) - (other[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The address behind; `null` behind the last of all. */
function successor(address: Address): Address | null {
  const next = [...address];
  for (let at = next.length - 1; at >= 0; at--) {
    next[at] = ((next[at] ?? 0) + 1) >>> 0;
    if (next[at] !== 0) return next;
  }
  return null;
}
