import { Readable } from 'node:stream';
import type { LogSelectors } from '../inspect/log-fields.js';
import type { ReceivedOptions } from '../inspect/received.js';
import { block } from './blocks.js';
import { type Envelope, type IncomingMessage, MessageAlreadyReadError, MessageIncompleteError } from './message.js';

/** Held for a slow reader before the client's socket is paused, and what is left when it goes on. */
const HIGH_WATER_OCTETS = 64 * 1024;
const LOW_WATER_OCTETS = 16 * 1024;

/**
 * The largest block that the slices of a message are gathered in; the first is as large as the first slice, and the next are
 * twice as large. In 64 KiB a message of 50 MB costs a twentieth more.
 */
const LARGEST_BLOCK_OCTETS = 256 * 1024;

const NO_BLOCK = Buffer.alloc(0);

/** What the session does for its message. */
export interface MessageSource {
  /** The reader has caught up (or went away): let the client send again. */
  resume(): void;
  receivedHeader(options?: ReceivedOptions): string;
  logLine(selectors?: LogSelectors): string;
}

const ignore = (): void => {};

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The queue between a session, which pushes slices, and a handler, which pulls them. The session holds the client back
 * while the queue is full.
 *
 * Slices are copied behind each other into blocks: what is pushed is lent, and a Buffer for each octet of a dripping
 * client would cost a hundred times its size. What a reader has is never written to.
 */
export class MessageQueue implements IncomingMessage {
  readonly envelope: Envelope;
  readonly #source: MessageSource;
  #slices: Buffer[] = [];
  #queued = 0;
  #block: Buffer = NO_BLOCK;
  /** Where the last slice begins in its block, and where it ends. */
  #from = 0;
  #used = 0;
  #reading: 'nothing' | 'slices' | 'bytes' | 'dropping' = 'nothing';
  #end: 'open' | 'ended' | MessageIncompleteError = 'open';
  #full = false;
  /** Why no 250 can be said any more. */
  #lost: MessageIncompleteError | null = null;
  #controller: AbortController | null = null;
  /** Who waits for a slice, and who waits for all of it. */
  #readers: Waiting<IteratorResult<Buffer, void>>[] = [];
  #collector: Waiting<Buffer> | null = null;
  /** What `bytes()` or `text()` gave out. */
  #whole: Promise<unknown> | null = null;

  constructor(envelope: Envelope, source: MessageSource) {
    this.envelope = envelope;
    this.#source = source;
  }

  get size(): number | null {
    const declared = this.envelope.mailFrom.parameters['SIZE'];
    return typeof declared === 'string' ? Number(declared) : null;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#lost !== null) this.#controller.abort(this.#lost);
    return this.#controller.signal;
  }

  /** Whether the client should be held back. A reader of `bytes()` takes all there is. */
  get full(): boolean {
    return this.#full;
  }

  /** @param slice - not empty; its memory is free again when this returns */
  push(slice: Buffer): void {
    if (this.#reading === 'dropping') return;
    this.#queued += slice.length;
    this.#copy(slice);
    if (this.#readers.length > 0) this.#serve();
    if (this.#queued >= HIGH_WATER_OCTETS && this.#reading !== 'bytes') this.#full = true;
  }

  /** The body has come to its end and is accepted so far. */
  finish(): void {
    if (this.#end === 'open') this.#end = 'ended';
    this.#serve();
  }

  /** The message is cut short or refused: a reader gets this error in place of an end that it has not come to. */
  fail(error: MessageIncompleteError): void {
    this.#breakOff(error);
    this.#lost ??= error;
    this.#controller?.abort(this.#lost);
  }

  /** The handler is done: whatever else comes is dropped. */
  drop(): void {
    if (this.#reading === 'bytes' && this.#end === 'open') return; // still being collected
    // A reader that is left behind must not take what it has for the whole.
    if (this.#reading === 'slices')
      this.#breakOff(new MessageIncompleteError('the handler returned before the message was read'));
    this.#reading = 'dropping';
    this.#clear();
    this.#letGo();
  }

  bytes(): Promise<Buffer> {
    const bytes = new Promise<Buffer>((resolve, reject) => {
      this.#begin('bytes');
      this.#collector = { resolve, reject };
      this.#letGo();
      this.#serve();
    });
    return this.#giveOut(bytes);
  }

  text(): Promise<string> {
    return this.#giveOut(this.bytes().then((bytes) => bytes.toString('utf8')));
  }

  stream(): Readable {
    const stream = Readable.from(this, { objectMode: false, highWaterMark: HIGH_WATER_OCTETS });
    // A client that hangs up must not end a process whose handler forgot to listen; `pipeline` and iterators still see it.
    stream.on('error', ignore);
    return stream;
  }

  [Symbol.asyncIterator](): AsyncIterator<Buffer, void, undefined> {
    this.#begin('slices');
    return {
      next: () =>
        new Promise((resolve, reject) => {
          this.#readers.push({ resolve, reject });
          this.#serve();
        }),
      return: async () => {
        this.drop();
        return { value: undefined, done: true };
      },
    };
  }

  receivedHeader(options?: ReceivedOptions): string {
    return this.#source.receivedHeader(options);
  }

  logLine(selectors?: LogSelectors): string {
    return this.#source.logLine(selectors);
  }

  #breakOff(error: MessageIncompleteError): void {
    if (this.#end === 'open') this.#end = error;
    if (this.#end !== 'ended') this.#whole?.catch(ignore);
    this.#serve();
  }

  /** A handler that waits for something else meanwhile sees a failure later: a client that hangs up must not end the process. */
  #giveOut<T>(whole: Promise<T>): Promise<T> {
    this.#whole = whole;
    if (this.#end instanceof MessageIncompleteError) whole.catch(ignore);
    return whole;
  }

  #begin(way: 'slices' | 'bytes'): void {
    if (this.#reading !== 'nothing') throw new MessageAlreadyReadError();
    this.#reading = way;
  }

  /** Gives whoever waits what there is. */
  #serve(): void {
    if (this.#collector !== null && this.#end !== 'open') {
      const { resolve, reject } = this.#collector;
      this.#collector = null;
      if (this.#end === 'ended') resolve(this.#takeAll());
      else reject(this.#end);
    }
    while (this.#readers.length > 0) {
      const slice = this.#takeFirst();
      if (slice === undefined && this.#end === 'open') return;
      const { resolve, reject } = this.#readers.shift() as Waiting<IteratorResult<Buffer, void>>;
      if (slice !== undefined) resolve({ value: slice, done: false });
      else if (this.#end instanceof MessageIncompleteError) reject(this.#end);
      else resolve({ value: undefined, done: true });
    }
  }

  #takeFirst(): Buffer | undefined {
    const slice = this.#slices.shift();
    if (slice === undefined) return undefined;
    this.#queued -= slice.length;
    if (this.#full && this.#queued <= LOW_WATER_OCTETS) this.#letGo();
    return slice;
  }

  #takeAll(): Buffer {
    const slices = this.#slices;
    const octets = this.#queued;
    this.#clear();
    const [first] = slices;
    return slices.length === 1 && first !== undefined ? first : Buffer.concat(slices, octets);
  }

  #clear(): void {
    this.#slices = [];
    this.#queued = 0;
    this.#block = NO_BLOCK;
    this.#used = 0;
  }

  #letGo(): void {
    if (!this.#full) return;
    this.#full = false;
    this.#source.resume();
  }

  /** Copies a slice behind the last one, which grows by it unless a reader has it already. */
  #copy(slice: Buffer): void {
    const fits = this.#block.length - this.#used >= slice.length;
    if (!fits) {
      const size = Math.min(LARGEST_BLOCK_OCTETS, 2 * this.#block.length);
      this.#block = block(Math.max(size, slice.length));
      this.#used = 0;
    }
    this.#block.set(slice, this.#used);
    const grows = fits && this.#slices.length > 0;
    if (grows) this.#slices.pop();
    else this.#from = this.#used;
    this.#used += slice.length;
    const whole = this.#from === 0 && this.#used === this.#block.length;
    this.#slices.push(whole ? this.#block : this.#block.subarray(this.#from, this.#used));
  }
}
