import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, connect as dial } from 'node:net';
import { describe, it } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { Engine } from '../../../src/net/engine.js';
import { serverTlsSettings } from '../../../src/net/server-tls-options.js';
import { TestAuthority } from '../../../src/testing/authority.js';

const authority = await TestAuthority.create();
const { cert, key } = await authority.issue({ name: 'mx.test' });

describe('Engine', () => {
  it('finds the raw socket of each TLS socket, and tells its own fate and no other', async () => {
    const engine = new Engine({ cert, key }, serverTlsSettings({}));
    const fates: string[] = [];
    let next = 0;
    const server = createServer((raw) => {
      const id = next++;
      raw.on('error', () => {});
      engine.handshake(raw, {
        secured: (socket: TLSSocket) => {
          socket.on('error', () => {});
          fates.push(`${id} secured ${socket.remotePort === raw.remotePort}`);
        },
        failed: () => fates.push(`${id} failed`),
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    for (const good of [true, false, true]) {
      const raw = dial(port, '127.0.0.1');
      await once(raw, 'connect');
      if (good) {
        const secured = connect({ socket: raw, ca: authority.ca, servername: 'mx.test' });
        await once(secured, 'secureConnect');
        secured.destroy();
      } else {
        raw.write('no TLS\r\n');
        await once(raw, 'close');
      }
    }
    while (fates.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual(fates, ['0 secured true', '1 failed', '2 secured true']);
    server.close();
  });
});
