import { setTimeout as sleep } from 'node:timers/promises';
import type { Contestant, ContestantSettings, ServerKind } from './contestants/contestant.js';
import { obey, type ServerOrders } from './orders.js';

/** A server in a process of its own; run by the bench, with an IPC channel. */

let contestant: Contestant | null = null;

obey<ServerOrders>({
  async listen({ kind, ...settings }) {
    contestant = await start(kind, settings);
    return { port: contestant.port };
  },
  async mark({ collectGarbage }) {
    if (collectGarbage) await collect();
    const { user, system } = process.cpuUsage();
    return { cpuMicros: user + system, rss: process.memoryUsage.rss(), taken: contestant?.taken() ?? null };
  },
});

/** Only the one that runs is loaded. */
async function start(kind: ServerKind, settings: ContestantSettings): Promise<Contestant> {
  if (kind === 'tls-smtp' || kind === 'tls-smtp-resumable') {
    return (await import('./contestants/tls-smtp.js')).startOurs(settings, kind === 'tls-smtp-resumable');
  }
  if (kind === 'smtp-server') return (await import('./contestants/smtp-server.js')).startSmtpServer(settings);
  return (await import('./contestants/raw.js')).startRaw(settings, kind === 'raw' ? 'engine' : 'bare');
}

/** Several times, with time in between: what closed sockets hold is let go by finalizers. */
async function collect(): Promise<void> {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc');
  for (let times = 0; times < 3; times++) {
    globalThis.gc();
    await sleep(50);
  }
}
