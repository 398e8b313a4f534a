import type { Duplex } from 'node:stream';
import { LineBuffer } from '../smtp/line-buffer.js';
import type { Reply } from '../smtp/reply.js';
import { MAX_REPLY_LINE_OCTETS, ReplyParser } from '../smtp/reply-parser.js';
import { voice } from '../trace.js';
import { PeerClosedError, ReplyMalformedError, type ReplyPhase, ReplyTimeoutError } from './errors.js';

/** On the channel `tls-smtp:client`: what goes over the line. Never a secret, never a body. */
export type ClientVoiceEvent =
  | { readonly type: 'received'; readonly line: string }
  | { readonly type: 'sent'; readonly line: string }
  | { readonly type: 'secured'; readonly cipher: string; readonly certificate: string };

export const say: (event: ClientVoiceEvent) => void = voice<ClientVoiceEvent>('client');

/** A server that sends this much unasked is not heard out. */
const MAX_UNREAD_OCTETS = 256 * 1024;

/**
 * Commands out, replies in, on one stream. Input is parsed only while a reply is awaited, so that whatever a server
 * sends unasked stays unread, where the STARTTLS boundary finds it.
 */
export class Dialogue {
  readonly #socket: Duplex;
  readonly #lines = new LineBuffer();
  readonly #parser = new ReplyParser();
  #ended = false;
  #flooded = false;
  #wake: (() => void) | null = null;

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onEnd);
    socket.on('error', this.#onEnd);
  }

  /**
   * Sends a command line.
   * @throws {TypeError} for anything but printable ASCII: CR and LF would end the line, and in latin1 so would U+010D and
   *   U+010A, of which one octet is written
   */
  send(line: string): void {
    if (/[^ -~]/.test(line)) throw new TypeError('a command holds printable ASCII and nothing else');
    say({ type: 'sent', line });
    this.#socket.write(`${line}\r\n`, 'latin1');
  }

  command(line: string, phase: ReplyPhase, timeoutMs: number): Promise<Reply> {
    this.send(line);
    return this.reply(phase, timeoutMs);
  }

  /**
   * Waits for the next reply.
   * @throws {PeerClosedError | ReplyTimeoutError | ReplyMalformedError} after each of which the stream is of no more use
   */
  async reply(phase: ReplyPhase, timeoutMs: number): Promise<Reply> {
    const expiry = performance.now() + timeoutMs;
    while (true) {
      const line = this.#lines.next(MAX_REPLY_LINE_OCTETS);
      if (line === null) {
        if (this.#flooded) throw new ReplyMalformedError(phase);
        if (this.#ended) throw new PeerClosedError(phase);
        if (!(await this.#news(expiry))) throw new ReplyTimeoutError(phase, timeoutMs);
        continue;
      }
      if (line === 'too-long') throw new ReplyMalformedError(phase);
      say({ type: 'received', line: line.text });
      const reply = this.#parser.line(line.text);
      if (reply === 'malformed') throw new ReplyMalformedError(phase);
      if (reply !== null) return reply;
    }
  }

  /** Resolves as soon as something is there to be read, or the server has closed. One at a time, with no reply awaited. */
  stirred(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (this.#lines.unread > 0 || this.#ended) resolve();
    });
  }

  /** Lets go of the stream, in this tick. @returns what was read and not parsed */
  release(): Buffer {
    this.#socket.pause();
    this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('close', this.#onEnd);
    return this.#lines.takeRest();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#lines.push(chunk);
    this.#flooded ||= this.#lines.unread > MAX_UNREAD_OCTETS;
    if (this.#flooded) this.#socket.destroy();
    this.#wake?.();
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#wake?.();
  };

  /** @returns false where nothing came until `expiry` */
  #news(expiry: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle(resolve, false), Math.max(0, expiry - performance.now()));
      this.#wake = () => {
        clearTimeout(timer);
        this.#settle(resolve, true);
      };
    });
  }

  #settle(resolve: (came: boolean) => void, came: boolean): void {
    this.#wake = null;
    resolve(came);
  }
}
