import { parseArgs } from 'node:util';
import { ROWS, type Row } from './rows.js';

export interface BenchArguments {
  readonly help: boolean;
  readonly json: boolean;
  readonly rows: readonly Row[];
  readonly rounds: number;
  readonly seconds: number;
  readonly profiles: string | null;
  /** Whether the run is long enough to judge a goal (nine rounds of a second). */
  readonly judged: boolean;
}

const ROUNDS = 9;
const SECONDS = 1;

export const USAGE: string = `npm run bench -- [options] [row ...]

Compares the CPU time of tls-smtp per operation with the physical limit and with smtp-server. Exit code 1: a goal is missed.

  --rows a,b     these rows only; the same as naming them. Rows:
${ROWS.map(({ name, title }) => `                   ${name.padEnd(21)} ${title}\n`).join('')}  --rounds N     how often each contestant runs (${ROUNDS})
  --seconds S    how long it runs each time (${SECONDS}); goals are judged from ${ROUNDS} rounds of ${SECONDS} second
  --profile DIR  writes a CPU profile of each server into DIR and prints where ours spends its time; slows all servers down
  --json         the results as JSON
  --help         this text
`;

/** @throws {TypeError} in words, for an unknown option or row, or a number that is none */
export function benchArguments(given: readonly string[]): BenchArguments {
  const { values, positionals } = parseArgs({
    args: [...given],
    options: {
      rows: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      profile: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  const rounds = positive('rounds', values.rounds, ROUNDS);
  if (!Number.isInteger(rounds)) throw new TypeError('--rounds takes a whole number');
  const seconds = positive('seconds', values.seconds, SECONDS);
  const names = [...(values.rows?.split(',') ?? []), ...positionals];
  const profiles = values.profile ?? null;
  return {
    help: values.help,
    json: values.json,
    rows: names.length === 0 ? ROWS : names.map(rowNamed),
    rounds,
    seconds,
    profiles,
    judged: rounds >= ROUNDS && seconds >= SECONDS && profiles === null,
  };
}

function rowNamed(name: string): Row {
  const found = ROWS.find((row) => row.name === name);
  if (found === undefined) {
    throw new TypeError(`there is no row ${JSON.stringify(name)}; there are ${ROWS.map((row) => row.name).join(', ')}`);
  }
  return found;
}

function positive(option: string, text: string | undefined, fallback: number): number {
  const number = text === undefined ? fallback : Number(text);
  if (!(number > 0) || !Number.isFinite(number)) throw new TypeError(`--${option} takes a number above 0`);
  return number;
}
