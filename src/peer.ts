import { isIPv4, type Socket } from 'node:net';
import { OptionError } from './errors.js';

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
 * @throws {OptionError} for what is no socket: nothing would be known of it, and it would pass for a local session
 */
export function peerOf(socket: Socket): Peer {
  if (typeof socket !== 'object' || socket === null || Array.isArray(socket)) {
    throw new OptionError('socket', 'must be a net.Socket');
  }
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  const peer: { -readonly [Field in keyof Peer]: Peer[Field] } = {};
  if (remoteAddress !== undefined) peer.address = plainAddress(remoteAddress);
  if (remotePort !== undefined) peer.port = remotePort;
  if (localAddress !== undefined) peer.localAddress = plainAddress(localAddress);
  if (localPort !== undefined) peer.localPort = localPort;
  return peer;
}

/**
 * Refuses what a program took for a peer and is none: an address as text, a socket. It would be read as a peer without an
 * address, a local session, and many a list says yes to that.
 *
 * @throws {OptionError} that says what is expected
 */
export function assertPeer(peer: unknown): asserts peer is Peer {
  if (typeof peer !== 'object' || peer === null || Array.isArray(peer)) {
    throw new OptionError('peer', "must be an object such as { address: '192.0.2.1' }; peerOf(socket) makes one");
  }
  const { address, name } = peer as { readonly address?: unknown; readonly name?: unknown };
  if (address !== undefined && typeof address !== 'string') {
    throw new OptionError('peer.address', 'must be text, or left out for a local session; peerOf(socket) makes a peer');
  }
  if (name !== undefined && typeof name !== 'string') throw new OptionError('peer.name', 'must be text, or left out');
}
