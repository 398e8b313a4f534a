import type { IssuedCertificate } from '../../src/testing/authority.js';
import type { ServerKind, Taken } from './contestants/contestant.js';
import type { Load } from './loads.js';

/** What the bench tells a server process, and what it answers. */
export interface ServerOrders {
  listen: { order: { kind: ServerKind; identity: IssuedCertificate; load: Load }; answer: { port: number } };
  /** Reads the meters. */
  mark: { order: { collectGarbage: boolean }; answer: Mark };
}

/** What the bench tells a client process, and what it answers. */
export interface ClientOrders {
  prepare: { order: { port: number; ca: string; load: Load }; answer: null };
  run: { order: { forMs: number }; answer: Ran };
}

/** The meters of a server process. */
export interface Mark {
  /** User and system time of all threads since the process began, in microseconds. */
  readonly cpuMicros: number;
  /** Resident memory in octets. */
  readonly rss: number;
  readonly taken: Taken | null;
}

/** What a client has done in one run. Nothing of it is under way when it says so. */
export interface Ran {
  readonly operations: number;
  /** TLS records that came with replies. */
  readonly records: number;
  /** How long each operation took, in milliseconds, where that is what is measured. */
  readonly millis: readonly number[];
}

/** An order on the wire. */
export interface Envelope {
  readonly do: string;
  readonly order: unknown;
}

/** Its answer: a failed order ends the bench. */
export type Answer = { readonly answer: unknown } | { readonly failure: string };

/** What an order takes, and what is answered. */
export interface Order {
  readonly order: unknown;
  readonly answer: unknown;
}

type Handlers<T> = {
  readonly [K in keyof T]: T[K] extends { order: infer O; answer: infer A } ? (order: O) => Promise<A> : never;
};

/** Makes this process the obedient one: an order in, an answer out, and an end when the bench goes away. */
export function obey<T extends { [K in keyof T]: Order }>(handlers: Handlers<T>): void {
  const table = handlers as Readonly<Record<string, (order: unknown) => Promise<unknown>>>;
  const say = (answer: Answer): void => {
    process.send?.(answer);
  };
  process.on('message', ({ do: name, order }: Envelope) => {
    Promise.resolve(table[name]?.(order)).then(
      (answer) => say({ answer: answer ?? null }),
      (problem: unknown) => say({ failure: problem instanceof Error ? problem.message : String(problem) }),
    );
  });
  process.on('disconnect', () => process.exit()); // an exit, and not a kill: --cpu-prof writes its file then
}
