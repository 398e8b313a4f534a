import { Duplex } from 'node:stream';

/** How long the next piece waits for. */
export type Delay = 'none' | 'tick' | 'immediate' | '5 ms';

/** How octets are cut into pieces: lengths and delays, used over and over. */
export type Cuts = readonly { readonly octets: number; readonly delay: Delay }[];

/** In one piece, as written. */
export const UNCUT: Cuts = [{ octets: Number.MAX_SAFE_INTEGER, delay: 'none' }];

/** A timer that fires 5 ms later is not cheap: a cut takes part in so many of them and goes on without. */
const MAX_SLOW = 8;

/**
 * Two ends of a connection without a socket: what is written to `client` is read from `server` in the pieces that
 * `cuts` says, which no network can promise; the other direction is left as it is.
 */
export function memoryWire(cuts: Cuts): { readonly client: Duplex; readonly server: Duplex } {
  let index = 0;
  let slow = 0;
  let queue: Promise<void> = Promise.resolve();
  const send = async (octets: Buffer): Promise<void> => {
    for (let at = 0; at < octets.length; ) {
      const cut = cuts[index++ % cuts.length] ?? { octets: 1, delay: 'none' };
      await waitFor(cut.delay === '5 ms' && ++slow > MAX_SLOW ? 'immediate' : cut.delay);
      if (server.destroyed) return;
      server.push(octets.subarray(at, at + cut.octets));
      at += cut.octets;
    }
  };
  const server: Duplex = new Duplex({
    read(): void {},
    write: (chunk: Buffer, _encoding, done): void => {
      client.push(chunk);
      done();
    },
    final: (done): void => {
      client.push(null);
      done();
    },
  });
  const client: Duplex = new Duplex({
    read(): void {},
    write: (chunk: Buffer, _encoding, done): void => {
      queue = queue.then(() => send(chunk));
      void queue.then(() => done());
    },
    final: (done): void => {
      void queue.then(() => {
        if (!server.destroyed) server.push(null);
        done();
      });
    },
  });
  server.on('close', () => {
    if (!client.destroyed) client.push(null);
  });
  client.on('close', () => {
    if (!server.destroyed) server.push(null);
  });
  for (const end of [client, server]) end.on('error', () => {});
  return { client, server };
}

function waitFor(delay: Delay): Promise<void> {
  switch (delay) {
    case 'none':
      return Promise.resolve();
    case 'tick':
      return new Promise((resolve) => process.nextTick(resolve));
    case 'immediate':
      return new Promise((resolve) => setImmediate(resolve));
    case '5 ms':
      return new Promise((resolve) => setTimeout(resolve, 5));
    default:
      return delay satisfies never;
  }
}
