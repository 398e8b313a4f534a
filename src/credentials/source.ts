import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open, readdir, realpath } from 'node:fs/promises';
import { isAbsolute, join, sep } from 'node:path';
import { inTime } from '../callback-answer.js';
import { CredentialError, CredentialInvalidError, CredentialPathError, CredentialUnreadableError } from './errors.js';
import { WatchedFile } from './watched-file.js';

/** An absolute file path, or PEM text (anything that holds `-----BEGIN`). */
export type PemSource = string | Buffer;

/** PEM text with where it came from, for the errors that name it. */
export interface PemText {
  readonly option: string;
  /** The file, or `PEM text`. */
  readonly source: string;
  readonly text: string;
  /** Of the file that was read, through the same descriptor; `null` for PEM text. */
  readonly file: { readonly mode: number; readonly owner: number } | null;
}

/** Where a value was found, and what is to be remembered of reading it. */
export interface Reading {
  /** The option with its path, for errors. */
  readonly option: string;
  /** A peer's name is in it: a file must lie below `root`. */
  readonly byPeer: boolean;
  readonly root: string | null;
  /** When all of it has to be read, on the clock of `performance.now()`: a file system that is away answers nothing. */
  readonly dueAt: number;
  /** Every file that was looked at, also in vain. */
  readonly files: WatchedFile[];
}

/** More than any chain; a device or a mail spool named by mistake is not read to its end. */
const MAX_OCTETS = 4 * 1024 * 1024;

/** OpenSSL finds a certificate in a directory by `<hash>.<n>`, a CRL by `<hash>.r<n>` (openssl rehash makes them). */
const HASH_NAMES: Readonly<Record<'certificates' | 'crls', RegExp>> = {
  certificates: /^[0-9a-f]{8}\.\d+$/,
  crls: /^[0-9a-f]{8}\.r\d+$/,
};

/**
 * @throws {CredentialInvalidError} where a path is relative or nothing that is PEM was given
 * @throws {CredentialUnreadableError} where the file cannot be read, or not in time
 * @throws {CredentialPathError} where a peer's name led out of the root
 */
export async function readPem(reading: Reading, given: unknown): Promise<PemText> {
  const { option } = reading;
  const path = pathOf(option, given);
  if (typeof path !== 'string') return path;
  const pem = await readFile(reading, path);
  if (!pem.text.includes('-----BEGIN ')) throw new CredentialInvalidError(option, path, 'holds no PEM block');
  return pem;
}

/**
 * Reads a collection: a file of many blocks, a directory with hash names, or PEM text. An empty file is an empty
 * collection.
 * @throws as {@link readPem}
 */
export async function readCollection(
  reading: Reading,
  given: unknown,
  kind: 'certificates' | 'crls',
): Promise<readonly PemText[]> {
  const { option } = reading;
  const path = pathOf(option, given);
  if (typeof path !== 'string') return [path];
  if (path === '/dev/null') return [];
  const names = await directoryNames(reading, path);
  if (names === null) {
    const pem = await readFile(reading, path);
    if (pem.text.trim() === '') return [];
    if (!pem.text.includes('-----BEGIN ')) throw new CredentialInvalidError(option, path, 'holds no PEM block');
    return [pem];
  }
  reading.files.push(WatchedFile.now(path));
  const hashed = names.filter((name) => HASH_NAMES[kind].test(name)).sort();
  if (hashed.length === 0) {
    const name = kind === 'crls' ? '<8 hex>.r0' : '<8 hex>.0';
    throw new CredentialInvalidError(
      option,
      path,
      `is a directory without OpenSSL hash names (${name}); run openssl rehash`,
    );
  }
  const all: PemText[] = [];
  for (const name of hashed) all.push(await readPem(reading, join(path, name)));
  return all;
}

/** @returns the path, or the text where it is PEM already */
function pathOf(option: string, given: unknown): string | PemText {
  if (typeof given !== 'string' && !Buffer.isBuffer(given)) {
    throw new CredentialInvalidError(option, typeof given, 'is neither an absolute path, PEM text nor a Buffer');
  }
  const text = typeof given === 'string' ? given : given.toString('latin1');
  if (text.includes('-----BEGIN ')) return { option, source: 'PEM text', text, file: null };
  if (typeof given !== 'string') throw new CredentialInvalidError(option, 'Buffer', 'holds no PEM block');
  if (given.includes('\0') || given.includes('\n')) {
    throw new CredentialInvalidError(option, 'text', 'is neither a file name nor PEM text');
  }
  if (given === '') throw new CredentialInvalidError(option, 'text', 'is empty; give an absolute path, or PEM text');
  if (!isAbsolute(given)) {
    // A key that lost its BEGIN line looks like this too. Base64 has no dot: only what has one is shown.
    const source = given.length <= 255 && given.includes('.') ? given : 'text';
    throw new CredentialInvalidError(option, source, 'is a relative path; give an absolute one, or PEM text');
  }
  return given;
}

async function readFile(reading: Reading, path: string): Promise<PemText> {
  const { option } = reading;
  const seen: { stat?: BigIntStats } = {};
  try {
    if (reading.byPeer) await bounded(reading, path, assertBelowRoot(reading, path));
    const text = await bounded(reading, path, readRegularFile(option, path, seen));
    const file = seen.stat && { mode: Number(seen.stat.mode), owner: Number(seen.stat.uid) };
    return { option, source: path, text, file: file ?? null };
  } catch (cause) {
    throw cause instanceof CredentialError ? cause : new CredentialUnreadableError(option, path, cause);
  } finally {
    reading.files.push(seen.stat === undefined ? WatchedFile.now(path) : new WatchedFile(path, seen.stat));
  }
}

/** The file that is looked at is the file that is read: both through one descriptor. */
async function readRegularFile(option: string, path: string, seen: { stat?: BigIntStats }): Promise<string> {
  await using handle: FileHandle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK); // a pipe would block
  const facts = await handle.stat({ bigint: true });
  seen.stat = facts;
  if (!facts.isFile()) throw new CredentialInvalidError(option, path, 'is no regular file');
  if (facts.size > MAX_OCTETS) throw new CredentialInvalidError(option, path, `is larger than ${MAX_OCTETS} octets`);
  return handle.readFile('latin1');
}

/** `/etc/certs/${sni}.pem` is the classic way out of a directory (Exim taints such names since 4.94). */
async function assertBelowRoot({ option, root }: Reading, path: string): Promise<void> {
  if (root === null) {
    throw new CredentialPathError(option, 'is made from a name that the peer chose; set tls.credentialsRoot');
  }
  const [realRoot, real] = await Promise.all([realpath(root), realpath(path)]).catch((cause: unknown) => {
    // The name is not in the message: it is the peer's.
    throw new CredentialUnreadableError(option, 'file below tls.credentialsRoot', cause);
  });
  if (!real.startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep)) {
    throw new CredentialPathError(option, 'leads out of tls.credentialsRoot');
  }
}

async function directoryNames(reading: Reading, path: string): Promise<string[] | null> {
  try {
    return await bounded(reading, path, readdir(path));
  } catch {
    return null; // a file, or what reading it will report
  }
}

/** What comes later is ignored; the descriptor is closed when the system lets go of it. */
function bounded<T>({ option, dueAt }: Reading, path: string, work: Promise<T>): Promise<T> {
  const late = (): CredentialError => new CredentialUnreadableError(option, path, { code: 'ETIMEDOUT' });
  return inTime(work, Math.max(1, dueAt - performance.now()), late);
}
