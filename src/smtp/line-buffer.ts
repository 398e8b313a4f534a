const LF = 0x0a;
const CR = 0x0d;
const NOTHING = Buffer.alloc(0);

/** One line as it stood on the wire, without its end. `text` is latin1: one character per octet. */
export interface Line {
  readonly text: string;
  /** A line that ends in a bare LF is reported as such and never taken for a command (RFC 5321 §2.3.8). */
  readonly end: 'crlf' | 'lf';
}

/** A reader that does not count in lines. */
export interface OctetReader {
  /**
   * @param octets - lent: what is kept of them has to be copied before this returns
   * @returns how many it has read when it came to its end; -1 where it has read all of them, and waits for more
   */
  read(octets: Buffer): number;
}

/**
 * Cuts lines out of received chunks, one decode per line and no copy but for a line that spans chunks.
 *
 * It holds what was read and not yet parsed. It is never carried over a TLS boundary: whoever owns the octets then gets the
 * rest ({@link LineBuffer.takeRest}), to be counted, and the secured side a new one.
 */
export class LineBuffer {
  #chunk: Buffer = NOTHING;
  #at = 0;
  #lent = false;

  /** How many octets are held and not yet parsed. */
  get unread(): number {
    return this.#chunk.length - this.#at;
  }

  /** Whether the next unread octet is this one: enough to know a protocol that does not speak in lines. */
  startsWith(octet: number): boolean {
    return this.#chunk[this.#at] === octet;
  }

  /** Whether the next unread octets are these ASCII letters, in any case. */
  startsWithWord(word: string): boolean {
    return this.#chunk.toString('latin1', this.#at, this.#at + word.length).toUpperCase() === word;
  }

  push(chunk: Buffer): void {
    this.#chunk = this.unread === 0 ? chunk : Buffer.concat([this.#chunk.subarray(this.#at), chunk]);
    this.#at = 0;
  }

  /** Takes a chunk whose memory is used again soon: {@link keep} is called before. */
  lend(chunk: Buffer): void {
    this.#lent = this.unread === 0;
    this.push(chunk);
  }

  /** Makes what is unread its own. */
  keep(): void {
    if (!this.#lent) return;
    this.#lent = false;
    this.#chunk = this.unread === 0 ? NOTHING : Buffer.from(this.#chunk.subarray(this.#at));
    this.#at = 0;
  }

  /**
   * @param maxOctets - the longest line taken, its end included (RFC 5321 §4.5.3.1.4 asks for 512 at least); counted
   *   before anything is decoded
   * @returns the next whole line; `null` where there is none yet; `'too-long'` where no line end stands within
   *   `maxOctets`, however much has arrived
   */
  next(maxOctets: number): Line | 'too-long' | null {
    const chunk = this.#chunk;
    const start = this.#at;
    const lf = chunk.indexOf(LF, start);
    if (lf === -1) return chunk.length - start >= maxOctets ? 'too-long' : null;
    if (lf - start >= maxOctets) return 'too-long';
    this.#at = lf + 1;
    const crlf = lf > start && chunk[lf - 1] === CR;
    return { text: chunk.toString('latin1', start, crlf ? lf - 1 : lf), end: crlf ? 'crlf' : 'lf' };
  }

  /** Has a reader read on. @returns whether it came to its end; what stands behind that is unread */
  readBy(reader: OctetReader): boolean {
    const read = reader.read(this.#at === 0 ? this.#chunk : this.#chunk.subarray(this.#at));
    this.#at = read === -1 ? this.#chunk.length : this.#at + read;
    return read !== -1;
  }

  /** Hands out everything unread, for whoever owns the octets from now on (a STARTTLS boundary). */
  takeRest(): Buffer {
    this.keep();
    const rest = this.#at === 0 ? this.#chunk : this.#chunk.subarray(this.#at);
    this.#chunk = NOTHING;
    this.#at = 0;
    return rest;
  }
}
