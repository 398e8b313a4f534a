import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { type IssuedCertificate, TestAuthority } from '../../src/testing/authority.js';
import { CONTESTANTS, type Contestant } from './credentials-contestants.js';
import type { Mark } from './credentials-server.js';
import { allowance, median, ratios, summary } from './statistics.js';

/**
 * What a certificate per connection costs: `npm run bench:credentials [-- rounds seconds]`.
 *
 * Each contestant is a process that does handshakes (TLS 1.3, ECDSA P-256) and nothing else; its figure is the CPU that it
 * uses for one. All run in every round, in rotating order. It fails where SPEC §10 is missed.
 */

const AT_ONCE = 4;
/** SPEC §10: within 5 % of a fixed certificate. */
const GOAL = 1.05;

/** A contestant's process, and what it showed. */
class Lane implements AsyncDisposable {
  readonly contestant: Contestant;
  /** CPU per handshake, one value a round. */
  readonly micros: number[] = [];
  /** Contexts that were built while it was measured. */
  built = 0;
  readonly #process: ChildProcess;
  #port = 0;

  constructor(contestant: Contestant) {
    this.contestant = contestant;
    this.#process = fork(join(import.meta.dirname, 'credentials-server.js'), [contestant.name]);
  }

  async open(identity: IssuedCertificate): Promise<void> {
    const { port } = await this.#ask<{ readonly port: number }>(identity);
    this.#port = port;
    await this.#handshakes(this.contestant.warmUp, Number.POSITIVE_INFINITY);
  }

  async measure(seconds: number): Promise<void> {
    const before = await this.#ask<Mark>('mark');
    const done = await this.#handshakes(Number.POSITIVE_INFINITY, performance.now() + seconds * 1_000);
    const after = await this.#ask<Mark>('mark');
    this.micros.push((after.cpuMicros - before.cpuMicros) / done);
    this.built += after.built - before.built;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exit = once(this.#process, 'exit');
    if (this.#process.connected) this.#process.disconnect();
    this.#process.kill(); // it listens for ever
    await exit;
  }

  async #handshakes(count: number, untilMs: number): Promise<number> {
    let begun = 0;
    const client = async (): Promise<void> => {
      while (begun < count && performance.now() < untilMs) {
        begun++;
        await handshake(this.#port);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, client));
    return begun;
  }

  async #ask<T>(order: IssuedCertificate | 'mark'): Promise<T> {
    this.#process.send(order);
    const [answer] = (await once(this.#process, 'message')) as [T];
    return answer;
  }
}

async function handshake(port: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  let heard = false;
  socket.on('data', () => {
    heard = true;
  });
  await once(socket, 'close');
  if (!heard) throw new Error('a handshake failed');
}

async function run(rounds: number, seconds: number): Promise<readonly Lane[]> {
  const identity = await (await TestAuthority.create()).issue({ name: 'mx.test' });
  const lanes: Lane[] = [];
  try {
    for (const contestant of CONTESTANTS) {
      const lane = new Lane(contestant);
      lanes.push(lane);
      await lane.open(identity);
    }
    for (let round = 0; round < rounds; round++) {
      const at = round % lanes.length;
      for (const lane of [...lanes.slice(at), ...lanes.slice(0, at)]) await lane.measure(seconds);
    }
  } finally {
    for (const lane of lanes) await lane[Symbol.asyncDispose]();
  }
  return lanes;
}

/** @returns whether all goals were met */
function report(lanes: readonly Lane[]): boolean {
  const of = (name: string): readonly number[] => lanes.find((lane) => lane.contestant.name === name)?.micros ?? [];
  const slack = allowance(median(ratios(of('fixed, again'), of('fixed'))));
  const cells = (...text: string[]): string =>
    text.map((cell, at) => (at === 0 ? cell.padEnd(40) : cell.padStart(14))).join('');
  console.log(`Node ${process.version}, OpenSSL ${process.versions.openssl}; allowance ${slack.toFixed(3)}`);
  console.log(cells('', 'µs CPU each', '± spread', 'to fixed', 'built', ''));
  let met = true;
  for (const { contestant, micros, built } of lanes) {
    const { median: middle, spread } = summary(micros);
    const ratio = median(ratios(micros, of(contestant.against)));
    const good = ratio <= GOAL + slack && built === 0;
    if (contestant.judged) met &&= good;
    const verdict = contestant.judged ? (good ? 'met' : 'missed') : '';
    console.log(cells(contestant.name, middle.toFixed(0), spread.toFixed(0), ratio.toFixed(3), String(built), verdict));
  }
  return met;
}

const [rounds = 9, seconds = 1] = process.argv.slice(2).map(Number);
if (!report(await run(rounds, seconds))) process.exitCode = 1;
