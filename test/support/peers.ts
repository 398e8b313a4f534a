import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { it } from 'node:test';
import { root } from '../architecture/project.js';
import { within } from './raw-client.js';

/** The mail programs of others that tests talk to. `.ci/peers` fetches them. */
export type Peer =
  | 'curl'
  | 'exim4'
  | 'gnutls-cli'
  | 'haproxy'
  | 'master'
  | 'msmtp'
  | 'openssl'
  | 'posttls-finger'
  | 'python3'
  | 'sendmail'
  | 'smtp-source'
  | 'swaks'
  | 'testssl';

export const POSTFIX: string = join(root, '.peers/postfix/usr');

/** Where those stand that are only unpacked: as packages, Exim and Postfix exclude each other, and haproxy starts. The others are on PATH. */
const UNPACKED: Partial<Record<Peer, string>> = {
  exim4: join(root, '.peers/exim4-daemon-heavy/usr/sbin'),
  haproxy: join(root, '.peers/haproxy/usr/sbin'),
  master: join(POSTFIX, 'lib/postfix/sbin'),
  'posttls-finger': join(POSTFIX, 'sbin'),
  sendmail: join(POSTFIX, 'sbin'),
  'smtp-source': join(POSTFIX, 'sbin'),
};

export interface RunOptions {
  /** On top of the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly patienceMs?: number;
}

/** One run of a peer, from start to end. */
export interface PeerRun {
  readonly code: number | null;
  /** Both outputs, as they came, as latin1. */
  readonly printed: string;
}

/**
 * An `it` that is skipped, and says why, where a peer is missing. Not `describe`: node counts a skipped `describe` as
 * no test at all, which is a silent pass.
 */
export function itWith(peers: readonly Peer[], title: string, test: () => Promise<void>): void {
  const [reason = false] = peers.map(absent).filter((one) => one !== null);
  it(title, { skip: reason }, test);
}

/** @returns why a peer cannot be used, or `null` where it can */
function absent(peer: Peer): string | null {
  const path = pathOf(peer);
  if (path === null) return `${peer} is not installed`;
  if (peer !== 'exim4' && peer !== 'master') return null;
  if (process.getuid?.() !== 0) return `${peer} delivers only where root starts it`;
  if (peer === 'master') return null;
  const { status, stderr } = spawnSync(path, ['-C', '/dev/null', '-bV'], { encoding: 'utf8' });
  return status === 0 ? null : `exim4 does not start: ${stderr.trim()}`; // its user is missing, or a library
}

/** @returns the file to run, or `null` where there is none */
export function pathOf(peer: Peer): string | null {
  const unpacked = UNPACKED[peer];
  const folders = unpacked === undefined ? (process.env['PATH'] ?? '').split(delimiter) : [unpacked];
  return folders.map((folder) => join(folder, peer)).find(isExecutable) ?? null;
}

/**
 * Starts a peer.
 *
 * @param detached - as the head of a process group, whose end is then the end of all that it started
 * @throws where it is missing: skip the test instead
 */
export function start(
  peer: Peer,
  args: readonly string[],
  { env = {}, detached = false }: { readonly env?: Readonly<Record<string, string>>; readonly detached?: boolean } = {},
): ChildProcessWithoutNullStreams {
  const path = pathOf(peer);
  if (path === null) throw new Error(`${peer} is not installed`);
  const common = { LC_ALL: 'C', ...(path.startsWith(POSTFIX) && { LD_LIBRARY_PATH: join(POSTFIX, 'lib/postfix') }) };
  const child = spawn(path, args, { detached, env: { ...process.env, ...common, ...env } });
  child.stdin.on('error', () => {}); // it may end without reading
  return child;
}

/** Runs a peer to its end, with `input` as all that it can read. */
export async function run(
  peer: Peer,
  args: readonly string[],
  { env = {}, input = '', patienceMs = 30_000 }: RunOptions = {},
): Promise<PeerRun> {
  const child = start(peer, args, { env });
  const output = outputOf(child);
  const closed = once(child, 'close') as Promise<[number | null]>;
  child.stdin.end(input, 'latin1');
  try {
    const [code] = await within(closed, `${peer} ends`, patienceMs);
    return { code, printed: output() };
  } finally {
    child.kill('SIGKILL');
  }
}

/** @returns what tells all that the child has printed by now */
export function outputOf(child: ChildProcessWithoutNullStreams): () => string {
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      printed += chunk.toString('latin1');
    });
  }
  return () => printed;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
