import type { SecureContext } from 'node:tls';
import type { IssuedCertificate } from '../../src/testing/authority.js';
import type { ServerProcess, ServerSettings } from './server-process.js';

/** A count holds in a run of any size; memory, time and what is derived from them say nothing in a small one. */
export type Unit = 'count' | 'MiB' | 'kB' | 'ms' | 'times';

interface Target {
  readonly sign: '=' | '<=' | '>=';
  readonly value: number;
}

/** One thing that was measured. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: Unit;
  /** `null`: it is only told. */
  readonly target: Target | null;
}

interface Outcome {
  readonly figures: readonly Figure[];
  /** Why less was done than the row asks for. */
  readonly note?: string;
}

/** What a row has to work with. This process is the client; servers are processes of their own. */
interface Work {
  /** How much is to be done: `size` of the row. */
  readonly count: number;
  /** Trusts the authority of every server; one for all clients. */
  readonly trust: SecureContext;
  /** What servers have by default, and more of the same authority. */
  readonly identity: IssuedCertificate;
  issue(host: string): Promise<IssuedCertificate>;
  /** The same numbers in each run. */
  readonly random: () => number;
  /** Starts a server, which is ended behind the row. */
  serve(settings?: ServerSettings): Promise<ServerProcess>;
  /** Told now and then, for those who wait. */
  progress(text: string): void;
}

/** One row of the table of reliability targets, with what it does to a server. */
export interface Row {
  /** As it is called there. */
  readonly name: `R${number}`;
  readonly title: string;
  /** What could go wrong. */
  readonly reason: string;
  /** How much is done: what the target is held against, and what shows in seconds that all counts are right. */
  readonly size: { readonly target: number; readonly small: number; readonly full?: number };
  run(work: Work): Promise<Outcome>;
}

export type Verdict = 'met' | 'missed' | 'not judged' | 'told';

/** @param small - whether the run was a small one: only counts are judged then */
export function judge({ value, unit, target }: Figure, small: boolean): Verdict {
  if (target === null) return 'told';
  if (small && unit !== 'count') return 'not judged';
  const { sign, value: bound } = target;
  const holds = sign === '=' ? value === bound : sign === '<=' ? value <= bound : value >= bound;
  return holds ? 'met' : 'missed';
}

export function exactly(what: string, value: number, bound: number): Figure {
  return { what, value, unit: 'count', target: { sign: '=', value: bound } };
}

export function atMost(what: string, value: number, unit: Unit, bound: number): Figure {
  return { what, value, unit, target: { sign: '<=', value: bound } };
}

export function atLeast(what: string, value: number, unit: Unit, bound: number): Figure {
  return { what, value, unit, target: { sign: '>=', value: bound } };
}

/** @returns all counts of a tally together */
export function sum(tally: Readonly<Record<string, number>>): number {
  return Object.values(tally).reduce((all, one) => all + one, 0);
}

export function told(what: string, value: number, unit: Unit): Figure {
  return { what, value, unit, target: null };
}
