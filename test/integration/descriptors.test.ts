import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { eventually, RawClient, sleep } from '../support/raw-client.js';
import { testIdentity } from '../support/with-server.js';

const SERVER = JSON.stringify(new URL('../../src/server/index.js', import.meta.url).href);

describe('R12: more clients than the system has descriptors for', {
  skip: process.platform !== 'linux',
  timeout: 120_000,
}, () => {
  it('those beyond are closed, the process lives and serves again, and says so once', async () => {
    const { issued, authority } = await testIdentity();
    const source = `
      import { SmtpServer } from ${SERVER};
      const server = new SmtpServer({
        hostname: 'mx.test',
        tls: { certificate: ${JSON.stringify(issued.cert)}, privateKey: ${JSON.stringify(issued.key)} },
        onMessage: (message) => message.bytes().then(() => {}),
      });
      server.on('warning', (message) => console.log('WARNING', message));
      const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
      console.log('PORT', port);
    `;
    const child: ChildProcess = spawn('sh', [
      '-c',
      'ulimit -n 60; exec "$0" --input-type=module -e "$1"',
      process.execPath,
      source,
    ]);
    let printed = '';
    for (const output of [child.stdout, child.stderr]) output?.on('data', (chunk) => (printed += chunk));
    const clients: RawClient[] = [];
    try {
      await eventually('its port', () => /^PORT \d+$/m.test(printed));
      const port = Number(/^PORT (\d+)$/m.exec(printed)?.[1]);
      while (clients.length < 200) clients.push(await RawClient.connect(port));
      await eventually('those beyond are closed', () => clients.filter((client) => client.isClosed).length >= 140);
      await eventually('the others have their banner', () => clients.every((one) => one.isClosed || one.unread !== ''));
      await sleep(100);
      assert.deepEqual([child.exitCode, printed.match(/^WARNING .*/gm)], [null, [WARNING]]);
      for (const client of clients) client.destroy();
      await sleep(100);
      await using next = await RawClient.greeted(port);
      await next.starttls({ ca: authority.ca, servername: 'mx.test' });
      assert.match(await next.ask('EHLO x'), /^250/);
    } finally {
      for (const client of clients) client.destroy();
      child.kill('SIGKILL');
      await once(child, 'close');
    }
  });
});

const WARNING =
  'WARNING the process has no file descriptor left: more clients are closed without a word; ' +
  'raise the limit of the system (ulimit -n), or lower limits.maxConnections';
