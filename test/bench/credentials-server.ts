import { once } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import { type AddressInfo, createServer } from 'node:net';
import tls from 'node:tls';
import type { IssuedCertificate } from '../../src/testing/authority.js';
import { CONTESTANTS } from './credentials-contestants.js';

/** A server in a process of its own; run by the bench, with an IPC channel: `<name of the contestant>`. */

export interface Mark {
  readonly cpuMicros: number;
  /** How many contexts have been built in this process, by anybody, also inside of Node's servers. */
  readonly built: number;
}

let built = 0;
const build = tls.createSecureContext;
tls.createSecureContext = (options) => {
  built++;
  return build(options);
};
syncBuiltinESMExports(); // reaches those who imported it by name

process.on('message', async (order: IssuedCertificate | 'mark') => {
  if (order !== 'mark') {
    process.send?.({ port: await listen(order) });
    return;
  }
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMicros: user + system, built } satisfies Mark);
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
