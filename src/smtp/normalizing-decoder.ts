import type { BodyDecoder } from './body-decoder.js';
import { BODY_END, LINE_START, MAX_SCAN_OCTETS, type ScanState, scan } from './data-scan.js';

const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;
const SPACE = 0x20;

/** States of data-scan.wat that are met here. */
const IN_LINE = 0;
const BEHIND_CR = 1;
const BEHIND_DOT = 3;
const BEHIND_DOT_CR = 4;
/** And one more: a line begins, but a dot on it does not end the message. */
const BEHIND_BARE_LF = 6;

/** What was mended last, for whoever takes it now. */
let mended: Buffer | null = null;

type State = ScanState | typeof BEHIND_BARE_LF;

/** How far each octet is looked at behind a chunk that ended in doubt. A block, for a body may be nothing but CR. */
const DOUBT_OCTETS = 256;

/**
 * The decoder of `bareNewlines: 'normalize'`: a bare LF ends a line and is handed on as CRLF, and a bare CR becomes a
 * space, so that nobody behind us can take either for an end of line or of data. Only `CRLF.CRLF` ends the body here too;
 * `LF.LF` and its kin lose their dot like any line with a stuffed one. Postfix 3.9 does the same
 * (`smtpd_forbid_bare_newline = normalize`, `cleanup_replace_stray_cr_lf = yes`).
 *
 * Octets without a bare newline go through the scanner, at its speed. Those with one are looked at again, each by itself:
 * two looks at every octet at most, whatever is sent.
 */
export class NormalizingDecoder implements BodyDecoder {
  readonly whole = true;
  readonly bareNewline = false;
  #state: State = LINE_START;

  decode(chunk: Buffer, from: number, take: (slice: Buffer) => void): number {
    let at = from;
    while (at < chunk.length) {
      const doubt = this.#state === BEHIND_CR || this.#state === BEHIND_BARE_LF;
      const to = Math.min(chunk.length, at + (doubt ? DOUBT_OCTETS : MAX_SCAN_OCTETS));
      const scanned = doubt ? null : this.#scan(chunk, at, to, take);
      const end = scanned ?? this.#mend(chunk, at, to, take);
      if (this.#state === BODY_END) return end;
      at = end;
    }
    return -1;
  }

  /** @returns where it stopped; `null`, and nothing is done, where this part holds a bare newline */
  #scan(chunk: Buffer, from: number, to: number, take: (slice: Buffer) => void): number | null {
    const found = scan(this.#state, chunk, from, to);
    if (found.bareNewline) return null;
    this.#state = found.state;
    // A CR that comes last is held back: it may be a bare one.
    const kept = found.state === BEHIND_CR ? found.kept.subarray(0, -1) : found.kept;
    if (kept.length > 0) take(kept);
    return found.stopped;
  }

  /** Octet by octet, up to `to` or the end of the body. */
  #mend(chunk: Buffer, from: number, to: number, take: (slice: Buffer) => void): number {
    mended ??= Buffer.allocUnsafeSlow(2 * MAX_SCAN_OCTETS); // no octet makes more than two
    const body = mended;
    let length = 0;
    let state = this.#state;
    let at = from;
    while (at < to && state !== BODY_END) {
      const octet = chunk[at++] ?? 0;
      if (octet === LF) {
        if (state === BEHIND_DOT_CR) state = BODY_END;
        else {
          body[length++] = CR;
          body[length++] = LF;
          state = state === BEHIND_CR ? LINE_START : BEHIND_BARE_LF;
        }
        continue;
      }
      if (state === BEHIND_CR || state === BEHIND_DOT_CR) body[length++] = SPACE; // the CR before was a bare one
      if (octet === CR) state = state === BEHIND_DOT ? BEHIND_DOT_CR : BEHIND_CR;
      else if (octet === DOT && state === LINE_START) state = BEHIND_DOT;
      else if (octet === DOT && state === BEHIND_BARE_LF) state = IN_LINE;
      else {
        body[length++] = octet;
        state = IN_LINE;
      }
    }
    this.#state = state;
    if (length > 0) take(body.subarray(0, length));
    return at;
  }
}
