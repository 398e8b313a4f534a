import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe } from 'node:test';
import { createSecureContext, TLSSocket } from 'node:tls';
import { MODES, type Mode, portOf } from '../support/delivery.js';
import { itWith, run } from '../support/peers.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { sendMessage, startServer, testIdentity } from '../support/with-server.js';

/** @returns what `testssl -R` found: its word for each of its checks. It ends with 0 also where it finds something. */
async function renegotiation(port: number, mode: Mode): Promise<Record<string, string>> {
  await using folder = await temporaryFolder();
  const file = folder.file('found.json');
  const quiet = ['--warnings', 'off', '--color', '0', '--quiet', '--nodns', 'none'];
  const protocol = mode === 'starttls' ? ['-t', 'smtp'] : [];
  const args = [...quiet, '-R', '--jsonfile', file, ...protocol, `127.0.0.1:${port}`];
  const { printed } = await run('testssl', args, { patienceMs: 55_000 });
  const findings = JSON.parse(await readFile(file, 'utf8')) as readonly {
    readonly id: string;
    readonly severity: string;
    readonly finding: string;
  }[];
  const checks = findings.filter(({ id }) => id.endsWith('_renego'));
  assert.equal(checks.length, 2, printed);
  return Object.fromEntries(checks.map(({ id, severity, finding }) => [id, `${severity}: ${finding}`]));
}

/** A server that wraps sockets by hand and lets clients renegotiate, as Node does by default. */
async function startNaive(mode: Mode): Promise<AsyncDisposable & { readonly port: number }> {
  const { issued } = await testIdentity();
  const secureContext = createSecureContext({ key: issued.key, cert: issued.cert });
  const sockets = new Set<Socket>();
  const talk = (socket: Socket): void => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      if (String(chunk).startsWith('STARTTLS')) {
        socket.removeAllListeners('data');
        socket.write('220 go ahead\r\n');
        talk(new TLSSocket(socket, { isServer: true, secureContext }));
      } else socket.write(socket instanceof TLSSocket ? '250 naive.test\r\n' : '250-naive.test\r\n250 STARTTLS\r\n');
    });
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    const stream = mode === 'on-connect' ? new TLSSocket(socket, { isServer: true, secureContext }) : socket;
    talk(stream);
    stream.write('220 naive.test\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('testssl -R', { concurrency: true }, () => {
  for (const mode of MODES) {
    itWith(['testssl'], `finds no renegotiation, and we serve on: ${mode}`, async () => {
      await using running = await startServer();
      assert.deepEqual(await renegotiation(portOf(running, mode), mode), {
        secure_renego: 'OK: supported',
        secure_client_renego: 'OK: not vulnerable',
      });
      await using client = await running.upgraded();
      assert.equal(await sendMessage(client), '250 2.0.0 Message accepted');
      await client.ask('QUIT');
      await running.quiet();
      assert.deepEqual([running.messages.length, running.warnings], [1, []]);
    });

    itWith(['testssl'], `negative control: it finds what Node allows by default: ${mode}`, async () => {
      await using naive = await startNaive(mode);
      assert.deepEqual(await renegotiation(naive.port, mode), {
        secure_renego: 'OK: supported',
        secure_client_renego: 'MEDIUM: VULNERABLE, potential DoS threat',
      });
    });
  }
});
