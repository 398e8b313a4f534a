import { subscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { type IncomingMessage, SmtpServer } from '../../src/server/index.js';
import { obey } from '../bench/orders.js';
import { openSockets } from '../support/handles.js';
import { OCTETS_FIELD } from './message.js';
import type { SoakOrders } from './orders.js';
import { seeded } from './random.js';

/** A server in a process of its own; run by the soak, with an IPC channel. */

const tally = { begun: 0, over: 0, opened: 0, accepted: 0, truncated: 0, octets: 0, warned: 0 };
const failed: Record<string, number> = {};
const warnings = new Set<string>();
const loop = monitorEventLoopDelay({ resolution: 1 });
let server: SmtpServer | null = null;
let readOn = (): void => {};
const readingOn = new Promise<void>((resolve) => {
  readOn = resolve;
});

obey<SoakOrders>({
  async listen({ certificate, privateKey, handshakeTimeoutMs, paused = false, teardownSeed }) {
    server = new SmtpServer({
      hostname: 'mx.test',
      tls: { certificate, privateKey, ...(handshakeTimeoutMs !== undefined && { handshakeTimeoutMs }) },
      limits: { maxConnections: 100_000, maxHandshakes: 100_000, maxMessageBytes: 2 ** 30 },
      onMessage: paused ? readOneSlice : readWhole,
      onClose: () => void tally.over++,
    });
    server.on('session', () => void tally.begun++);
    server.on('tlsError', ({ code }) => {
      failed[code] = (failed[code] ?? 0) + 1;
    });
    server.on('warning', (text) => {
      tally.warned++;
      warnings.add(text);
    });
    const ports = await (teardownSeed === undefined ? listen(server) : listenAndTearDown(server, seeded(teardownSeed)));
    loop.enable();
    return ports;
  },
  async mark({ collectGarbage }) {
    if (collectGarbage) await collect();
    const { contexts = 0, misses = 0 } = server?.credentials.stats ?? {};
    return {
      ...tally,
      mib: process.memoryUsage.rss() / 2 ** 20,
      sockets: openSockets() ?? 0,
      connections: server?.connections ?? 0,
      failed,
      warnings: [...warnings],
      contexts,
      loaded: misses,
      loopDelayP99Ms: loop.percentile(99) / 1e6,
    };
  },
  async watchLoop() {
    loop.reset();
    return null;
  },
  async readOn() {
    readOn();
    return null;
  },
});

async function listen(on: SmtpServer): Promise<{ port: number; tlsPort: number }> {
  const { port } = await on.listen({ host: '127.0.0.1', port: 0 });
  const { port: tlsPort } = await on.listen({ host: '127.0.0.1', port: 0, tlsOnConnect: true });
  return { port, tlsPort };
}

/** Each message says how long it is: one that is shorter was cut. */
async function readWhole(message: IncomingMessage): Promise<void> {
  tally.opened++;
  const body = await message.bytes();
  tally.accepted++;
  const [, octets] = OCTETS_FIELD.exec(body.toString('latin1', 0, 200)) ?? [];
  if (body.length !== Number(octets)) tally.truncated++;
}

async function readOneSlice(message: IncomingMessage): Promise<void> {
  tally.opened++;
  for await (const slice of message) {
    tally.octets += slice.length;
    await readingOn;
  }
  tally.accepted++;
}

/** Several times, with time in between: what closed sockets hold is let go by finalizers. */
async function collect(): Promise<void> {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc');
  for (let times = 0; times < 3; times++) {
    globalThis.gc();
    await sleep(50);
  }
}

const ENDS: readonly ((socket: Socket) => void)[] = [
  (socket) => socket.destroy(),
  (socket) => socket.resetAndDestroy(),
  (socket) => void socket.end(),
  (socket) => socket.destroy(new Error('torn down')),
];

/** Listens as a host application does, with sockets of its own, and ends half of them whatever happens on them. */
async function listenAndTearDown(on: SmtpServer, random: () => number): Promise<{ port: number; tlsPort: number }> {
  await on.ready();
  const securing = new Map<string, () => void>();
  subscribe('tls-smtp:starttls', (event) => {
    const { type, peer } = event as { readonly type: string; readonly peer?: { readonly port?: number } };
    if (type === 'secured') securing.get(String(peer?.port))?.();
  });
  const open = async (tlsOnConnect: boolean): Promise<number> => {
    const listener = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, (socket) => {
      socket.on('error', () => {});
      const end = ENDS[Math.floor(random() * ENDS.length)];
      const fate = random();
      if (fate < 0.1)
        securing.set(String(socket.remotePort), () => end?.(socket)); // in the tick of the handshake's end
      else if (fate < 0.15) process.nextTick(() => end?.(socket));
      else if (fate < 0.2) setImmediate(() => end?.(socket));
      else if (fate < 0.5) setTimeout(() => end?.(socket), random() * 30);
      const key = String(socket.remotePort);
      socket.on('close', () => securing.delete(key));
      on.accept(socket, { tlsOnConnect });
    }).listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return (listener.address() as AddressInfo).port;
  };
  return { port: await open(false), tlsPort: await open(true) };
}
