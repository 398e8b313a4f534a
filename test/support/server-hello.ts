/** What a server of TLS 1.2 has agreed to, as it says in clear (RFC 5246 §7.4.1.3). */
export interface ServerHello {
  readonly compression: number;
  /** Their numbers. */
  readonly extensions: readonly number[];
}

/** From the record and the handshake header to the session id: 5 + 4 octets, the version, 32 of random. */
const SESSION_ID_AT = 5 + 4 + 2 + 32;

/** @throws where it is none */
export function readServerHello(octets: Buffer): ServerHello {
  if (octets[0] !== 22 || octets[5] !== 2) throw new Error(`no ServerHello: ${octets.toString('hex', 0, 16)}`);
  const compressionAt = SESSION_ID_AT + 1 + (octets[SESSION_ID_AT] ?? 0) + 2;
  const extensions: number[] = [];
  let at = compressionAt + 3;
  const end = at + octets.readUInt16BE(compressionAt + 1);
  while (at < end) {
    extensions.push(octets.readUInt16BE(at));
    at += 4 + octets.readUInt16BE(at + 2);
  }
  return { compression: octets[compressionAt] ?? -1, extensions };
}

/** @returns a ClientHello that offers DEFLATE as well (RFC 3749), which no client of Node's does */
export function withCompression(hello: Buffer): Buffer {
  const suitesAt = SESSION_ID_AT + 1 + (hello[SESSION_ID_AT] ?? 0);
  const methodsAt = suitesAt + 2 + hello.readUInt16BE(suitesAt);
  if (hello[methodsAt] !== 1 || hello[methodsAt + 1] !== 0) throw new Error('no ClientHello that offers nothing else');
  const more = Buffer.concat([hello.subarray(0, methodsAt), Buffer.from([2, 1, 0]), hello.subarray(methodsAt + 2)]);
  more.writeUInt16BE(more.length - 5, 3);
  more.writeUIntBE(more.length - 9, 6, 3);
  return more;
}
