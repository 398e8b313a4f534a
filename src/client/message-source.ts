import type { Readable } from 'node:stream';
import { DataEncoder } from '../smtp/data-encoder.js';
import { MessageNotReplayableError } from './errors.js';

/** A message: whole, or as a stream, or as a function that makes a stream and can make it again for a further host. */
export type MessageSource =
  | string
  | Buffer
  | Readable
  | AsyncIterable<Buffer>
  | (() => Readable | AsyncIterable<Buffer>);

/** One message for the attempts of one delivery. */
export class OutgoingMessage {
  readonly #source: MessageSource;
  #started = false;

  constructor(source: MessageSource) {
    this.#source = source;
  }

  /** @throws {MessageNotReplayableError} where a one-shot stream was started already */
  assertReadable(): void {
    if (this.#started && !this.#replayable) throw new MessageNotReplayableError();
  }

  /** The body as DATA wants it (RFC 5321 §4.5.2), its end included. */
  async *wire(): AsyncGenerator<Buffer, void, undefined> {
    this.assertReadable();
    this.#started = true;
    const encoder = new DataEncoder();
    let slices: Buffer[] = [];
    const take = (slice: Buffer): number => slices.push(slice);
    for await (const chunk of this.#chunks()) {
      encoder.encode(chunk, take);
      yield joined(slices);
      slices = [];
    }
    encoder.finish(take);
    yield joined(slices);
  }

  get #replayable(): boolean {
    return typeof this.#source === 'string' || Buffer.isBuffer(this.#source) || typeof this.#source === 'function';
  }

  async *#chunks(): AsyncGenerator<Buffer, void, undefined> {
    const source = typeof this.#source === 'function' ? this.#source() : this.#source;
    if (typeof source === 'string') yield Buffer.from(source);
    else if (Buffer.isBuffer(source)) yield source;
    else for await (const chunk of source) yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
  }
}

function joined(slices: readonly Buffer[]): Buffer {
  const [only] = slices;
  return slices.length === 1 && only !== undefined ? only : Buffer.concat(slices);
}
