import { createHash } from 'node:crypto';
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { HostListSyntaxError } from './errors.js';
import { ItemIndex } from './item-index.js';
import type { FileItems } from './match.js';
import { codeOf } from './names.js';
import { type ListItem, linesOf, parseItems } from './parse.js';
import type { PatternContext } from './pattern.js';

/** A hundred thousand lines are two or three. */
const MAX_OCTETS = 64 * 1024 * 1024;

/** A file that was changed so shortly before it was read may change again without a new time (git calls it racy). */
const RACY_NS = 2_000_000_000n;

/** A version of a file, by what stat() tells of it. */
interface Stamp {
  readonly text: string;
  readonly changedNs: bigint;
}

/**
 * The items of one `/file` of a list: read at first need, and again when it has changed. A later version that cannot be read leaves
 * the last good one in service, and a warning says so, once per version.
 */
export class FileList {
  readonly #item: ListItem;
  readonly #path: string;
  readonly #context: PatternContext;
  readonly #maxGlobs: number;
  readonly #warn: (message: string) => void;
  #good: FileItems | undefined;
  /** The stamp of the version read last, good or bad; empty where it may change unseen. */
  #stamp = '';
  /** The same, whether it may change unseen or not. */
  #young = '';
  /** Of the bytes of the good version. */
  #hash = '';
  #warned = '';
  #turn: Promise<unknown> = Promise.resolve();

  /** @param item - the item that names the file; its markers hold for the lines too */
  constructor(
    path: string,
    item: ListItem,
    context: PatternContext,
    maxGlobs: number,
    warn: (message: string) => void,
  ) {
    this.#path = path;
    this.#item = item;
    this.#context = { ...context, hasList: null };
    this.#maxGlobs = maxGlobs;
    this.#warn = warn;
  }

  /** The items as they are now. One call after the other: a look never sees an older version than the look before it. */
  current(): Promise<FileItems> {
    const turn = this.#turn.then(() => this.#refresh());
    this.#turn = turn;
    return turn;
  }

  /** The items, where they have been read and the file is still the same. A file that changed just now is compared whole. */
  unchanged(): FileItems | undefined {
    if (this.#good === undefined) return undefined;
    try {
      const stamp = stampOf(statSync(this.#path, { bigint: true }));
      if (stamp.text === this.#stamp) return this.#good;
      if (this.#stamp !== '' || stamp.text !== this.#young) return undefined;
      return hashOf(readRegularFileSync(this.#path)) === this.#hash ? this.#good : undefined;
    } catch {
      return undefined;
    }
  }

  async #refresh(): Promise<FileItems> {
    try {
      const stamp = stampOf(await stat(this.#path, { bigint: true }));
      if (stamp.text !== this.#stamp || this.#good === undefined) await this.#load();
      this.#warned = '';
    } catch (error) {
      return this.#failed(problemOf(error));
    }
    return this.#good ?? { kind: 'unreadable', reason: `${this.#path} cannot be read` };
  }

  async #load(): Promise<void> {
    this.#stamp = '';
    const { bytes, stamp } = await readRegularFile(this.#path);
    const ageNs = BigInt(Date.now()) * 1_000_000n - stamp.changedNs;
    if (ageNs > RACY_NS) this.#stamp = stamp.text;
    this.#young = stamp.text;
    const hash = hashOf(bytes);
    if (hash === this.#hash) return;
    const { onUnknown, onDefer } = this.#item;
    const items = parseItems(linesOf(bytes.toString('utf8')), this.#context, this.#maxGlobs);
    this.#good = { kind: 'items', index: new ItemIndex(items.map((item) => ({ ...item, onUnknown, onDefer }))) };
    this.#hash = hash;
  }

  #failed(problem: string): FileItems {
    const reason = `${this.#path} ${problem}`;
    if (this.#good === undefined) return { kind: 'unreadable', reason };
    if (this.#warned !== reason) this.#warn(`${reason}; its last good version stays in service`);
    this.#warned = reason;
    return this.#good;
  }
}

const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK; // a pipe without a writer would block

/** The file that is looked at is the file that is read: both through one descriptor. */
async function readRegularFile(path: string): Promise<{ readonly bytes: Buffer; readonly stamp: Stamp }> {
  await using handle = await open(path, FLAGS);
  const facts = await handle.stat({ bigint: true });
  checkRegular(facts);
  return { bytes: await handle.readFile(), stamp: stampOf(facts) };
}

function readRegularFileSync(path: string): Buffer {
  const descriptor = openSync(path, FLAGS);
  try {
    checkRegular(fstatSync(descriptor, { bigint: true }));
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function checkRegular(facts: BigIntStats): void {
  if (!facts.isFile()) throw new UnreadableFile('is no regular file');
  if (facts.size > MAX_OCTETS) throw new UnreadableFile(`is larger than ${MAX_OCTETS} octets`);
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64');
}

function stampOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): Stamp {
  return { text: [dev, ino, size, mtimeNs, ctimeNs].join(' '), changedNs: mtimeNs > ctimeNs ? mtimeNs : ctimeNs };
}

/** Never leaves this file: it carries the words of a problem to where the path is put before them. */
class UnreadableFile extends Error {}

function problemOf(error: unknown): string {
  if (error instanceof UnreadableFile) return error.message;
  if (error instanceof HostListSyntaxError) return `line ${error.index + 1}: expected ${error.expected}`;
  return `cannot be read (${codeOf(error)})`;
}
