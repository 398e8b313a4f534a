const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;
const CRLF = Buffer.from('\r\n');
const STUFFING = Buffer.from('.');
const END = Buffer.from('.\r\n');

/**
 * Prepares a message for DATA (RFC 5321 §4.5.2, §2.3.8): every line end becomes CRLF first, then a dot that begins a
 * line gets a second one. In that order, or a bare LF before a dot would smuggle an end of data past the stuffing.
 *
 * Slices of the input are handed on, nothing is copied. An encoder is for one message.
 */
export class DataEncoder {
  #before: 'line-start' | 'cr' | 'other' = 'line-start';

  /** @param take - gets the wire octets, in order; slices share the chunk's memory */
  encode(chunk: Buffer, take: (slice: Buffer) => void): void {
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      const octet = chunk[at];
      if (octet === LF && this.#before !== 'cr') {
        if (at > start) take(chunk.subarray(start, at));
        take(CRLF);
        start = at + 1;
        this.#before = 'line-start';
        continue;
      }
      if (octet !== LF && this.#before === 'cr') {
        if (at > start) take(chunk.subarray(start, at));
        take(CRLF.subarray(1));
        start = at;
        this.#before = 'line-start';
      }
      if (octet === DOT && this.#before === 'line-start') {
        if (at > start) take(chunk.subarray(start, at));
        take(STUFFING);
        start = at;
      }
      this.#before = octet === CR ? 'cr' : octet === LF ? 'line-start' : 'other';
    }
    if (chunk.length > start) take(start === 0 ? chunk : chunk.subarray(start));
  }

  /** Ends the last line where it has no end yet, then the body: `.<CRLF>`. */
  finish(take: (slice: Buffer) => void): void {
    if (this.#before === 'cr') take(CRLF.subarray(1));
    if (this.#before === 'other') take(CRLF);
    take(END);
  }
}
