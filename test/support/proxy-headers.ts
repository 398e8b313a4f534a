import { isIPv4 } from 'node:net';

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

/** The parts of a version 2 header; each can be wrong. */
export interface Version2 {
  readonly version?: number;
  /** 0 LOCAL, 1 PROXY. */
  readonly command?: number;
  /** The high half: 1 INET, 2 INET6, 3 UNIX; the low one: 1 STREAM, 2 DGRAM. */
  readonly family?: number;
  readonly rest?: Buffer;
}

export function version2({ version = 2, command = 1, family = 0x11, rest = Buffer.alloc(12) }: Version2 = {}): Buffer {
  const fixed = Buffer.alloc(4);
  fixed.writeUInt8((version << 4) | command, 0);
  fixed.writeUInt8(family, 1);
  fixed.writeUInt16BE(rest.length, 2);
  return Buffer.concat([SIGNATURE, fixed, rest]);
}

/** A header for a client over TCP. @param tlvs - what stands behind the addresses */
export function forClient(
  from: readonly [address: string, port: number],
  to: readonly [address: string, port: number],
  tlvs: Buffer = Buffer.alloc(0),
): Buffer {
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(from[1], 0);
  ports.writeUInt16BE(to[1], 2);
  const rest = Buffer.concat([octetsOf(from[0]), octetsOf(to[0]), ports, tlvs]);
  return version2({ family: isIPv4(from[0]) ? 0x11 : 0x21, rest });
}

/** @param address - IPv6 without `::` */
function octetsOf(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  return Buffer.from(
    address
      .split(':')
      .map((group) => group.padStart(4, '0'))
      .join(''),
    'hex',
  );
}
