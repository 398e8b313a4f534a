import { isIPv4, type Socket } from 'node:net';

/** One end of a connection, as far as it is known. Without `address` it is a local session (a pipe, a UNIX socket). */
export interface Peer {
  /** The remote address, IPv4 or IPv6; an IPv4-mapped IPv6 address is given as IPv4. */
  readonly address?: string;
  readonly port?: number;
  readonly localAddress?: string;
  readonly localPort?: number;
  /** Client side: the name of the host that is being delivered to. */
  readonly name?: string;
}

const MAPPED = '::ffff:';

/** `::ffff:192.0.2.1` is 192.0.2.1: a dual-stack listener must not change what a host list sees. */
export function plainAddress(address: string): string {
  const tail = address.slice(MAPPED.length);
  return address.toLowerCase().startsWith(MAPPED) && isIPv4(tail) ? tail : address;
}

/**
 * Reads both ends of a connected socket. Ask early: a socket that has been reset no longer knows them.
 *
 * @returns ports are numbers from 1; fields that the socket does not know (a UNIX socket, a dead one) are absent
 */
export function peerOf(socket: Socket): Peer {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  const peer: { -readonly [Field in keyof Peer]: Peer[Field] } = {};
  if (remoteAddress !== undefined) peer.address = plainAddress(remoteAddress);
  if (remotePort !== undefined) peer.port = remotePort;
  if (localAddress !== undefined) peer.localAddress = plainAddress(localAddress);
  if (localPort !== undefined) peer.localPort = localPort;
  return peer;
}
