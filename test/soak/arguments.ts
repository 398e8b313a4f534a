import { parseArgs } from 'node:util';
import type { Row } from './row.js';
import { ROWS } from './rows.js';

/** `target` is what the targets are held against, `small` shows in seconds that all counts are right. */
export type Size = 'target' | 'small' | 'full';

export interface SoakArguments {
  readonly help: boolean;
  readonly json: boolean;
  readonly size: Size;
  readonly seed: number;
  readonly rows: readonly Row[];
}

const SEED = 1;

export const USAGE: string = `npm run soak -- [options] [row ...]

Puts thousands of clients, good and bad ones, on a server in a process of its own, and holds what it does to memory,
descriptors and other clients against targets. Exit code 1: a target is missed, or the server is gone.

${ROWS.map(({ name, title }) => `  ${name.padEnd(4)} ${title}\n`).join('')}
  --small        a little of each, some seconds; memory and times are not judged then
  --full         100,000 connections in R17
  --seed N       other random numbers than those of ${SEED}
  --json         the results as JSON, as it is where the output is no terminal
  --help         this text
`;

/** @throws {TypeError} in words, for an unknown option or row, or a seed that is no number */
export function soakArguments(given: readonly string[], terminal: boolean): SoakArguments {
  const { values, positionals } = parseArgs({
    args: [...given],
    options: {
      small: { type: 'boolean', default: false },
      full: { type: 'boolean', default: false },
      seed: { type: 'string', default: String(SEED) },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  const seed = Number(values.seed);
  if (!Number.isInteger(seed)) throw new TypeError('--seed takes a whole number');
  if (values.small && values.full) throw new TypeError('--small and --full exclude each other');
  return {
    help: values.help,
    json: values.json || !terminal,
    size: values.small ? 'small' : values.full ? 'full' : 'target',
    seed,
    rows: positionals.length === 0 ? ROWS : positionals.map(rowNamed),
  };
}

function rowNamed(name: string): Row {
  const found = ROWS.find((row) => row.name === name.toUpperCase());
  if (found === undefined) {
    throw new TypeError(`there is no row ${JSON.stringify(name)}; there are ${ROWS.map((row) => row.name).join(', ')}`);
  }
  return found;
}
