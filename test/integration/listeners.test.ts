import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { outputOf } from '../support/peers.js';
import { testIdentity } from '../support/with-server.js';

/**
 * Listeners of the application that throw. In a process of its own, for what they throw is to be an `uncaughtException`:
 * there it is noted, and the server must be as good as before.
 */
const PROGRAM = `
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { SmtpServer } from '${new URL('../../src/server/index.js', import.meta.url).href}';

const [event, cert, key] = process.argv.slice(1);
const uncaught = [];
process.on('uncaughtException', (error) => uncaught.push(error.message));
const closed = [];
const never = () => new Promise(() => {});
const server = new SmtpServer({
  hostname: 'mx.test',
  tls: { certificate: cert, privateKey: key, handshakeTimeoutMs: 100 },
  limits: { handlerTimeoutMs: 100, maxConnections: event === 'turnedAway' ? 1 : 10 },
  onMailFrom: ({ address }) => (address === 'hang@x' ? never() : undefined),
  onClose: (_session, reason) => void closed.push(reason),
});
let armed = true;
server.on('tlsError', () => {});
server.on('warning', () => {});
server.on(event, () => { if (armed) throw new Error('thrown by a listener'); });
const { port } = await server.listen({ host: '127.0.0.1', port: 0 });

/** Says lines one after the other, and gives back all that came. */
async function talk(...lines) {
  let heard = '';
  const socket = connect(port, '127.0.0.1');
  socket.on('data', (chunk) => (heard += chunk));
  socket.on('error', () => {});
  const over = new Promise((resolve) => socket.on('close', resolve));
  for (const line of lines) {
    const before = heard;
    for (let count = 0; heard === before && count < 400; count++) await sleep(5);
    socket.write(line + '\\r\\n');
  }
  await Promise.race([over, sleep(3_000)]);
  socket.destroy();
  return heard;
}

const out = {};
if (event === 'session') out.heard = await talk('EHLO a', 'QUIT');
if (event === 'tlsError') out.heard = await talk('EHLO a', 'STARTTLS', 'no handshake');
if (event === 'warning') {
  const beside = talk('EHLO a', 'MAIL FROM:<hang@x>'); // both are overdue at one tick of the clock
  out.heard = await talk('EHLO a', 'MAIL FROM:<hang@x>');
  out.beside = await beside;
}
if (event === 'turnedAway') {
  const holder = connect(port, '127.0.0.1');
  while (server.connections === 0) await sleep(5);
  out.heard = await talk();
  holder.destroy();
}
while (server.connections > 0) await sleep(5);
armed = event === 'close';
out.after = await talk('EHLO a', 'QUIT');
while (server.connections > 0) await sleep(5);
await server.close();
await sleep(10);
console.log(JSON.stringify({ ...out, uncaught: uncaught.length, closed: closed.length }));
`;

async function run(event: string): Promise<Record<string, unknown>> {
  const { issued } = await testIdentity();
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, event, issued.cert, issued.key]);
  const output = outputOf(child);
  const [code] = await once(child, 'close');
  assert.equal(code, 0, output());
  return JSON.parse(output());
}

describe('a listener that throws: an uncaughtException, and the server goes on', { timeout: 120_000 }, () => {
  const WELL = /^220 mx\.test ESMTP\r\n250-.*\r\n221 2\.0\.0 Bye\r\n$/s;

  it('session: the client is served all the same', async () => {
    const { heard, after, uncaught, closed } = await run('session');
    assert.match(String(heard), WELL);
    assert.match(String(after), WELL);
    assert.deepEqual([uncaught, closed], [1, 2]);
  });

  it('tlsError: the connection is closed', async () => {
    const { heard, after, uncaught, closed } = await run('tlsError');
    assert.match(String(heard), /220 2\.0\.0 Ready to start TLS\r\n$/);
    assert.match(String(after), WELL);
    assert.deepEqual([uncaught, closed], [1, 2]);
  });

  it('warning, out of the clock of the deadlines: all that are overdue are ended', async () => {
    const { heard, beside, after, uncaught, closed } = await run('warning');
    for (const one of [heard, beside]) assert.match(String(one), /421 4\.3\.0 Local problem, try again later\r\n$/);
    assert.match(String(after), WELL);
    assert.deepEqual([uncaught, closed], [2, 3]);
  });

  it('turnedAway: the client is told', async () => {
    const { heard, after, uncaught, closed } = await run('turnedAway');
    assert.match(String(heard), /^421 4\.7\.0 /);
    assert.match(String(after), WELL);
    assert.deepEqual([uncaught, closed], [1, 2]);
  });

  it('close: close() resolves', async () => {
    const { after, uncaught, closed } = await run('close');
    assert.match(String(after), WELL);
    assert.deepEqual([uncaught, closed], [1, 1]);
  });
});
