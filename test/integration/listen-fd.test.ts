import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { SmtpServer } from '../../src/server/index.js';
import { eventually, RawClient } from '../support/raw-client.js';
import { testIdentity } from '../support/with-server.js';

const SERVER = JSON.stringify(new URL('../../src/server/index.js', import.meta.url).href);

/** A listening socket as a supervisor has it: its port, and its number, which Node does not document. */
async function listeningSocket() {
  const listener = createServer();
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { _handle: handle } = listener as { readonly _handle?: { readonly fd: number } };
  return { listener, port: (listener.address() as AddressInfo).port, fd: handle?.fd ?? assert.fail('it listens') };
}

/** A process that was started with it as number 3 and runs `source`, a function of the server's module. */
function started(fd: number, source: string) {
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', `import { SmtpServer } from ${SERVER};${source}`],
    {
      stdio: ['ignore', 'pipe', 'pipe', fd],
    },
  );
  const output = { text: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output.text += chunk;
    });
  }
  return { child, output };
}

describe('listen({ fd })', { skip: process.platform === 'win32', timeout: 120_000 }, () => {
  it('[S37] tls.onConnectPorts looks at the port that the socket listens on; close() lets the process end', async () => {
    const { issued, authority } = await testIdentity();
    const { listener, port, fd } = await listeningSocket();
    const tls = JSON.stringify({ certificate: issued.cert, privateKey: issued.key, onConnectPorts: [port] });
    const { child, output } = started(
      fd,
      `const server = new SmtpServer({ hostname: 'mx.test', tls: ${tls}, onMessage() {} });
       console.log(JSON.stringify(await server.listen({ fd: 3 })));
       process.once('SIGTERM', () => server.close());`,
    );
    listener.close();
    await eventually('it listens', () => output.text.includes('\n'));
    assert.deepEqual(JSON.parse(output.text), { address: '127.0.0.1', port });
    await using client = await RawClient.connectTls(port, { ca: authority.ca });
    assert.match(await client.reply(), /^220 mx\.test/);
    child.kill('SIGTERM');
    const [code] = await once(child, 'close');
    assert.equal(code, 0, output.text);
  });

  it('says that a certificate is needed where the port turns out to be one for TLS, and keeps nothing open', async () => {
    const { listener, port, fd } = await listeningSocket();
    const { child, output } = started(
      fd,
      `const server = new SmtpServer({ tls: { onConnectPorts: [${port}] }, onMessage() {} });
       await server.listen({ fd: 3 }).catch(({ message }) => console.log(message));`,
    );
    listener.close();
    const [code] = await once(child, 'close');
    assert.deepEqual([code, output.text], [0, 'option tls.certificate is needed for tlsOnConnect\n']);
  });

  it('names the option where nothing that listens was passed on', async () => {
    const server = new SmtpServer({ onMessage() {} });
    await assert.rejects(server.listen({ fd: 999 }), {
      option: 'listen.fd',
      message: 'option listen.fd is no listening socket that was passed on (EINVAL)',
    });
    await server.close();
  });
});
