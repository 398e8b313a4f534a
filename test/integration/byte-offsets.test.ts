import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { createSecureContext, TLSSocket } from 'node:tls';
import { noMoreSocketsThan, openSockets } from '../support/handles.js';
import { clientHello, eventually, RawClient } from '../support/raw-client.js';
import { type RunningServer, sendMessage, startServer, testIdentity } from '../support/with-server.js';

/** Connections at once; each of the thousands is short. */
const AT_ONCE = 48;

const WAYS = ['STARTTLS', 'TLS-on-connect'] as const;

/** What happens to a real first flight at one of its octets. */
const ENDS = {
  'FIN behind each prefix': async (client: RawClient, hello: Buffer, at: number) => {
    if (at > 0) await client.send(hello.subarray(0, at));
    client.finish();
    await client.closed();
  },
  'RST behind each prefix': async (client: RawClient, hello: Buffer, at: number) => {
    if (at > 0) await client.send(hello.subarray(0, at));
    client.reset();
  },
  'one bit flipped in each octet, then FIN': async (client: RawClient, hello: Buffer, at: number) => {
    const flipped = Buffer.from(hello);
    flipped.writeUInt8(hello.readUInt8(at % hello.length) ^ (1 << (at % 8)), at % hello.length);
    await client.send(flipped);
    client.finish();
    await client.closed();
  },
};

/** @param arrived - the client ports that the server has seen: a connection that is reset before is never accepted */
async function atHandshake(
  running: RunningServer,
  way: (typeof WAYS)[number],
  arrived: ReadonlySet<number | undefined>,
): Promise<RawClient> {
  if (way === 'TLS-on-connect') {
    const client = await RawClient.connect(running.tlsPort);
    await eventually('the connection is accepted', () => arrived.has(client.raw.localPort));
    return client;
  }
  const client = await running.greeted();
  assert.equal(await client.ask('STARTTLS'), '220 2.0.0 Ready to start TLS');
  return client;
}

/** Runs the work of each number from 0 to `count` - 1, a bounded number of them at once. */
async function inBatches(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < count) await work(next++);
    }),
  );
}

for (const way of WAYS) {
  describe(`a ClientHello that goes wrong at any octet, ${way} (SECURITY R8)`, { timeout: 120_000 }, () => {
    for (const [end, act] of Object.entries(ENDS)) {
      it(`${end}: one event each, no socket left, and the next client is served`, async () => {
        await using running = await startServer();
        const events = new Map<string, string[]>();
        const note = (id: string, event: string): void => {
          events.set(id, [...(events.get(id) ?? []), event]);
        };
        const arrived = new Set<number | undefined>();
        running.server.on('session', ({ id, peer }) => {
          arrived.add(peer.port);
          note(id, 'session');
        });
        running.server.on('tlsError', ({ code }, { id }) => note(id, code));
        const hello = await clientHello();
        const connections = hello.length + 1;
        const before = openSockets();

        await inBatches(connections, async (at) => {
          await using client = await atHandshake(running, way, arrived);
          await act(client, hello, at);
        });

        await eventually('each connection was served and is over', () => running.reasons.length === connections);
        await noMoreSocketsThan(before);
        assert.deepEqual(
          {
            connections: events.size,
            fates: [...new Set([...events.values()].map((fate) => fate.join(' ')))],
            closed: running.reasons.length,
            warnings: running.warnings,
          },
          {
            connections,
            fates: ['session ERR_TLS_SMTP_HANDSHAKE_FAILED'],
            closed: connections,
            warnings: [],
          },
        );
        await using next = await running.upgraded();
        assert.match(await sendMessage(next), /^250 /);
      });
    }
  });
}

describe('negative control: hand-wrapped, half-open sockets', { timeout: 120_000 }, () => {
  it('keep a descriptor for each FIN, which the count sees', {
    skip: openSockets() === null && 'no /proc',
  }, async () => {
    const { issued } = await testIdentity();
    const secureContext = createSecureContext({ key: issued.key, cert: issued.cert });
    const wrapped: TLSSocket[] = [];
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      wrapped.push(new TLSSocket(socket, { isServer: true, secureContext }).on('error', () => {}));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const hello = await clientHello();
    const before = openSockets() ?? 0;
    for (let at = 10; at < 100; at += 10) {
      await using client = await RawClient.connect(port);
      await client.send(hello.subarray(0, at));
      client.finish();
    }
    await assert.rejects(noMoreSocketsThan(before, 500), /no more than/);
    assert.equal((openSockets() ?? 0) - before, 9);
    for (const socket of wrapped) socket.destroy();
    server.close();
  });
});
