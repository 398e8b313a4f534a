import type { Readable } from 'node:stream';
import { OptionError } from '../errors.js';
import { DataEncoder } from '../smtp/data-encoder.js';
import { MessageNotReplayableError } from './errors.js';

/** A message: whole, or as a stream, or as a function that makes a stream and can make it again for a further host. */
export type MessageSource =
  | string
  | Buffer
  | Readable
  | AsyncIterable<Buffer>
  | (() => Readable | AsyncIterable<Buffer>);

/** The caller's source failed; `cause` is what it said. Inside the room alone: callers see {@link MessageSourceError}. */
export class SourceFailure extends Error {
  constructor(cause: unknown) {
    super('the source of the message failed', { cause });
  }
}

/** What is encoded and written at once. */
const SLICE_OCTETS = 256 * 1024;

/** One message for the attempts of one delivery. */
export class OutgoingMessage {
  readonly #source: MessageSource;
  #encoder = new DataEncoder();
  #started = false;
  #open: Readable | null = null;

  /** @throws {OptionError} where it is no source, or a stream that has nothing to give any more */
  constructor(source: MessageSource) {
    this.#source = source;
    if (isStream(source)) {
      if (!source.readable && !source.errored) {
        throw new OptionError('message', 'is a stream that was read to its end or destroyed');
      }
      source.on('error', ignore); // from now on: a file that is not there fails while the host is still being dialled
    } else if (!isWhole(source) && typeof source !== 'function' && !isAsyncIterable(source)) {
      throw new OptionError('message', 'must be a string, a Buffer, a stream, or a function that makes a stream');
    }
  }

  /** Whether it can be sent from its beginning: a stream that was started cannot. */
  get fresh(): boolean {
    return !this.#started || isWhole(this.#source) || typeof this.#source === 'function';
  }

  /**
   * @throws {MessageNotReplayableError} where a one-shot stream was started already
   * @throws {SourceFailure} where the stream failed or ended while it waited
   */
  assertReadable(): void {
    if (!this.fresh) throw new MessageNotReplayableError();
    if (!isStream(this.#source) || this.#source.readable) return;
    throw new SourceFailure(this.#source.errored ?? new Error('the stream ended before it was read'));
  }

  /**
   * The body as DATA wants it (RFC 5321 §4.5.2), without its end.
   * @throws {SourceFailure} where the source throws, or gives what is neither text nor octets
   */
  async *wire(): AsyncGenerator<Buffer, void, undefined> {
    this.assertReadable();
    this.#started = true;
    this.#encoder = new DataEncoder();
    let slices: Buffer[] = [];
    const take = (slice: Buffer): number => slices.push(slice);
    for await (const chunk of this.#chunks()) {
      for (let at = 0; at < chunk.length; at += SLICE_OCTETS) {
        this.#encoder.encode(chunk.subarray(at, at + SLICE_OCTETS), take);
        yield joined(slices);
        slices = [];
      }
    }
  }

  /** What ends the body that {@link wire} gave. Apart from it, since once this is written nothing can be taken back. */
  ending(): Buffer {
    const slices: Buffer[] = [];
    this.#encoder.finish((slice) => slices.push(slice));
    return joined(slices);
  }

  /** Destroys a stream that was started, as leaving a `for await` does, also where the stream never gives anything. */
  abandon(): void {
    this.#open?.destroy();
    this.#open = null;
  }

  /** The delivery is over: a stream that was never started is the caller's again. */
  release(): void {
    this.abandon();
    if (!this.#started && isStream(this.#source)) this.#source.off('error', ignore);
  }

  async *#chunks(): AsyncGenerator<Buffer, void, undefined> {
    try {
      const source = typeof this.#source === 'function' ? this.#source() : this.#source;
      if (isWhole(source)) return yield octets(source);
      if (isStream(source)) this.#open = source.on('error', ignore);
      for await (const chunk of source) yield octets(chunk);
    } catch (cause) {
      throw new SourceFailure(cause);
    }
  }
}

function octets(chunk: unknown): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk);
  if (Buffer.isBuffer(chunk)) return chunk;
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
  throw new TypeError('a chunk of the message is neither a string nor a Buffer');
}

function joined(slices: readonly Buffer[]): Buffer {
  const [only] = slices;
  return slices.length === 1 && only !== undefined ? only : Buffer.concat(slices);
}

function isWhole(source: unknown): source is string | Buffer {
  return typeof source === 'string' || Buffer.isBuffer(source);
}

function isAsyncIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

/** By what it can do: a stream of another copy of the stream package is one too. */
function isStream(value: unknown): value is Readable {
  return isAsyncIterable(value) && typeof (value as Readable).on === 'function' && 'destroy' in (value as object);
}

/** The failure is told by who reads the stream; without a listener it would end the process first. */
function ignore(): void {}
