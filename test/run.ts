import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/**
 * Runs compiled tests: `node dist/test/run.js [--node <version>] [folder ...]`
 *
 * Files are named one by one, because the supported versions of Node read a glob or a folder after `--test` differently.
 * Without a folder it runs all that a fresh machine can: every folder with tests, but for those of NEEDS_PEERS.
 */

/** They talk to mail servers that have to be installed first. */
const NEEDS_PEERS = ['interop'];

const OPTIONS = ['--test', '--test-concurrency=2', '--test-reporter=spec'];

/** How long one file may take: testssl wants minutes where the machine is busy. */
const TIMEOUT_MS = { usual: 180_000, withPeers: 300_000 };

const here = import.meta.dirname;
const { values, positionals } = parseArgs({ options: { node: { type: 'string' } }, allowPositionals: true });
const named = positionals.map((folder) => ({ folder, files: testFiles(folder) }));
const empty = named.filter(({ files }) => files.length === 0).map(({ folder }) => folder);

if (empty.length > 0) {
  console.error(`no test file in ${empty.map((folder) => join(here, folder)).join(', ')}`);
  process.exitCode = 1;
} else {
  run(positionals.length > 0 ? named.flatMap(({ files }) => files) : folders().flatMap(testFiles));
}

function run(files: readonly string[]): void {
  const [command, before] = values.node
    ? ['npx', ['--yes', '--package', `node@${values.node}`, 'node']]
    : [process.execPath, []];
  const timeoutMs = NEEDS_PEERS.some((folder) => positionals.includes(folder))
    ? TIMEOUT_MS.withPeers
    : TIMEOUT_MS.usual;
  const options = [...OPTIONS, `--test-timeout=${timeoutMs}`];
  const child = spawn(command, [...before, ...options, ...files], { stdio: ['ignore', 'inherit', 'inherit'] });
  child.on('error', (error) => {
    console.error(`${command}: ${error.message}`);
    process.exitCode = 1;
  });
  child.on('close', (code) => {
    process.exitCode = code ?? 1;
  });
}

function folders(): string[] {
  const names = readdirSync(here, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return names.map((entry) => entry.name).filter((folder) => !NEEDS_PEERS.includes(folder));
}

function testFiles(folder: string): string[] {
  const path = join(here, folder);
  let names: string[];
  try {
    names = readdirSync(path, { recursive: true, encoding: 'utf8' });
  } catch {
    return [];
  }
  return names
    .filter((name) => name.endsWith('.test.js'))
    .map((name) => join(path, name))
    .sort();
}
