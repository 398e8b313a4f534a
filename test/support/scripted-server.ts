import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { IssuedCertificate } from '../../src/testing/authority.js';

/** A server that says what a test tells it to, and keeps all that it hears. */
export interface ScriptedServer extends AsyncDisposable {
  readonly port: number;
  /** Everything that clients sent, as latin1. */
  heard(): string;
}

/** What a server that takes everything says to a verb, and to the final dot. */
export const POLITE: Readonly<Record<string, string>> = {
  EHLO: '250 x\r\n',
  MAIL: '250 ok\r\n',
  RCPT: '250 ok\r\n',
  DATA: '354 go\r\n',
  '.': '250 taken\r\n',
  QUIT: '221 bye\r\n',
};

/**
 * @param greeting - said to each client
 * @param answer - what to write for a line; `null`: close the connection; `undefined`: say nothing
 * @param identity - speaks TLS from the first octet (smtps); without it, in clear
 */
export async function scriptedServer(
  greeting: string,
  answer: (line: string, socket: Socket) => string | null | undefined,
  identity?: IssuedCertificate,
): Promise<ScriptedServer> {
  let heard = '';
  const sockets = new Set<Socket>();
  const serve = (socket: Socket): void => {
    sockets.add(socket);
    let rest = '';
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
      rest += chunk.toString('latin1');
      for (let end = rest.indexOf('\r\n'); end !== -1; end = rest.indexOf('\r\n')) {
        const line = rest.slice(0, end);
        rest = rest.slice(end + 2);
        const words = answer(line, socket);
        if (words === null) socket.destroy();
        else if (words !== undefined) socket.write(words);
      }
    });
    socket.write(greeting);
  };
  const server = identity === undefined ? createServer(serve) : createTlsServer(identity, serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    heard: () => heard,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
