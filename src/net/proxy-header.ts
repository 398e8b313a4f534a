import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import { type Peer, plainAddress } from '../peer.js';

/** A header that was read whole. */
export interface ProxyHeader {
  /** How many octets it took; what follows them is the client's. */
  readonly octets: number;
  /** The connection that the proxy accepted; `null`: it speaks for itself, or says nothing that means something here. */
  readonly peer: Peer | null;
}

/** What is wrong with a header, in words. They are ours: none of the octets is among them. */
export type ProxyHeaderFault =
  | 'it is no PROXY header'
  | 'its line is too long'
  | 'its line is malformed'
  | 'its version is unknown'
  | 'its command is unknown'
  | 'its address family is unknown'
  | 'it is too short for its addresses'
  | 'it is too long';

/** Of a version 1 line, its CRLF included (proxy-protocol.txt §2.1). */
const MAX_LINE_OCTETS = 107;
const LINE_BEGIN = Buffer.from('PROXY ');

/** proxy-protocol.txt §2.2 */
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** Signature, version and command, family, length. */
const FIXED_OCTETS = 16;
/** Of addresses and TLVs together: ten times what a certificate's name and a few identifiers need. */
const MAX_REST_OCTETS = 4_096;

/** What the addresses of a family take (proxy-protocol.txt §2.2), by the high half of the octet. */
const ADDRESS_OCTETS: readonly number[] = [0, 12, 36, 216];
const INET = 1;
const INET6 = 2;
const STREAM = 1;

/** `PROXY TCP4 192.0.2.1 198.51.100.1 56324 25`; nothing else is between the words (proxy-protocol.txt §2.1). */
const LINE = /^PROXY (TCP4|TCP6) ([0-9A-Fa-f.:]{2,45}) ([0-9A-Fa-f.:]{2,45}) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})$/;

/**
 * Reads what a proxy sends before the client's first octet: version 1 (a line) or 2 (octets).
 *
 * @param octets - all that has come so far
 * @returns `more`: nothing is wrong with it so far, and it is not whole
 * @see haproxy's proxy-protocol.txt; Exim hosts_proxy
 */
export function readProxyHeader(octets: Buffer): ProxyHeader | ProxyHeaderFault | 'more' {
  if (begins(octets, LINE_BEGIN)) return octets.length < LINE_BEGIN.length ? 'more' : readLine(octets);
  if (begins(octets, SIGNATURE)) return octets.length < FIXED_OCTETS ? 'more' : readOctets(octets);
  return 'it is no PROXY header';
}

/** Whether they are the same as far as both go. */
function begins(octets: Buffer, begin: Buffer): boolean {
  const length = Math.min(octets.length, begin.length);
  return octets.compare(begin, 0, length, 0, length) === 0;
}

function readLine(octets: Buffer): ProxyHeader | ProxyHeaderFault | 'more' {
  const end = octets.subarray(0, MAX_LINE_OCTETS).indexOf('\r\n');
  if (end === -1) return octets.length < MAX_LINE_OCTETS ? 'more' : 'its line is too long';
  const line = octets.toString('latin1', 0, end);
  const header = { octets: end + 2 };
  // UNKNOWN: whatever else the line says is to be ignored.
  if (line === 'PROXY UNKNOWN' || line.startsWith('PROXY UNKNOWN ')) return { ...header, peer: null };
  const [, family, address = '', localAddress = '', port, localPort] = LINE.exec(line) ?? [];
  const isAddress = family === 'TCP4' ? isIPv4 : isIPv6;
  if (!isAddress(address) || !isAddress(localAddress)) return 'its line is malformed';
  if (Number(port) > 65_535 || Number(localPort) > 65_535) return 'its line is malformed';
  return { ...header, peer: peerFrom(address, localAddress, Number(port), Number(localPort)) };
}

function readOctets(octets: Buffer): ProxyHeader | ProxyHeaderFault | 'more' {
  const command = octets.readUInt8(12);
  const family = octets.readUInt8(13);
  const rest = octets.readUInt16BE(14);
  // "Receivers must drop connections presenting unexpected values here" (proxy-protocol.txt §2.2), of all three.
  if (command >> 4 !== 2) return 'its version is unknown';
  if ((command & 0xf) > 1) return 'its command is unknown';
  const addressOctets = ADDRESS_OCTETS[family >> 4];
  if (addressOctets === undefined || (family & 0xf) > 2) return 'its address family is unknown';
  if (rest > MAX_REST_OCTETS) return 'it is too long';
  // LOCAL: the proxy itself, which looks whether we are well. What is said of addresses is to be thrown away.
  const local = (command & 0xf) === 0;
  if (!local && rest < addressOctets) return 'it is too short for its addresses';
  if (octets.length < FIXED_OCTETS + rest) return 'more';
  const header = { octets: FIXED_OCTETS + rest };
  const overTcp = (family & 0xf) === STREAM && (family >> 4 === INET || family >> 4 === INET6);
  if (local || !overTcp) return { ...header, peer: null }; // datagrams and UNIX sockets: as UNSPEC, the text says
  return { ...header, peer: peerAt(octets, family >> 4 === INET ? 4 : 16) };
}

/** Both addresses, then both ports; TLVs may follow, and nobody here asks for one. */
function peerAt(octets: Buffer, size: 4 | 16): Peer {
  const text = (at: number): string => addressText(octets.subarray(at, at + size));
  const ports = FIXED_OCTETS + 2 * size;
  return peerFrom(
    text(FIXED_OCTETS),
    text(FIXED_OCTETS + size),
    octets.readUInt16BE(ports),
    octets.readUInt16BE(ports + 2),
  );
}

function addressText(octets: Buffer): string {
  if (octets.length === 4) return octets.join('.');
  const groups = Array.from({ length: 8 }, (_none, index) => octets.readUInt16BE(2 * index).toString(16));
  return groups.join(':');
}

/** One address has one text, or a limit per address would not be one. */
function oneText(address: string): string {
  return isIPv6(address) ? plainAddress(new SocketAddress({ address, family: 'ipv6' }).address) : address;
}

/** A port of 0 is none. */
function peerFrom(address: string, localAddress: string, port: number, localPort: number): Peer {
  return {
    address: oneText(address),
    localAddress: oneText(localAddress),
    ...(port > 0 && { port }),
    ...(localPort > 0 && { localPort }),
  };
}
