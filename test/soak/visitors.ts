import { connect, type Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { Caller } from '../bench/caller.js';
import type { Exchange } from '../bench/dialogue.js';
import { RawClient, sleep } from '../support/raw-client.js';
import { messageOf } from './message.js';

/** Clients, good and bad. What they do when the server hangs up is no failure of theirs; what a good one is refused is. */

const EHLO = exchange('EHLO client.test\r\n', 250);
const QUIT = exchange('QUIT\r\n', 221);
const ENVELOPE = exchange('MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n', 250, 250, 354);
const MESSAGE = exchange(`${messageOf(20)}.\r\n`, 250);

/** Connects, EHLO, STARTTLS, handshake, EHLO; stays. */
export async function sitsDown(port: number, trust: SecureContext): Promise<Caller> {
  const caller = await Caller.secured(port, { secureContext: trust });
  await caller.ask(EHLO);
  return caller;
}

/** Connects, STARTTLS, QUIT. @returns how long it took, in milliseconds */
export async function looksIn(port: number, trust: SecureContext): Promise<number> {
  const begun = performance.now();
  const caller = await sitsDown(port, trust);
  await caller.ask(QUIT);
  await caller.closed();
  return performance.now() - begun;
}

/** Delivers a message inside TLS. */
export async function delivers(port: number, trust: SecureContext): Promise<void> {
  const caller = await sitsDown(port, trust);
  for (const step of [ENVELOPE, MESSAGE, QUIT]) await caller.ask(step);
  await caller.closed();
}

/** Connects, and says EHLO in clear. @returns how long the reply took from the beginning, in milliseconds */
export async function asksInClear(port: number): Promise<number> {
  const begun = performance.now();
  const caller = await Caller.connect(port);
  await caller.ask(EHLO);
  const tookMs = performance.now() - begun;
  await caller.close();
  return tookMs;
}

/** Connects and is answered 220 to STARTTLS. */
export async function asksForTls(port: number): Promise<RawClient> {
  const client = await RawClient.greeted(port);
  const reply = await client.ask('STARTTLS');
  if (!reply.startsWith('220 ')) throw new Error(`STARTTLS was answered ${reply}`);
  return client;
}

/** Sends octets that are no handshake behind the 220, and waits until the server has had enough. */
export async function talksGarbage(port: number, random: () => number): Promise<void> {
  await using client = await asksForTls(port);
  const garbage = Buffer.from(Array.from({ length: 5 + Math.floor(random() * 600) }, () => random() * 256));
  // Half of them begin like a record, so that the garbage is read as a message of the handshake, and longer than it says.
  if (random() < 0.5) garbage.set([22, 3, 1, 0, Math.min(255, garbage.length - 5)]);
  await client.send(garbage).catch(() => {});
  client.finish();
  await client.closed();
}

/** What is done with a connection, one after the other; a client may leave behind any of them. */
const STEPS: readonly ((client: RawClient, trust: SecureContext) => Promise<unknown>)[] = [
  (client) => client.reply(),
  (client) => client.ask('EHLO client.test'),
  (client) => client.ask('STARTTLS'),
  (client, trust) => client.upgrade({ secureContext: trust }),
  (client) => client.ask('EHLO client.test'),
  (client) => client.ask('MAIL FROM:<a@x.test>'),
  (client) => client.ask('RCPT TO:<b@y.test>'),
  (client) => client.ask('DATA'),
  (client) => client.send(messageOf(50)),
  (client) => client.ask('.'),
];

const LEAVES: readonly ((client: RawClient) => void)[] = [
  (client) => client.finish(),
  (client) => client.reset(),
  (client) => client.destroy(),
  (client) => void client.raw.end(), // a FIN without close_notify
];

/** How long a client that has closed its side waits for the server to do the same. */
const LINGER_MS = 500;

/** Goes so far and no further, and leaves while the next step is under way, sooner or later, in one way or another. */
export async function leavesAnywhere(port: number, trust: SecureContext, random: () => number): Promise<void> {
  const last = Math.floor(random() * (STEPS.length + 1));
  const leave = LEAVES[Math.floor(random() * LEAVES.length)];
  const waitMs = random() < 0.5 ? 0 : random() * 10;
  let client: RawClient;
  try {
    client = await RawClient.connect(port);
  } catch {
    return; // reset before the connection was told of
  }
  try {
    for (const step of STEPS.slice(0, last)) await step(client, trust);
    STEPS[last]?.(client, trust).catch(() => {});
    if (waitMs > 0) await sleep(waitMs);
  } catch {
    // the server was faster
  }
  const gone = client.raw.closed || new Promise((resolve) => client.raw.once('close', resolve));
  leave?.(client);
  await Promise.race([gone, sleep(LINGER_MS)]);
  client.destroy();
}

/** Hangs up in the middle of a handshake, or before it. */
export async function hangsUp(port: number, how: 'FIN' | 'RST'): Promise<void> {
  const socket: Socket = connect({ port, host: '127.0.0.1' }).on('error', () => {});
  const over = new Promise((resolve) => socket.once('close', resolve));
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
  if (how === 'RST') socket.resetAndDestroy();
  else socket.destroy();
  await over;
}

function exchange(send: string, ...codes: number[]): Exchange {
  return { send: Buffer.from(send, 'latin1'), codes };
}
