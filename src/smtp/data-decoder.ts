import type { BodyDecoder } from './body-decoder.js';
import { BODY_END, LINE_START, MAX_SCAN_OCTETS, scanInPlace } from './data-scan.js';

/**
 * Undoes dot-stuffing and finds the end of a DATA body (RFC 5321 §4.5.2), chunk by chunk.
 *
 * A chunk is handed on as a slice of itself, and one with stuffed dots closed up, where it was received. So a client that
 * stuffs every line costs a second pass over its octets, and never an object a line. Only `CRLF.CRLF` ends the body, and the CRLF
 * before that dot belongs to it: a line begins behind CRLF and nowhere else, or a message could end where another server
 * sees no end (SMTP smuggling, CVE-2023-51764 and its kin). A decoder is for one message.
 */
export class DataDecoder implements BodyDecoder {
  readonly whole = true;
  #state = LINE_START;
  #bareNewline = false;

  /** Whether a CR or LF stood without the other (RFC 5321 §2.3.8). */
  get bareNewline(): boolean {
    return this.#bareNewline;
  }

  decode(chunk: Buffer, from: number, take: (slice: Buffer) => void): number {
    for (let at = from; at < chunk.length; at += MAX_SCAN_OCTETS) {
      const found = scanInPlace(this.#state, chunk, at, Math.min(chunk.length, at + MAX_SCAN_OCTETS));
      this.#state = found.state;
      if (found.bareNewline) this.#bareNewline = true;
      if (found.kept.length > 0) take(found.kept);
      if (found.state === BODY_END) return found.stopped;
    }
    return -1;
  }
}
