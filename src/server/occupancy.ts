import { network, readAddress } from '../hostlist/address.js';
import type { Peer } from '../peer.js';

/** A host with IPv6 has a network of 64 bits to itself (RFC 4291 §2.5.4), and a new address for each connection if it likes. */
const IPV6_PREFIX = 64;

/**
 * Counts connections by where they come from: an IPv4 address (mapped ones too), or an IPv6 network of 64 bits. A peer without
 * address, behind a UNIX socket, is not counted.
 */
export class Occupancy {
  readonly #max: number;
  readonly #counts = new Map<string, number>();

  constructor(max: number) {
    this.#max = max;
  }

  /** @returns what gives the place back; `null` where the peer has as many as it may */
  enter(peer: Peer): (() => void) | null {
    const place = this.#max === Number.POSITIVE_INFINITY ? null : placeOf(peer);
    if (place === null) return nothing;
    const count = this.#counts.get(place) ?? 0;
    if (count >= this.#max) return null;
    this.#counts.set(place, count + 1);
    return () => this.#leave(place);
  }

  /** How many places somebody comes from. */
  get size(): number {
    return this.#counts.size;
  }

  #leave(place: string): void {
    const count = this.#counts.get(place) ?? 0;
    if (count > 1) this.#counts.set(place, count - 1);
    else this.#counts.delete(place);
  }
}

const nothing = (): void => {};

function placeOf({ address: text }: Peer): string | null {
  if (text === undefined) return null;
  const address = readAddress(text);
  if (address === null) return text;
  return (address.length === 1 ? address : network(address, IPV6_PREFIX).address.slice(0, 2)).join('.');
}
