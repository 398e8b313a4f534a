import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ProxyHeaderError, proxiedPeer } from '../../../src/net/proxy-protocol.js';
import { forClient, version2 } from '../../support/proxy-headers.js';
import { eventually, sleep, within } from '../../support/raw-client.js';
import { socketPair } from '../../support/socket-pair.js';

const PROXY = { address: '127.0.0.1', port: 1 };
const CLIENT = { address: '192.0.2.1', port: 56_324, localAddress: '198.51.100.1', localPort: 25 };
const LINE = Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\n');
const OCTETS = forClient(['192.0.2.1', 56_324], ['198.51.100.1', 25], Buffer.alloc(40));

async function sendInPieces(socket: Socket, octets: Buffer, pieceOctets: number): Promise<void> {
  for (let at = 0; at < octets.length && !socket.destroyed; at += pieceOctets) {
    socket.write(octets.subarray(at, at + pieceOctets));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function readAll(socket: Socket, length: number): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.resume();
  await eventually('what the client sent', () => Buffer.concat(chunks).length >= length);
  return Buffer.concat(chunks).toString();
}

/** What it rejects with, where the socket is closed and nobody reads it. */
async function fault(socket: Socket, peer: Promise<unknown>): Promise<string> {
  const error = await within(peer, 'an end').then(
    () => assert.fail('was taken'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ProxyHeaderError, String(error));
  assert.deepEqual(error.peer, PROXY);
  assert.equal(error.message, `a connection was closed for its PROXY header: ${error.reason}`);
  assert.ok(socket.destroyed);
  assert.equal(socket.listenerCount('data'), 0);
  return error.reason;
}

describe('proxiedPeer', () => {
  for (const [version, header] of [
    ['1', LINE],
    ['2', OCTETS],
  ] as const) {
    it(`version ${version}: however it is cut, the client's octets stay for whoever comes next`, async () => {
      for (const piece of [1, 2, 7, 16, header.length - 1, header.length, header.length + 3, 1_000]) {
        await using pair = await socketPair();
        const peer = proxiedPeer(pair.near, PROXY, 5_000);
        await sendInPieces(pair.far, Buffer.concat([header, Buffer.from('EHLO client.test\r\n')]), piece);
        assert.deepEqual(await within(peer, `pieces of ${piece}`), CLIENT);
        assert.equal(pair.near.isPaused(), true);
        assert.equal(await readAll(pair.near, 18), 'EHLO client.test\r\n');
      }
    });
  }

  it('is the proxy itself, for what it says on its own behalf', async () => {
    await using pair = await socketPair();
    pair.far.write(version2({ command: 0, family: 0, rest: Buffer.alloc(0) }));
    assert.equal(await proxiedPeer(pair.near, PROXY, 5_000), PROXY);
  });

  it('closes without a word where the header is none', async () => {
    await using pair = await socketPair();
    const peer = proxiedPeer(pair.near, PROXY, 5_000);
    const heard: Buffer[] = [];
    pair.far.on('data', (chunk: Buffer) => heard.push(chunk));
    pair.far.write('EHLO x\r\n');
    assert.equal(await fault(pair.near, peer), 'it is no PROXY header');
    await eventually('the close', () => pair.far.readableEnded || pair.far.destroyed);
    assert.deepEqual(heard, []);
  });

  it('has one deadline for the whole of it, however it drips', async () => {
    await using pair = await socketPair();
    const begun = performance.now();
    const peer = proxiedPeer(pair.near, PROXY, 150);
    const dripping = (async () => {
      for (const octet of LINE) {
        pair.far.write(Buffer.of(octet));
        await sleep(20);
        if (pair.near.destroyed) return;
      }
    })();
    assert.equal(await fault(pair.near, peer), 'it did not come in time');
    assert.ok(performance.now() - begun < 1_500, `${performance.now() - begun} ms`);
    await dripping;
  });

  it('S17: a proxy that leaves is no uncaught error, by FIN or by reset, before its first octet or inside it', async () => {
    for (const leave of [(far: Socket) => far.end(), (far: Socket) => far.resetAndDestroy()]) {
      {
        await using pair = await socketPair();
        const peer = proxiedPeer(pair.near, PROXY, 5_000);
        leave(pair.far);
        assert.equal(await within(peer, 'an end'), null); // a look whether we listen: nothing to tell
        assert.ok(pair.near.destroyed);
      }
      await using pair = await socketPair();
      const peer = proxiedPeer(pair.near, PROXY, 5_000);
      pair.far.write(LINE.subarray(0, 20));
      await sleep(20);
      leave(pair.far);
      assert.equal(await fault(pair.near, peer), 'the connection ended inside it');
    }
  });

  it('settles for a socket that is gone already', async () => {
    await using pair = await socketPair();
    pair.near.destroy();
    assert.equal(await within(proxiedPeer(pair.near, PROXY, 5_000), 'an end'), null);
  });

  it('property: any octets, cut anywhere: it settles by its deadline, with the rest untouched or the socket closed', async () => {
    const octets = fc.oneof(
      fc.uint8Array({ maxLength: 80 }).map((some) => Buffer.from(some)),
      fc.tuple(fc.constantFrom(LINE, OCTETS), fc.nat(60), fc.nat(255)).map(([header, at, octet]) => {
        const flipped = Buffer.from(header);
        flipped.writeUInt8(octet, Math.min(at, header.length - 1));
        return flipped;
      }),
      fc.constantFrom(LINE, OCTETS),
    );
    await fc.assert(
      fc.asyncProperty(octets, fc.integer({ min: 1, max: 40 }), async (header, piece) => {
        await using pair = await socketPair();
        const begun = performance.now();
        const peer = proxiedPeer(pair.near, PROXY, 100).catch((error: unknown) => {
          assert.ok(error instanceof ProxyHeaderError, String(error));
          return null;
        });
        await sendInPieces(pair.far, Buffer.concat([header, Buffer.from('rest')]), piece);
        const answer = await within(peer, 'an end', 3_000);
        assert.ok(performance.now() - begun < 1_500);
        if (answer === null) assert.ok(pair.near.destroyed);
        else assert.match(await readAll(pair.near, 4), /rest$/s);
      }),
      { numRuns: 60 },
    );
  });
});
