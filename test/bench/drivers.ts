import { setTimeout as sleep } from 'node:timers/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import { Caller } from './caller.js';
import { type Dialogue, dialogueOf, type Exchange } from './dialogue.js';
import type { BannerLoad, ConnectionsLoad, IdleLoad, Load, MessagesLoad } from './loads.js';
import type { Ran } from './orders.js';

/** Puts a load on a server. */
export interface Driver {
  /** Goes on for so long, then finishes what is under way. */
  run(forMs: number): Promise<Ran>;
}

/** @param ca - PEM */
export async function driverOf(load: Load, port: number, ca: string): Promise<Driver> {
  const secureContext = createSecureContext({ ca });
  switch (load.kind) {
    case 'connections':
      return connections(load, port, secureContext);
    case 'messages':
      return messages(load, port, secureContext);
    case 'banner':
      return banner(load, port);
    case 'idle':
      return idle(load, port, secureContext);
  }
}

async function connections(load: ConnectionsLoad, port: number, secureContext: SecureContext): Promise<Driver> {
  const { opening } = dialogueOf(load);
  const session = load.resumed ? { session: await ticket(port, secureContext, opening) } : {};
  const once = async (): Promise<number> => {
    const caller = await Caller.secured(port, { secureContext, ...session });
    if (caller.tls.isSessionReused() !== load.resumed) throw new Error(`resumed: ${!load.resumed}`);
    for (const exchange of opening) await caller.ask(exchange);
    await caller.closed();
    return caller.records;
  };
  return { run: (forMs) => together(load.callers, forMs, () => once) };
}

/** The ticket of one connection serves for all: TLS 1.3 tickets of OpenSSL can be used again. */
async function ticket(port: number, secureContext: SecureContext, exchanges: readonly Exchange[]): Promise<Buffer> {
  const caller = await Caller.secured(port, { secureContext });
  let session: Buffer | null = null;
  caller.tls.on('session', (given: Buffer) => {
    session = given;
  });
  for (const exchange of exchanges) await caller.ask(exchange);
  await caller.closed();
  if (session === null) throw new Error('the server gave no ticket');
  return session;
}

async function messages(load: MessagesLoad, port: number, secureContext: SecureContext): Promise<Driver> {
  const dialogue: Dialogue = dialogueOf(load);
  const callers: Caller[] = [];
  for (let count = 0; count < load.callers; count++) {
    const caller = await Caller.secured(port, { secureContext });
    for (const exchange of dialogue.opening) await caller.ask(exchange);
    callers.push(caller);
  }
  const one = (index: number): (() => Promise<number>) => {
    const caller = callers[index];
    if (caller === undefined) throw new RangeError('no such caller');
    return async () => {
      const before = caller.records;
      for (const exchange of dialogue.cycle) await caller.ask(exchange);
      return caller.records - before;
    };
  };
  return { run: (forMs) => together(load.callers, forMs, one) };
}

/** Several callers side by side, each one operation after the other. */
async function together(
  callers: number,
  forMs: number,
  operationOf: (index: number) => () => Promise<number>,
): Promise<Ran> {
  const end = performance.now() + forMs;
  let operations = 0;
  let records = 0;
  const one = async (_: unknown, index: number): Promise<void> => {
    const operation = operationOf(index);
    do {
      const written = await operation();
      records += written;
      operations++;
    } while (performance.now() < end);
  };
  await Promise.all(Array.from({ length: callers }, one));
  return { operations, records, millis: [] };
}

function banner(_load: BannerLoad, port: number): Driver {
  const IDLE_MS = 10;
  return {
    async run(forMs) {
      const end = performance.now() + forMs;
      const millis: number[] = [];
      do {
        await sleep(IDLE_MS);
        const start = performance.now();
        const caller = await Caller.connect(port);
        millis.push(performance.now() - start);
        await caller.close();
      } while (performance.now() < end);
      return { operations: millis.length, records: 0, millis };
    },
  };
}

/** Each run closes the sessions of the run before, opens as many, and leaves them open. */
async function idle(load: IdleLoad, port: number, secureContext: SecureContext): Promise<Driver> {
  const AT_ONCE = 16;
  const { opening } = dialogueOf(load);
  let callers: Caller[] = [];
  const one = async (): Promise<void> => {
    const caller = await Caller.secured(port, { secureContext });
    for (const exchange of opening) await caller.ask(exchange);
    callers.push(caller);
  };
  const open = async (count: number): Promise<void> => {
    await Promise.all(callers.map((caller) => caller.close()));
    callers = [];
    const worker = async (_: unknown, index: number): Promise<void> => {
      for (let done = index; done < count; done += AT_ONCE) await one();
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  };
  // Compiled code and a grown young generation are memory too, but not that of a session.
  for (let count = 0; count < load.sessions; count += AT_ONCE) await open(AT_ONCE);
  await open(0);
  return {
    async run() {
      await open(load.sessions);
      return { operations: load.sessions, records: 0, millis: [] };
    },
  };
}
