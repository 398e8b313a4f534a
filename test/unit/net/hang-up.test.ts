import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { hangUp } from '../../../src/net/hang-up.js';

describe('hangUp', () => {
  it('gets the last words through although the peer goes on sending, and cuts one that does not close', async () => {
    const server = createServer((socket) => hangUp(socket, '554 bye\r\n')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
    client.write(Buffer.alloc(200_000, 'x'));
    let heard = '';
    client.on('data', (chunk) => {
      heard += chunk;
    });
    client.on('error', () => {});
    await once(client, 'end');
    assert.equal(heard, '554 bye\r\n');
    client.write('still here');
    const poke = setInterval(() => client.write('x'), 100);
    await once(client, 'close');
    clearInterval(poke);
    server.close();
  });
});
