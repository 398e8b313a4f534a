import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { testIdentity } from '../support/with-server.js';

const library = JSON.stringify(new URL('../../src/index.js', import.meta.url).href);

/**
 * A program that hands over sockets in every state, none of which has an 'error' listener, and prints for each how the call
 * ended and what came up as an uncaught exception until all was quiet.
 */
const PROGRAM = `
  import { once } from 'node:events';
  import net from 'node:net';
  import { PassThrough } from 'node:stream';
  import { setTimeout as sleep } from 'node:timers/promises';
  import { SmtpServer, StartTlsServer } from ${library};

  const tls = JSON.parse(process.env.IDENTITY);
  const far = new Set();
  const listener = net.createServer((socket) => {
    socket.on('error', () => {});
    far.add(socket);
  });
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  const connected = async () => {
    const socket = net.connect(listener.address().port, '127.0.0.1');
    await Promise.all([once(socket, 'connect'), once(listener, 'connection')]);
    return socket;
  };
  const states = {
    'never connected': () => new net.Socket(),
    'connecting': () => net.connect(listener.address().port, '127.0.0.1'),
    'refused': () => net.connect(1, '127.0.0.1'),
    'destroyed': async () => (await connected()).destroy(),
    'destroyed with an error': async () => (await connected()).destroy(new Error('mine')),
    'destroyed and never connected': () => new net.Socket().destroy(),
    'ended': async () => (await connected()).end(),
    'a Duplex, destroyed with an error': () => new PassThrough().destroy(new Error('mine')),
    'about to be reset': async () => {
      const socket = await connected();
      for (const one of far) one.resetAndDestroy();
      return socket;
    },
  };
  const request = { args: '', unread: Buffer.alloc(0) };
  const starttls = new StartTlsServer({ tls });
  const calls = {
    'starttls()': async (socket) => {
      const session = starttls.session({});
      await session.ehlo('client.test');
      return session.starttls(socket, request);
    },
    'starttls() that is refused': (socket) => starttls.session({}).starttls(socket, request),
    'tlsOnConnect()': (socket) => starttls.session({}).tlsOnConnect(socket),
    'accept()': async (socket) => new SmtpServer({ tls }).accept(socket),
    'accept() with TLS first': async (socket) => new SmtpServer({ tls }).accept(socket, { tlsOnConnect: true }),
  };
  let uncaught = [];
  process.on('uncaughtException', (error) => uncaught.push(error.code ?? error.message));
  await starttls.ready();
  const said = {};
  for (const [call, run] of Object.entries(calls)) {
    for (const [state, make] of Object.entries(states)) {
      const socket = make();
      const settled = Promise.resolve(socket).then(run).then(({ kind }) => kind ?? 'taken', ({ code }) => code);
      const ended = await Promise.race([settled, sleep(2_000, 'nothing')]);
      await sleep(20);
      said[call + ': ' + state] = [ended, ...uncaught];
      uncaught = [];
      for (const one of far) one.destroy();
      far.clear();
    }
  }
  console.log(JSON.stringify(said));
  process.exit(0);
`;

describe('a socket that cannot be used, and on which nobody listens for errors', { timeout: 120_000 }, () => {
  it('is refused with words, or served until it ends; whatever its state, the process lives', async () => {
    const { issued } = await testIdentity();
    const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], {
      env: { IDENTITY: JSON.stringify({ certificate: issued.cert, privateKey: issued.key }) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    child.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
    });
    await once(child, 'close');
    const said = Object.entries<readonly string[]>(JSON.parse(printed));
    assert.equal(said.length, 5 * 9);
    const unexpected = said.filter(([what, [ended, ...uncaught]]) => uncaught.length > 0 || ended !== expected(what));
    assert.deepEqual(unexpected, []);
  });
});

/** An embedded server takes what it is given and closes it; whoever owns the socket is told. */
function expected(what: string): string {
  if (what.startsWith('accept()')) return 'taken';
  if (!what.endsWith('about to be reset')) return 'ERR_TLS_SMTP_SOCKET_UNUSABLE';
  return what.includes('refused') ? 'refused' : 'ERR_TLS_SMTP_HANDSHAKE_FAILED';
}
