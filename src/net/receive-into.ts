import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { onReadInto } from './on-read.js';
import { Resumable } from './resumable.js';

/**
 * Has a secured socket put what it receives into `memory`, which many sockets may share, in place of a new Buffer and a pass
 * through the stream for each record. What it had received before comes at once. `'end'`, `'error'`, `pause()` and `resume()`
 * are as ever, but that what is under way when it is paused still comes.
 *
 * Node offers it to clients as `onread`, and not for the server's side of TLS; docs/decisions/0004 says why it is used all the
 * same. Only where a TCP or UNIX socket lies below: its octets come from the event loop, never inside another's call.
 *
 * @param received - gets the part of `memory` that was written; it is written to again when this returns
 * @returns false where it cannot be had: the octets come as `'data'`
 */
export function receiveInto(socket: Duplex, memory: Buffer, received: (chunk: Buffer) => void): boolean {
  if (!(socket instanceof TLSSocket) || !standsOnSocket(socket)) return false;
  let chunk = memory;
  const had = onReadInto(socket, memory, (octets) => {
    if (chunk.length !== octets) chunk = memory.subarray(0, octets); // in bulk one record is as long as the next
    received(chunk);
    return true;
  });
  if (!had) return false;
  const early: Buffer | null = socket.read();
  if (early !== null) received(early);
  if (socket.isPaused()) socket.pause();
  return true;
}

/** These names are not documented; docs/decisions/0001 and 0004 say what becomes of it where one is missing. */
function standsOnSocket(socket: TLSSocket): boolean {
  const { _parent: raw, _handle: handle } = socket as unknown as Internals;
  if (raw instanceof Socket) return true;
  const between = handle?._parentWrap?.stream;
  return between instanceof Resumable && between.fromEventLoop;
}

interface Internals {
  readonly _parent?: unknown;
  readonly _handle?: { readonly _parentWrap?: { readonly stream?: unknown } } | null;
}
