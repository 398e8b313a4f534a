import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { hangUp } from '../../../src/net/hang-up.js';
import { eventually, RawClient, within } from '../../support/raw-client.js';

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
    const closed = new Promise((resolve) => client.once('close', resolve));
    const poke = setInterval(() => client.write('x'), 100);
    await closed;
    clearInterval(poke);
    server.close();
  });
});

describe('hangUp, SPEC §5: the last reply arrives, the connection ends', () => {
  /** @returns a client, and the server's end of its connection on which `act` was run */
  async function connection(act: (socket: Socket) => void): Promise<{ client: RawClient; near: Socket }> {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const client = await RawClient.connect((server.address() as AddressInfo).port);
    const [near] = await accepted;
    server.close();
    act(near);
    return { client, near };
  }

  it('says the words and closes; once the client has closed too, nothing is left', async () => {
    const { client, near } = await connection((socket) => hangUp(socket, '421 4.7.0 bye\r\n'));
    const { rest, error } = await client.closed();
    await within(once(near, 'close'), 'close');
    assert.deepEqual([rest.toString(), error], ['421 4.7.0 bye\r\n', null]);
  });

  it('says nothing where there is nothing to say', async () => {
    const { client } = await connection((socket) => hangUp(socket));
    const { rest, error } = await client.closed();
    assert.deepEqual([rest.length, error], [0, null]);
  });

  it('drops what the peer still sends without a reset, so that the words are not lost', async () => {
    const { client, near } = await connection((socket) => socket.pause());
    await client.send('x'.repeat(100_000));
    hangUp(near, '554 5.5.1 no\r\n');
    const { rest, error } = await client.closed();
    assert.deepEqual([rest.toString(), error], ['554 5.5.1 no\r\n', null]);
  });

  it('gives a peer that does not close one second, not more', async () => {
    const { client, near } = await connection((socket) => hangUp(socket, 'bye\r\n'));
    const begun = performance.now();
    await within(once(near, 'close'), 'close', 2_000);
    const tookMs = performance.now() - begun;
    client.destroy();
    assert.ok(tookMs > 900 && tookMs < 1_600, `${tookMs} ms`);
  });

  it('closes behind words that were written already, and adds none of its own', async () => {
    const { client } = await connection((socket) => {
      socket.end('221 2.0.0 bye\r\n');
      hangUp(socket, 'too late\r\n');
    });
    assert.equal((await client.closed()).rest.toString(), '221 2.0.0 bye\r\n');
  });

  it('may be called twice: the first words count', async () => {
    const { client } = await connection((socket) => {
      hangUp(socket, 'first\r\n');
      hangUp(socket, 'second\r\n');
    });
    assert.equal((await client.closed()).rest.toString(), 'first\r\n');
  });

  it('leaves a destroyed socket alone', () => {
    const dead = new PassThrough().destroy();
    hangUp(dead, 'words');
    assert.equal(dead.listenerCount('error'), 0);
  });

  it('ends no process where the peer resets meanwhile', async () => {
    const { client, near } = await connection((socket) => hangUp(socket, 'x'.repeat(1_000_000)));
    client.reset();
    await eventually('the socket is closed', () => near.closed, 2_000);
  });

  it('does not keep the process alive', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    let more = 0;
    const { client } = await connection((socket) => {
      const before = timers();
      hangUp(socket, 'bye\r\n');
      more = timers() - before;
    });
    client.destroy();
    assert.equal(more, 0);
  });
});
