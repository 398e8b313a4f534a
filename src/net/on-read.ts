import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** What Node keeps for `onread`, under symbols of its own. */
interface OnRead {
  readonly buffer: symbol;
  readonly callback: symbol;
}

/**
 * Does to a socket that stands what Node's option `onread` does to one that is being made: its octets are written into `memory`,
 * and `callback` is told how many, in place of a new Buffer and a pass through the stream. docs/decisions/0004 says why it is
 * used all the same. Done again, it replaces the callback; the memory has to be the same. A paused stream holds a client back
 * by what it has in its buffer, which is not used any more: Node goes on reading until `pause()` is called behind this.
 *
 * @param callback - returns false to have the reading stopped
 * @returns false where it cannot be had, and nothing was done
 */
export function onReadInto(socket: Socket, memory: Buffer, callback: (octets: number) => boolean): boolean {
  const { _handle: handle } = socket as unknown as Internals;
  if (typeof handle?.useUserBuffer !== 'function') return false;
  onRead ??= found(socket);
  if (onRead === 'missing') return false;
  const slots = socket as unknown as Record<symbol, unknown>;
  const had = slots[onRead.buffer] === memory;
  slots[onRead.buffer] = memory;
  slots[onRead.callback] = callback;
  if (!had) handle.useUserBuffer(memory); // it cannot be taken back
  return true;
}

/**
 * Lends what a raw socket receives, in one memory for all of them, in place of making it 'data'; but what waits in its stream
 * goes first, and then all that follows it waits there too.
 *
 * @param received - gets octets for the time of the call; `null`: all is 'data' as ever, but that `pause()` stops the reading
 *   itself, and `read(0)` starts it again
 * @returns false where it cannot be had: the octets come as `'data'` alone
 */
export function lend(raw: Duplex, received: ((chunk: Buffer) => void) | null): boolean {
  if (!(raw instanceof Socket)) return false;
  lent ??= Buffer.allocUnsafeSlow(LENT_OCTETS);
  const memory = lent;
  return onReadInto(raw, memory, (octets) => {
    const chunk = memory.subarray(0, octets);
    if (received === null || raw.readableLength > 0) return raw.push(Buffer.from(chunk));
    received(chunk);
    return true;
  });
}

/** As much as Node reads at once where nobody tells it otherwise. */
const LENT_OCTETS = 65_536;

let lent: Buffer | null = null;

interface Internals {
  readonly _handle?: { readonly useUserBuffer?: (memory: Buffer) => void } | null;
}

let onRead: OnRead | 'missing' | null = null;

function found(socket: Socket): OnRead | 'missing' {
  const symbols = Object.getOwnPropertySymbols(socket);
  const buffer = symbols.find(({ description }) => description === 'kBuffer');
  const callback = symbols.find(({ description }) => description === 'kBufferCb');
  return buffer === undefined || callback === undefined ? 'missing' : { buffer, callback };
}
