import { LineScanner } from './line-scanner.js';

const CR = 0x0d;
const LF = 0x0a;
const LONE_CR = Buffer.from('\r');

/** A call into native code costs more than moving this many octets in a loop. */
const SHORT_OCTETS = 64;

/** What a chunk ended with when a dot at the start of a line was its last octet but one or last. */
type Held = 'nothing' | 'dot' | 'dot-cr';

/**
 * Undoes dot-stuffing and finds the end of a DATA body (RFC 5321 §4.5.2), chunk by chunk.
 *
 * A chunk without a stuffed dot is handed on as a slice of itself; one with such dots is copied once, closed up. So a
 * client that stuffs every line costs a copy, and never an object a line. Only `CRLF.CRLF` ends the body, and the CRLF
 * before that dot belongs to it. A decoder is for one message.
 */
export class DataDecoder {
  readonly #lines = new LineScanner();
  #held: Held = 'nothing';

  /** Whether the body so far holds a CR or LF that is not part of a CRLF; the session refuses such a message. */
  get bareNewline(): boolean {
    return this.#lines.bareNewline;
  }

  /**
   * @param chunk - octets from the wire; never written to
   * @param from - where the body goes on in it
   * @param take - gets the chunk's part of the body, if any; it may share the chunk's memory
   * @returns the index behind the `CRLF.CRLF`; -1 where the body goes on in the next chunk
   */
  decode(chunk: Buffer, from: number, take: (slice: Buffer) => void): number {
    if (from >= chunk.length) return -1;
    if (this.#held !== 'nothing') {
      const end = this.#resume(chunk, from, take);
      if (end !== null) return end;
    }
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const body = new Body(chunk);
    for (let start = from; ; ) {
      const dot = this.#lines.nextLeadingDot(view, start);
      body.add(start, dot === -1 ? chunk.length : dot);
      const end = dot === -1 ? -1 : this.#behindDot(chunk, dot);
      if (end === null) {
        start = dot + 1;
        continue;
      }
      const slice = body.slice();
      if (slice.length > 0) take(slice);
      return end;
    }
  }

  /** @returns what `decode` is to return, or `null`: the dot was stuffed, and the body goes on behind it */
  #behindDot(chunk: Buffer, dot: number): number | null {
    const first = chunk[dot + 1];
    if (first === undefined) this.#held = 'dot';
    else if (first !== CR) return null;
    else if (chunk[dot + 2] === undefined) this.#held = 'dot-cr';
    else return chunk[dot + 2] === LF ? dot + 3 : null;
    return -1;
  }

  /**
   * Goes on behind a dot at the start of a line that ended the last chunk.
   *
   * @returns what `decode` is to return, or `null`: it was a stuffed dot, and the body goes on at `from`
   */
  #resume(chunk: Buffer, from: number, take: (slice: Buffer) => void): number | null {
    const first = chunk[from];
    if (this.#held === 'dot' && first === CR) {
      if (from + 1 === chunk.length) {
        this.#held = 'dot-cr';
        return -1;
      }
      this.#held = 'nothing';
      return chunk[from + 1] === LF ? from + 2 : null;
    }
    const crWasHeld = this.#held === 'dot-cr';
    this.#held = 'nothing';
    if (!crWasHeld) return null;
    if (first === LF) return from + 1;
    take(LONE_CR);
    this.#lines.bareNewline = true;
    return null;
  }
}

/** The body's parts of one chunk, put together: one part is a slice of the chunk, more of them are copied. */
class Body {
  readonly #chunk: Buffer;
  #start = 0;
  #end = 0;
  #copy: Buffer | null = null;
  #copied = 0;

  constructor(chunk: Buffer) {
    this.#chunk = chunk;
  }

  add(start: number, end: number): void {
    if (start === end) return;
    if (this.#end > this.#start) this.#keep();
    this.#start = start;
    this.#end = end;
  }

  slice(): Buffer {
    if (this.#copy === null) {
      const whole = this.#start === 0 && this.#end === this.#chunk.length;
      return whole ? this.#chunk : this.#chunk.subarray(this.#start, this.#end);
    }
    this.#keep();
    return this.#copy.subarray(0, this.#copied);
  }

  #keep(): void {
    this.#copy ??= Buffer.allocUnsafe(this.#chunk.length);
    const chunk = this.#chunk;
    const copy = this.#copy;
    const end = this.#end;
    let to = this.#copied;
    if (end - this.#start > SHORT_OCTETS) to += chunk.copy(copy, to, this.#start, end);
    else for (let at = this.#start; at < end; at++) copy[to++] = chunk[at] as number;
    this.#copied = to;
  }
}
