import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe } from 'node:test';
import type { SmtpSession } from '../../src/server/index.js';
import { MODES, type Mode, oneDelivery, outcome } from '../support/delivery.js';
import { freePort } from '../support/exim.js';
import { CURL, curl } from '../support/line-clients.js';
import { plainVisit } from '../support/mail-client.js';
import { itWith, outputOf, start } from '../support/peers.js';
import { within } from '../support/raw-client.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { startServer } from '../support/with-server.js';

/** A server whose third port is for proxies of 127.0.0.1 alone, and whom its sessions talk to. */
async function behindProxies(mode: Mode) {
  const peers: SmtpSession['peer'][] = [];
  const running = await startServer({ onConnect: ({ peer }) => void peers.push(peer) });
  const { port } = await running.server.listen({
    ...{ host: '127.0.0.1', port: 0, proxyProtocol: '127.0.0.1', tlsOnConnect: mode === 'on-connect' },
  });
  return { running, peers, port, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
}

async function haproxy(port: number, header: string): Promise<AsyncDisposable & { readonly port: number }> {
  const own = await freePort();
  const folder = await temporaryFolder({
    'haproxy.cfg': `
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen mail
  bind 127.0.0.1:${own}
  server mx 127.0.0.1:${port} ${header}
`,
  });
  const proxy = start('haproxy', ['-db', '-f', folder.file('haproxy.cfg')]);
  const output = outputOf(proxy);
  const closed = once(proxy, 'close');
  await within(
    listens(own, () => proxy.exitCode === null),
    `haproxy listens: ${output()}`,
  );
  return {
    port: own,
    [Symbol.asyncDispose]: async () => {
      proxy.kill('SIGTERM');
      await within(closed, 'haproxy ends');
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function listens(port: number, isAlive: () => boolean): Promise<void> {
  while (isAlive()) {
    const socket = connect({ port, host: '127.0.0.1' });
    const [event] = await Promise.race([
      once(socket, 'connect').then(() => ['connect']),
      once(socket, 'close').then(() => ['close']),
    ]).catch(() => ['error']);
    socket.destroy();
    if (event === 'connect') return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('it has ended');
}

describe('listen({ proxyProtocol })', () => {
  for (const mode of MODES) {
    itWith(['curl'], `takes the header of curl, and its word for who it is: ${mode}`, async () => {
      await using behind = await behindProxies(mode);
      await using folder = await temporaryFolder({ 'ca.pem': behind.running.authority.ca });
      const visit = plainVisit(mode, behind.port, folder.file('ca.pem'));
      const { code, printed } = await curl(visit, '--haproxy-protocol');
      assert.equal(code, 0, printed);
      assert.match(printed, CURL.success);
      await behind.running.quiet();
      assert.deepEqual(outcome(behind.running), oneDelivery(mode, 'TLSv1.3'));
      const local = /Connected to \S+ \(127\.0\.0\.1\) port/.test(printed);
      assert.ok(local, printed);
      assert.deepEqual(
        behind.peers.map(({ address, localPort }) => [address, localPort]),
        [['127.0.0.1', behind.port]],
      );
    });

    itWith(['curl'], `cuts off a client that sends none: ${mode}`, async () => {
      await using behind = await behindProxies(mode);
      await using folder = await temporaryFolder({ 'ca.pem': behind.running.authority.ca });
      const { code, printed } = await curl(plainVisit(mode, behind.port, folder.file('ca.pem')), '--max-time', '1');
      assert.notEqual(code, 0, printed);
      assert.deepEqual([behind.running.messages, behind.peers], [[], []]);
    });

    for (const header of ['send-proxy', 'send-proxy-v2', 'send-proxy-v2-ssl-cn']) {
      itWith(['haproxy', 'curl'], `its client is who haproxy says, by ${header}: ${mode}`, async () => {
        await using behind = await behindProxies(mode);
        await using proxy = await haproxy(behind.port, header);
        await using folder = await temporaryFolder({ 'ca.pem': behind.running.authority.ca });
        // Another loopback address than haproxy's own, so that the one cannot be taken for the other.
        const visit = plainVisit(mode, proxy.port, folder.file('ca.pem'));
        const { code, printed } = await curl(visit, '--interface', '127.0.0.9');
        assert.equal(code, 0, printed);
        assert.match(printed, CURL.success);
        await behind.running.quiet();
        assert.deepEqual(outcome(behind.running).messages, oneDelivery(mode, 'TLSv1.3').messages);
        assert.deepEqual(behind.peers.at(-1)?.address, '127.0.0.9');
        assert.deepEqual(behind.peers.at(-1)?.localPort, proxy.port);
      });
    }
  }
});
