import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { OptionError } from '../../../src/errors.js';
import { ServerClosedError } from '../../../src/server/errors.js';
import { type Arrival, Listeners, type ListenersHost } from '../../../src/server/listeners.js';
import { eventually } from '../../support/raw-client.js';

const LOCAL = { host: '127.0.0.1', port: 0 };

/** A server that notes who arrives. */
function listeners(starttls: Partial<ListenersHost['starttls']> = {}): {
  readonly all: Listeners;
  readonly arrivals: Arrival[];
} {
  const arrivals: Arrival[] = [];
  const all = new Listeners({
    starttls: { offersTls: true, onConnectPorts: [], handshakeTimeoutMs: 1_000, ready: async () => {}, ...starttls },
    operator: { warnOf: assert.fail, warnOnce: assert.fail },
    maxArriving: 10,
    arrived: (socket, arrival) => {
      arrivals.push(arrival);
      socket.destroy();
    },
  });
  return { all, arrivals };
}

async function visit(port: number, line = ''): Promise<void> {
  const client = connect({ host: '127.0.0.1', port });
  client.on('error', () => {});
  client.resume().end(line);
  await eventually('the client is closed', () => client.closed);
}

describe('Listeners', () => {
  it('hands on the clients of each port, with what is due there first', async () => {
    const { all, arrivals } = listeners();
    const clear = await all.open(LOCAL);
    const secure = await all.open({ ...LOCAL, tlsOnConnect: true });
    const proxied = await all.open({ ...LOCAL, proxyProtocol: '127.0.0.1' });
    await visit(clear.port);
    await visit(secure.port);
    await visit(proxied.port, 'PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\n');
    const peer = arrivals[2]?.peer;
    assert.deepEqual(arrivals.slice(0, 2), [{ tlsOnConnect: false }, { tlsOnConnect: true }]);
    assert.deepEqual([arrivals[2]?.tlsOnConnect, peer?.address], [false, '192.0.2.1']);
    await all.close();
  });

  it('begins with TLS on the ports of tls.onConnectPorts, unless it is told otherwise', async () => {
    const free = listeners();
    const { port } = await free.all.open(LOCAL);
    await free.all.close();
    const { all, arrivals } = listeners({ onConnectPorts: [port] });
    await all.open({ ...LOCAL, port });
    await visit(port);
    await all.close();
    const told = listeners({ onConnectPorts: [port] });
    await told.all.open({ ...LOCAL, port, tlsOnConnect: false });
    await visit(port);
    await told.all.close();
    assert.deepEqual([arrivals, told.arrivals], [[{ tlsOnConnect: true }], [{ tlsOnConnect: false }]]);
  });

  it('does not open a port for TLS that there is no certificate for', async () => {
    const { all } = listeners({ offersTls: false, ready: () => assert.fail('nothing is loaded') });
    await assert.rejects(
      all.open({ ...LOCAL, tlsOnConnect: true }),
      (error) => error instanceof OptionError && /tls\.certificate is needed/.test(error.message),
    );
  });

  it('opens none once it is closed, also where that happened while certificates were loaded', async () => {
    const { all } = listeners();
    await all.close();
    await assert.rejects(all.open(LOCAL), ServerClosedError);
    const late = listeners({ ready: () => late.all.close() });
    await assert.rejects(late.all.open(LOCAL), ServerClosedError);
  });
});
