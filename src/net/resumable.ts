import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { lend } from './on-read.js';
import type { ClearAgain } from './starttls-contract.js';

/** Type, version and length (RFC 8446 §5.1, RFC 5246 §6.2.1). */
const HEADER_OCTETS = 5;

/** change_cipher_spec, alert, handshake, application_data, heartbeat: no line of SMTP begins with one of them. */
const FIRST_TYPE = 20;
const LAST_TYPE = 24;

/** Follows TLS records by their headers, whose last two octets say how much belongs to them. It copies nothing. */
export class RecordBorder {
  #headerOctets = 0;
  #left = 0;

  /** Whether the next octet is the first of a record, or of none. */
  get between(): boolean {
    return this.#headerOctets === 0 && this.#left === 0;
  }

  /** @returns how many octets of the chunk belong to records; where it is not all of them, clear text begins there */
  follow(chunk: Buffer): number {
    let at = 0;
    while (at < chunk.length) {
      if (this.#headerOctets === 0 && this.#left > 0) {
        const inside = Math.min(this.#left, chunk.length - at);
        this.#left -= inside;
        at += inside;
        continue;
      }
      const octet = chunk[at] ?? 0;
      if (this.#headerOctets === 0 && (octet < FIRST_TYPE || octet > LAST_TYPE)) return at;
      this.#headerOctets++;
      if (this.#headerOctets >= HEADER_OCTETS - 1) this.#left = (this.#left << 8) | octet;
      if (this.#headerOctets === HEADER_OCTETS) this.#headerOctets = 0;
      at++;
    }
    return at;
  }
}

/**
 * A TCP connection for a TLS session that may end before it: it stands between the raw socket and the `TLSSocket`, and
 * gives the raw socket back behind the client's close_notify. Without it Node closes both together.
 *
 * Clear text where a record is due is kept for later, and its first octets are shown to TLS as well: a session that has
 * ended does not look at them, and one that has not fails on them as it would without us. So nobody ends it but the
 * holder of its keys; and a FIN in place of a close_notify, which Node takes for the same, is seen at the raw socket.
 *
 * It is a stream because Node puts TLS on nothing else, and has one reader and writer, Node's JSStreamSocket, which listens for
 * 'data', pauses, resumes, and writes when the write before is done. So it keeps no buffer: all four go straight to the raw
 * socket, and what that has received lies in one memory for all, until TLS has it. docs/decisions/0004 has what that saves.
 */
export class Resumable extends Duplex {
  /** Whether octets come from the event loop, never inside another's call. */
  readonly fromEventLoop: boolean;
  readonly #raw: Duplex;
  /** The same, where it is one of `node:net`. */
  readonly #socket: Socket | null;
  readonly #border = new RecordBorder();
  /** What came behind the last record; `null`: nothing but records so far. */
  #clear: Buffer[] | null = null;
  #shownOctets = 0;
  #rawEnded = false;
  /** Set once the raw socket is asked for; called when it is the caller's, or gone. */
  #settle: ((clear: ClearAgain | null) => void) | null = null;
  #gaveBack = false;

  constructor(raw: Duplex) {
    super();
    this.#raw = raw;
    this.#socket = raw instanceof Socket ? raw : null;
    raw.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onError).on('close', this.#onClose);
    this.fromEventLoop = lend(raw, this.#onData);
    raw.pause();
  }

  /**
   * Takes the raw socket out from under a TLS session that its client has ended, behind our own close_notify (RFC 8446
   * §6.1). From then on it is the caller's alone, paused.
   *
   * @param timeoutMs - how long a client that does not read may hold that up
   * @returns with what the client has sent behind its last record; `null` where nothing can go on: TLS has not ended, or was
   *   cut, or our side of it ended first, or the connection ended with it
   */
  giveBack(secured: TLSSocket, timeoutMs: number): Promise<ClearAgain | null> {
    if (!secured.readableEnded || secured.writableEnded || !this.#atCleanEnd()) return Promise.resolve(null);
    return new Promise((resolve) => {
      const deadline = setTimeout(() => this.destroy(), timeoutMs);
      this.#settle = (clear) => {
        clearTimeout(deadline);
        this.#settle = null;
        resolve(clear);
      };
      secured.end();
    });
  }

  override resume(): this {
    if (this.#shownOctets < HEADER_OCTETS && !this.#gaveBack) this.#raw.resume();
    return this;
  }

  override pause(): this {
    if (!this.#gaveBack) this.#raw.pause();
    return this;
  }

  override _read(): void {}

  override write(chunk: Buffer, done?: Done): boolean;
  override write(chunk: Buffer, encoding?: BufferEncoding, done?: Done): boolean;
  override write(chunk: Buffer, encoding?: BufferEncoding | Done, last: Done = nothing): boolean {
    const done = typeof encoding === 'function' ? encoding : last;
    if (this.#gaveBack) {
      done(new Error('TLS has let go of the connection')); // a record there would stand in clear
      return false;
    }
    // A second pass through a Writable costs as much as the write itself. libuv keeps the order of what it cannot write at once.
    if (this.#socket?.writableLength === 0) this.#socket._write(chunk, NO_ENCODING, done);
    else this.#raw.write(chunk, done);
    return true;
  }

  /** TLS has said its last record: the connection ends with it, unless it was asked for. */
  override _final(done: Done): void {
    if (this.#settle === null || !this.#atCleanEnd()) return void this.#raw.end(() => done());
    this.#gaveBack = true;
    const raw = this.#raw.pause();
    raw.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onError).off('close', this.#onClose);
    lend(raw, null);
    done();
    this.#settle({ socket: raw, unread: Buffer.concat(this.#clear ?? []) });
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#gaveBack) this.#raw.destroy();
    this.#settle?.(null);
    done(error);
  }

  /** Both places can tell: no FIN came, and no record is cut. */
  #atCleanEnd(): boolean {
    return !this.destroyed && !this.#raw.destroyed && !this.#rawEnded && this.#border.between;
  }

  readonly #onData = (chunk: Buffer): void => {
    const inRecords = this.#clear === null ? this.#border.follow(chunk) : 0;
    const records = inRecords === chunk.length ? chunk : chunk.subarray(0, inRecords);
    if (records.length > 0) this.emit('data', records);
    if (inRecords < chunk.length) this.#keep(chunk.subarray(inRecords));
  };

  /** Keeps clear text, and shows TLS as much of it as it needs to see that it is no record. The rest waits in the socket. */
  #keep(clear: Buffer): void {
    this.#clear ??= [];
    this.#clear.push(Buffer.from(clear)); // it is lent
    const shown = clear.subarray(0, HEADER_OCTETS - this.#shownOctets);
    this.#shownOctets += shown.length;
    if (this.#shownOctets === HEADER_OCTETS) this.#raw.pause();
    if (shown.length > 0) this.emit('data', shown);
  }

  readonly #onEnd = (): void => {
    this.#rawEnded = true;
    this.push(null);
    this.read(); // or 'end' would wait for it
  };

  readonly #onError = (error: Error): void => {
    this.destroy(error);
  };

  readonly #onClose = (): void => {
    this.destroy();
  };
}

/** The word of Node's Writable for a chunk that is no string; with another one, an assertion ends the process. */
const NO_ENCODING = 'buffer' as BufferEncoding;

type Done = (error?: Error | null) => void;

function nothing(): void {}
