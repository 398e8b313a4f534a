import type { Duplex } from 'node:stream';
import { receiveInto } from '../net/receive-into.js';
import { receivingMemory } from '../smtp/data-scan.js';
import { formatReply, type Reply, replyOctets } from '../smtp/reply.js';

/** What a session hears of its client. */
export interface ChannelEvents {
  /** @param chunk - lent: its memory is used again when this returns */
  received(chunk: Buffer): void;
  /** The client has closed its side: nothing more will come. */
  ended(): void;
  /** The client has read what it was sent, behind a `false` of {@link Channel.flush}. */
  drained(): void;
  /** The connection is gone. @param code - Node's, where it was lost; `null` after an orderly end */
  closed(code: string | null): void;
}

/**
 * The client's end of a session: one socket, or a raw one and then the secured one above it.
 *
 * Replies are collected and go out together, in one write (RFC 2920 §3.2).
 */
export class Channel {
  readonly #events: ChannelEvents;
  #socket: Duplex;
  /** What is collected: one reply, whose octets may be at hand, or the text of several. */
  #reply: Reply | null = null;
  #text = '';
  #flowing = false;
  /** The client does not read its replies. */
  #blocked = false;
  #code: string | null = null;
  #gone = false;

  constructor(socket: Duplex, events: ChannelEvents) {
    this.#socket = socket;
    this.#events = events;
    this.#watch();
  }

  get closed(): boolean {
    return this.#socket.destroyed;
  }

  /** Whether replies wait for a client that does not read them: it may not send more commands meanwhile. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** Adds a reply to those that the next {@link flush} writes. */
  collect(reply: Reply): void {
    if (this.#reply === null && this.#text === '') {
      this.#reply = reply;
      return;
    }
    if (this.#reply !== null) this.#text = formatReply(this.#reply);
    this.#reply = null;
    this.#text += formatReply(reply);
  }

  flush(): void {
    const octets = this.#collected();
    if (octets !== null && !this.#socket.write(octets)) this.#block();
  }

  /** Lets the client send, or holds it back: its octets then wait in the socket, and at last with the client. */
  flow(on: boolean): void {
    if (on === this.#flowing) return;
    this.#flowing = on;
    if (on) this.#socket.resume();
    else this.#socket.pause();
  }

  /** Hears the client from now on. It does not yet flow. */
  listen(): void {
    this.#socket.on('data', this.#onData);
    this.#socket.on('end', this.#onEnd);
    if (this.#socket.readableEnded) this.#onEnd(); // it was said before anybody listened
  }

  /** Lets go of the socket, in this tick, for TLS to take it. What is collected has been written. */
  handOver(): Duplex {
    this.flush();
    this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onEnd);
    this.flow(false);
    return this.#socket;
  }

  /** Takes it back from a refused upgrade, with what the refusal left unread by the client. */
  takeBack(): void {
    this.listen();
    if (this.#socket.writableNeedDrain) this.#block();
  }

  /** Goes on inside TLS. @returns false where the secured socket is gone already */
  secured(socket: Duplex): boolean {
    return this.#goOn(socket);
  }

  /** Goes on in clear on the raw socket, which TLS has given back. @returns false where it is gone already */
  clearAgain(raw: Duplex): boolean {
    raw.off('error', this.#onError); // its own, from before TLS
    const secured = this.#socket;
    secured.off('data', this.#onData).off('end', this.#onEnd);
    const open = this.#goOn(raw);
    secured.destroy();
    return open;
  }

  /** Says the last words and closes our side. Unread input would turn that into a reset that eats the words. */
  end(): void {
    const words = this.#collected();
    if (!this.#socket.writableEnded) this.#socket.end(words ?? undefined);
    this.flow(true);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** @returns false where the socket is gone already */
  #goOn(socket: Duplex): boolean {
    this.#socket.off('close', this.#onClose);
    this.#socket = socket;
    this.#blocked = false;
    this.#watch();
    receiveInto(socket, receivingMemory(), this.#onData); // inside TLS alone: a raw socket comes as 'data'
    if (socket.closed) this.#onClose();
    return !socket.destroyed;
  }

  #collected(): Buffer | null {
    if (this.#reply === null && this.#text === '') return null;
    const octets = this.#reply !== null ? replyOctets(this.#reply) : Buffer.from(this.#text, 'latin1');
    this.#reply = null;
    this.#text = '';
    return octets;
  }

  #watch(): void {
    this.#socket.pause(); // a 'data' listener would set a socket flowing that was never paused
    this.#flowing = false;
    this.#socket.on('error', this.#onError);
    this.#socket.on('close', this.#onClose);
  }

  #block(): void {
    if (this.#blocked) return;
    this.#blocked = true;
    const socket = this.#socket;
    socket.once('drain', () => {
      if (socket !== this.#socket) return;
      this.#blocked = false;
      this.#events.drained();
    });
  }

  readonly #onData = (chunk: Buffer): void => this.#events.received(chunk);

  readonly #onEnd = (): void => this.#events.ended();

  readonly #onError = (error: NodeJS.ErrnoException): void => {
    this.#code = error.code ?? 'no code';
  };

  readonly #onClose = (): void => {
    if (this.#gone) return; // once: Node may still emit what was told already
    this.#gone = true;
    this.#events.closed(this.#code);
  };
}
