import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { Mode } from './delivery.js';
import { testIdentity } from './with-server.js';

/** A server that wraps sockets by hand and lets clients renegotiate, as Node does by default. */
export async function startNaive(mode: Mode): Promise<AsyncDisposable & { readonly port: number }> {
  const { issued } = await testIdentity();
  const secureContext = createSecureContext({ key: issued.key, cert: issued.cert });
  const sockets = new Set<Socket>();
  const talk = (socket: Socket): void => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      if (String(chunk).startsWith('STARTTLS')) {
        socket.removeAllListeners('data');
        socket.write('220 go ahead\r\n');
        talk(new TLSSocket(socket, { isServer: true, secureContext }));
      } else socket.write(socket instanceof TLSSocket ? '250 naive.test\r\n' : '250-naive.test\r\n250 STARTTLS\r\n');
    });
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    const stream = mode === 'on-connect' ? new TLSSocket(socket, { isServer: true, secureContext }) : socket;
    talk(stream);
    stream.write('220 naive.test\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
