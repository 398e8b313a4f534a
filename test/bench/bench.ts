import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { TestAuthority } from '../../src/testing/authority.js';
import { surroundings } from '../support/surroundings.js';
import { type BenchArguments, benchArguments, USAGE } from './arguments.js';
import { isMissed, judge, type Result } from './judge.js';
import type { Ground } from './lane.js';
import { measure } from './measure.js';
import { formatSelfTimes, selfTimes } from './profile.js';
import { formatTable } from './table.js';

/** `npm run bench`: what docs/performance.md says is measured here. */

const CLEAR_LINE = '\r\u001b[K';
const FUNCTIONS_SHOWN = 15;

/** 1 says that a goal was missed; what keeps the bench from judging is 2. */
process.exitCode = await main(process.argv.slice(2)).catch((problem: unknown) => {
  console.error(problem instanceof Error ? problem.message : problem);
  return 2;
});

async function main(given: readonly string[]): Promise<number> {
  const options = benchArguments(given);
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const { results, failures } = await run(options);
  for (const failure of failures) console.error(failure);
  if (options.json) console.log(JSON.stringify({ ...surroundings(), ...pace(options), results }, null, 2));
  else print(results, options);
  if (failures.length > 0) return 2;
  return results.some(isMissed) ? 1 : 0;
}

/** A row that could not be run is told at the end: it takes nothing from the others. */
async function run(options: BenchArguments): Promise<{ results: Result[]; failures: string[] }> {
  const authority = await TestAuthority.create();
  const identity = await authority.issue({ name: 'mx.test', key: 'ec' });
  const profiles = options.profiles === null ? null : resolve(options.profiles);
  if (profiles !== null) mkdirSync(profiles, { recursive: true });
  const ground: Ground = { identity, ca: authority.ca, profiles };
  const results: Result[] = [];
  const failures: string[] = [];
  for (const row of options.rows) {
    try {
      const samples = await measure(row, ground, { ...pace(options), progress });
      results.push(judge(row, samples, options.judged));
    } catch (problem) {
      failures.push(problem instanceof Error ? problem.message : String(problem));
    }
  }
  progress(null);
  return { results, failures };
}

/** One line that is written over, where somebody looks on. */
function progress(where: string | null): void {
  if (process.stderr.isTTY) process.stderr.write(CLEAR_LINE + (where ?? ''));
}

function print(results: readonly Result[], options: BenchArguments): void {
  const colours = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
  const { node, openssl, cpu } = surroundings();
  const { rounds, seconds } = options;
  process.stdout.write(`Node ${node}, OpenSSL ${openssl}, ${cpu}; ${rounds} rounds of ${seconds} s\n\n`);
  process.stdout.write(formatTable(results, colours));
  if (options.profiles !== null) for (const { row, ours } of results) printProfile(row, ours.kind, options.profiles);
}

function printProfile(name: string, kind: string, folder: string): void {
  const profile = JSON.parse(readFileSync(join(folder, `${name}-${kind}.cpuprofile`), 'utf8'));
  process.stdout.write(formatSelfTimes(`${name}: own time of functions`, selfTimes(profile, FUNCTIONS_SHOWN)));
}

function pace({ rounds, seconds }: BenchArguments): { rounds: number; seconds: number } {
  return { rounds, seconds };
}
