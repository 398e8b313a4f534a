import type { Duplex } from 'node:stream';

/** How long a peer may take to read our last words and close. */
const LINGER_MS = 1_000;

/**
 * Says the last words and closes. What the peer still sends is read and dropped for a moment: closing with unread bytes
 * would send a reset, and a reset throws away the reply that the peer has not read yet.
 */
export function hangUp(socket: Duplex, lastWords = ''): void {
  if (socket.destroyed) return;
  socket.on('error', () => socket.destroy());
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
  socket.once('end', () => {
    if (socket.writableFinished) socket.destroy();
    else socket.once('finish', () => socket.destroy());
  });
  if (!socket.writableEnded) socket.end(lastWords === '' ? undefined : Buffer.from(lastWords, 'latin1'));
  socket.resume();
}
