import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type ConnectionOptions, connect, createServer, type TLSSocket, type TlsOptions } from 'node:tls';

/** Both ends of one handshake over a loopback connection. */
export interface TlsPair extends AsyncDisposable {
  readonly server: TLSSocket;
  readonly client: TLSSocket;
}

/** A plain `tls.Server` and a plain `tls.connect()` that judge nothing; give them certificates, and what they trust. */
export async function tlsPair(serverOptions: TlsOptions, clientOptions: ConnectionOptions): Promise<TlsPair> {
  const listener = createServer({ rejectUnauthorized: false, ...serverOptions });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const accepted = once(listener, 'secureConnection') as Promise<[TLSSocket]>;
  const client = connect({
    host: '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
    ...clientOptions,
  });
  await once(client, 'secureConnect');
  const [server] = await accepted;
  for (const socket of [client, server]) socket.on('error', () => {});
  const dispose = async (): Promise<void> => {
    client.destroy();
    server.destroy();
    listener.close();
    await once(listener, 'close');
  };
  return { server, client, [Symbol.asyncDispose]: dispose };
}
