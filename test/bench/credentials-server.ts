import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { IssuedCertificate } from '../../src/testing/authority.js';
import { countContexts } from '../support/context-count.js';
import { CONTESTANTS } from './credentials-contestants.js';

/** A server in a process of its own; run by the bench, with an IPC channel: `<name of the contestant>`. */

export interface Mark {
  readonly cpuMicros: number;
  /** How many contexts have been built in this process, by anybody, also inside of Node's servers. */
  readonly built: number;
}

const built = countContexts();

process.on('message', async (order: IssuedCertificate | 'mark') => {
  if (order !== 'mark') {
    process.send?.({ port: await listen(order) });
    return;
  }
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMicros: user + system, built: built() } satisfies Mark);
});

async function listen(identity: IssuedCertificate): Promise<number> {
  const contestant = CONTESTANTS.find(({ name }) => name === process.argv[2]);
  if (contestant === undefined) throw new Error('no such contestant');
  const accept = await contestant.start(identity);
  const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
    socket.on('error', () => {});
    accept(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
