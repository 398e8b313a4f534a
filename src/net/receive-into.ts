import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';

/** What Node keeps for `onread`, under symbols of its own. */
interface OnRead {
  readonly buffer: symbol;
  readonly callback: symbol;
}

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
  if (!(socket instanceof TLSSocket)) return false;
  const { _parent: raw, _handle: handle } = socket as unknown as Internals;
  if (!(raw instanceof Socket) || typeof handle?.useUserBuffer !== 'function') return false;
  onRead ??= found(socket);
  if (onRead === 'missing') return false;
  const early: Buffer | null = socket.read();
  if (early !== null) received(early);
  let chunk = memory;
  const kept: Record<symbol, unknown> = socket as unknown as Record<symbol, unknown>;
  kept[onRead.buffer] = memory;
  kept[onRead.callback] = (octets: number): boolean => {
    if (chunk.length !== octets) chunk = memory.subarray(0, octets); // in bulk one record is as long as the next
    received(chunk);
    return true;
  };
  handle.useUserBuffer(memory);
  // A paused stream holds a client back by what it has in its buffer, which is not used any more: Node goes on reading.
  if (socket.isPaused()) socket.pause();
  return true;
}

interface Internals {
  readonly _parent?: unknown;
  readonly _handle?: { readonly useUserBuffer?: (memory: Buffer) => void } | null;
}

let onRead: OnRead | 'missing' | null = null;

function found(socket: Socket): OnRead | 'missing' {
  const symbols = Object.getOwnPropertySymbols(socket);
  const buffer = symbols.find(({ description }) => description === 'kBuffer');
  const callback = symbols.find(({ description }) => description === 'kBufferCb');
  return buffer === undefined || callback === undefined ? 'missing' : { buffer, callback };
}
