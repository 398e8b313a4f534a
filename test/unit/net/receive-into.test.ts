import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { connect, TLSSocket } from 'node:tls';
import { receiveInto } from '../../../src/net/receive-into.js';
import { TestAuthority } from '../../../src/testing/authority.js';
import { eventually } from '../../support/raw-client.js';
import { type TlsPair, tlsPair } from '../../support/tls-pair.js';

const authority = await TestAuthority.create();
const identity = await authority.issue({ name: 'mx.test' });
const memory = Buffer.alloc(65_536);

const pair = (maxVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3'): Promise<TlsPair> =>
  tlsPair({ ...identity, maxVersion }, {});

describe('receiveInto', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`puts what a secured socket receives into the memory, on every Node (${version})`, async () => {
      await using ends = await pair(version);
      const { server, client } = ends;
      const seen: unknown[] = [];
      const had = receiveInto(server, memory, (chunk) => {
        seen.push(chunk.toString(), chunk.buffer === memory.buffer);
      });
      assert.equal(had, true, 'this Node has no onread: docs/decisions/0004');
      server.resume();
      client.write('one');
      await eventually('one came', () => seen.length === 2);
      client.write('two');
      await eventually('two came', () => seen.length === 4);
      assert.deepEqual(seen, ['one', true, 'two', true]);
    });
  }

  it('gives first what had been received before', async () => {
    await using ends = await pair();
    const { server, client } = ends;
    server.pause();
    client.write('early, ');
    await eventually('it came', () => server.readableLength === 7);
    let seen = '';
    receiveInto(server, memory, (chunk) => {
      seen += chunk;
    });
    assert.equal(seen, 'early, ');
    server.resume();
    client.write('late');
    await eventually('the rest came', () => seen === 'early, late');
  });

  it('loses nothing and mixes nothing up where the socket is paused and resumed', async () => {
    await using ends = await pair();
    const { server, client } = ends;
    const sent = Buffer.from(Array.from({ length: 2_000_000 }, (_, index) => (index * 7_919) >> 8));
    const received: Buffer[] = [];
    let octets = 0;
    receiveInto(server, memory, (chunk) => {
      received.push(Buffer.from(chunk));
      octets += chunk.length;
      if (received.length % 5 !== 0) return;
      server.pause();
      setImmediate(() => server.resume());
    });
    server.resume();
    client.write(sent);
    await eventually('all came', () => octets === sent.length);
    assert.ok(Buffer.concat(received).equals(sent));
  });

  it('holds the other side back while the socket is paused', async () => {
    await using ends = await pair();
    const { server, client } = ends;
    let octets = 0;
    receiveInto(server, memory, (chunk) => {
      octets += chunk.length;
    });
    server.pause();
    client.write(Buffer.alloc(30_000_000));
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.ok(octets < 200_000, `${octets} octets came through a paused socket`);
    server.resume();
    await eventually('all came', () => octets === 30_000_000);
  });

  it('holds the other side back where the socket was paused before', async () => {
    await using ends = await pair();
    const { server, client } = ends;
    let octets = 0;
    server.pause();
    receiveInto(server, memory, (chunk) => {
      octets += chunk.length;
    });
    client.write(Buffer.alloc(30_000_000));
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.ok(octets < 200_000, `${octets} octets came through a paused socket`);
    server.resume();
    await eventually('all came', () => octets === 30_000_000);
  });

  it("leaves 'end' and 'close' as they were", async () => {
    await using ends = await pair();
    const { server, client } = ends;
    receiveInto(server, memory, () => {});
    server.resume();
    const ended = once(server, 'end');
    const closed = once(server, 'close');
    client.end('last');
    await Promise.all([ended, closed]);
  });

  it('is not for streams that are no secured sockets, nor for TLS over anything but a socket', async () => {
    await using ends = await pair();
    const { client } = ends;
    const shim = new Duplex({ read() {}, write: (_octets, _encoding, done) => done() });
    const over = connect({ socket: shim, rejectUnauthorized: false }).on('error', () => {});
    const refused = [shim, over, new TLSSocket(shim), (client as unknown as { _parent: Duplex })._parent];
    assert.deepEqual(
      refused.map((stream) => stream && receiveInto(stream, memory, () => assert.fail('received'))),
      [false, false, false, (client as unknown as { _parent?: Duplex })._parent && false],
    );
    over.destroy();
  });
});
