import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reject } from '../../src/smtp/rejection.js';
import { eventually, RawClient, sleep } from '../support/raw-client.js';
import { beginMessage, sendMessage, startServer } from '../support/with-server.js';

/** What one client may use of the server: connections, time, patience. Their defaults: unit/server/limits. */

const never = (): Promise<never> => new Promise(() => {});

describe('limits.maxConnectionsPerAddress', { timeout: 120_000 }, () => {
  it('beyond it 421 4.7.0 and an event; whoever leaves makes room', async () => {
    await using running = await startServer({ limits: { maxConnectionsPerAddress: 2 } });
    const turnedAway: unknown[] = [];
    running.server.on('turnedAway', (peer, limit) => turnedAway.push([peer.address, limit]));
    const clients = [await running.greeted(), await running.greeted()];
    const third = await RawClient.connect(running.port);
    assert.deepEqual((await third.untilClosed()).replies, [
      '421 4.7.0 Too many connections from your address, try again later',
    ]);
    assert.deepEqual(turnedAway, [['127.0.0.1', 'maxConnectionsPerAddress']]);
    clients[0]?.reset();
    await eventually('one has left', () => running.server.connections === 1);
    const fourth = await running.greeted();
    assert.match(await sendMessage(fourth), /^250 /);
    for (const client of [...clients, fourth]) client.destroy();
    await running.quiet();
  });

  it('where TLS comes first: closed without a byte', async () => {
    await using running = await startServer({ limits: { maxConnectionsPerAddress: 1 } });
    const first = await RawClient.connectTls(running.tlsPort, running.trust);
    const second = await RawClient.connect(running.tlsPort);
    assert.deepEqual((await second.closed()).rest, Buffer.alloc(0));
    assert.match(await first.reply(), /^220 /);
    first.destroy();
  });

  it('another address is not concerned', async () => {
    await using running = await startServer({ limits: { maxConnectionsPerAddress: 1 } });
    const { server } = running;
    const first = await running.greeted();
    const { createServer, connect } = await import('node:net');
    const peers = ['192.0.2.1', '192.0.2.2', '::ffff:192.0.2.2', undefined];
    const listener = createServer((socket) => {
      const address = peers.shift();
      server.accept(socket, { peer: address === undefined ? {} : { address } });
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const { port } = listener.address() as { port: number };
    const heard: string[] = [];
    const sockets = peers.map(() => connect(port, '127.0.0.1'));
    for (const socket of sockets) socket.on('data', (chunk) => heard.push(chunk.toString('latin1').slice(0, 3)));
    await eventually('all are answered', () => heard.length === 4);
    assert.deepEqual(heard.toSorted(), ['220', '220', '220', '421']);
    for (const socket of sockets) socket.destroy();
    first.destroy();
    await new Promise((resolve) => listener.close(resolve));
  });

  it('limits.maxConnections has the same event', async () => {
    await using running = await startServer({ limits: { maxConnections: 1 } });
    const limits: string[] = [];
    running.server.on('turnedAway', (_peer, limit) => limits.push(limit));
    const first = await running.greeted();
    const second = await RawClient.connect(running.port);
    assert.match((await second.untilClosed()).replies.join(), /^421 4\.7\.0 Too many connections, /);
    assert.deepEqual(limits, ['maxConnections']);
    first.destroy();
  });
});

describe('limits.sessionTimeoutMs', { timeout: 120_000 }, () => {
  for (const [what, busy] of [
    ['a client that says NOOP for ever', (client: RawClient) => client.send('NOOP\r\n')],
    ['a client that says half a command', (client: RawClient) => client.send('N')],
  ] as const) {
    it(`ends ${what}: 421 4.4.2`, async () => {
      await using running = await startServer({ limits: { sessionTimeoutMs: 200, maxIdleCommands: 10_000 } });
      const began = performance.now();
      const client = await running.greeted();
      while (!client.isClosed) {
        await busy(client).catch(() => {});
        await sleep(10);
      }
      const tookMs = performance.now() - began;
      assert.equal((await client.untilClosed()).replies.at(-1), '421 4.4.2 Timeout, closing');
      assert.ok(tookMs >= 200 && tookMs < 1_500, `${tookMs} ms`);
      await running.quiet();
      assert.deepEqual(running.reasons, ['the session took too long']);
    });
  }

  it('one octet per dataTimeoutMs keeps no message open for ever', async () => {
    let lost: string | undefined;
    await using running = await startServer({
      limits: { sessionTimeoutMs: 200 },
      onMessage: (message) =>
        message.bytes().catch((error: Error) => {
          lost = error.message;
        }),
    });
    const client = await running.upgraded();
    await beginMessage(client);
    while (!client.isClosed) {
      await client.send('x').catch(() => {});
      await sleep(10);
    }
    assert.deepEqual((await client.untilClosed()).replies, ['421 4.4.2 Timeout, closing']);
    assert.equal(lost, 'the session was ended inside a message');
  });

  it('ends one whose handler is awaited, one that is silent in its handshake without a word, and nobody without it', async () => {
    await using running = await startServer({ limits: { sessionTimeoutMs: 150 }, onMailFrom: never });
    const client = await running.greeted();
    assert.equal(await client.ask('MAIL FROM:<a@x.test>'), '421 4.4.2 Timeout, closing');
    const silent = await running.greeted();
    await silent.ask('STARTTLS');
    assert.deepEqual((await silent.closed()).rest, Buffer.alloc(0));
    await running.quiet();
    assert.deepEqual(running.reasons, Array(2).fill('the session took too long'));
    await using open = await startServer({ limits: { commandTimeoutMs: 400 } });
    const patient = await open.greeted();
    await sleep(250);
    assert.match(await patient.ask('NOOP'), /^250 /);
    patient.destroy();
  });

  it('its last words are not cut off with it', async () => {
    await using running = await startServer({ limits: { sessionTimeoutMs: 100, commandTimeoutMs: 60_000 } });
    const client = await running.greeted();
    client.raw.pause();
    await sleep(400); // many ticks of the clock behind the end
    client.raw.resume();
    assert.deepEqual((await client.untilClosed()).replies, ['421 4.4.2 Timeout, closing']);
  });
});

describe('limits.maxErrors', { timeout: 120_000 }, () => {
  const unknown = ({ address }: { address: string }): void => {
    if (address !== 'b@y.test') throw reject(550, '5.1.1', 'unknown');
  };

  it('a hundred unknown recipients in a transaction: each is told, and the message goes to the others', async () => {
    await using running = await startServer({ onRcptTo: unknown });
    const client = await running.upgraded();
    await client.ask('EHLO a');
    for (let message = 0; message < 3; message++) {
      await client.ask('MAIL FROM:<a@x.test>');
      await client.send(Array.from({ length: 100 }, (_one, index) => `RCPT TO:<u${index}@y.test>\r\n`).join(''));
      assert.deepEqual(await client.replies(100), Array(100).fill('550 5.1.1 unknown'));
      await client.ask('RCPT TO:<b@y.test>');
      await client.ask('DATA');
      assert.match(await client.ask('x\r\n.'), /^250 /);
    }
    assert.equal(running.messages.length, 3);
    client.destroy();
  });

  it('somebody who guesses addresses without sending mail is ended', async () => {
    await using running = await startServer({ onRcptTo: unknown });
    const client = await running.greeted();
    let guessed = 0;
    while (!client.isClosed && guessed < 50) {
      guessed++;
      await client.send(`MAIL FROM:<a@x.test>\r\nRCPT TO:<u${guessed}@y.test>\r\nRSET\r\n`);
      await client.replies(3);
      await sleep(5);
    }
    assert.equal(guessed, 10);
    assert.deepEqual((await client.untilClosed()).replies, ['421 4.7.0 Too many errors, closing']);
    await running.quiet();
    assert.deepEqual(running.reasons, ['too many errors']);
  });

  it('three bad commands before any EHLO or HELO are enough, in clear and inside TLS (ALPACA)', async () => {
    await using running = await startServer();
    for (const client of [
      await RawClient.connect(running.port),
      await RawClient.connectTls(running.tlsPort, running.trust),
    ]) {
      await client.reply();
      await client.send('Host: mx.test\r\nCookie: a=b\r\nAccept: */*\r\nEHLO a\r\nMAIL FROM:<a@x.test>\r\n');
      assert.deepEqual((await client.untilClosed()).replies, [
        ...Array(3).fill('500 5.5.2 Command not recognized'),
        '421 4.7.0 Too many errors, closing',
      ]);
    }
    assert.deepEqual(running.seen, []);
    const known = await running.greeted();
    for (let count = 0; count < 9; count++) assert.match(await known.ask('FOO'), /^500 /);
    await known.send('FOO\r\n');
    assert.match((await known.untilClosed()).replies.join(), /^500 .*,421 4\.7\.0 /);
  });
});
