import { LineScanner } from './line-scanner.js';

const CR = 0x0d;
const LF = 0x0a;
const LONE_CR = Buffer.from('\r');

/** What a chunk ended with when a dot at the start of a line was its last octet but one or last. */
type Held = 'nothing' | 'dot' | 'dot-cr';

/**
 * Undoes dot-stuffing and finds the end of a DATA body (RFC 5321 §4.5.2), chunk by chunk.
 *
 * The body is handed on as slices of the chunks, nothing is copied. Only `CRLF.CRLF` ends it. The CRLF before that dot
 * belongs to the body. A decoder is for one message.
 */
export class DataDecoder {
  readonly #lines = new LineScanner();
  #held: Held = 'nothing';

  /** Whether the body so far holds a CR or LF that is not part of a CRLF; the session refuses such a message. */
  get bareNewline(): boolean {
    return this.#lines.bareNewline;
  }

  /**
   * @param chunk - octets from the wire
   * @param from - where the body goes on in it
   * @param take - gets each slice of the body, none empty, in order; a slice shares the chunk's memory
   * @returns the index behind the `CRLF.CRLF`; -1 where the body goes on in the next chunk
   */
  decode(chunk: Buffer, from: number, take: (slice: Buffer) => void): number {
    if (from >= chunk.length) return -1;
    let start = from;
    if (this.#held !== 'nothing') {
      const end = this.#resume(chunk, from, take);
      if (end !== null) return end;
      start = from;
    }
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (let at = start; ; at = start) {
      const dot = this.#lines.nextLeadingDot(view, at);
      const sliceEnd = dot === -1 ? chunk.length : dot;
      if (sliceEnd > start) take(start === 0 && sliceEnd === chunk.length ? chunk : chunk.subarray(start, sliceEnd));
      if (dot === -1) return -1;
      if (chunk[dot + 1] === CR && chunk[dot + 2] === LF) return dot + 3;
      start = dot + 1;
      if (start === chunk.length) {
        this.#held = 'dot';
        return -1;
      }
      if (start === chunk.length - 1 && chunk[start] === CR) {
        this.#held = 'dot-cr';
        return -1;
      }
    }
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
