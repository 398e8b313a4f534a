import { surroundings } from '../support/surroundings.js';
import { type SoakArguments, soakArguments, USAGE } from './arguments.js';
import { isMissed, type Result, runRow } from './run-row.js';
import { formatResult } from './table.js';

/** `npm run soak`: what docs/reliability.md says is measured here. */

const CLEAR_LINE = '\r\u001b[K';

/** 1 says that a target was missed; arguments that cannot be meant are 2. */
process.exitCode = await main(process.argv.slice(2));

async function main(given: readonly string[]): Promise<number> {
  let options: SoakArguments;
  try {
    options = soakArguments(given, process.stdout.isTTY);
  } catch (problem) {
    console.error(problem instanceof Error ? problem.message : problem);
    return 2;
  }
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const results = await run(options);
  if (options.json)
    console.log(JSON.stringify({ ...surroundings(), size: options.size, seed: options.seed, results }, null, 2));
  return results.some(isMissed) ? 1 : 0;
}

/** In a terminal each row is printed when it is done. */
async function run({ rows, size, seed, json }: SoakArguments): Promise<readonly Result[]> {
  const { node, openssl, cpu } = surroundings();
  const colours = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
  if (!json) process.stdout.write(`Node ${node}, OpenSSL ${openssl}, ${cpu}; seed ${seed}\n\n`);
  const results: Result[] = [];
  for (const row of rows) {
    const result = await runRow(row, { size, seed, progress });
    progress('');
    if (!json) process.stdout.write(`${formatResult(result, colours)}\n`);
    results.push(result);
  }
  return results;
}

/** One line that is written over, where somebody looks on. */
function progress(where: string): void {
  if (process.stderr.isTTY) process.stderr.write(CLEAR_LINE + where);
}
