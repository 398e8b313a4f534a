import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';
import { CLEAR, type Exchange } from './dialogue.js';

const LF = 0x0a;
const HYPHEN = 0x2d;
const ZERO = 0x30;
/** A large message is sent in slices, each when the one before has left. */
const SLICE_OCTETS = 256 * 1024;

/** What a caller trusts, and the session that it resumes. */
export interface CallerTls {
  readonly secureContext: SecureContext;
  readonly session?: Buffer;
}

/**
 * One connection of the load client: sends Buffers that are ready and checks the code of each reply, so that a server
 * that refuses is no fast server. The same for all servers.
 */
export class Caller {
  /** Chunks that came inside TLS. Node hands out one for each record, so that these are the server's writes. */
  records = 0;
  #socket: Socket | TLSSocket;
  #codes: readonly number[] = [220];
  #met = 0;
  #rest: Buffer | null = null;
  #settle: { readonly resolve: () => void; readonly reject: (error: Error) => void } | null = null;
  #failure: Error | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen(socket);
  }

  /** Connects and reads the banner. */
  static async connect(port: number): Promise<Caller> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const caller = new Caller(socket);
    await caller.#replies();
    return caller;
  }

  /** Connects, EHLO, STARTTLS, handshake. */
  static async secured(port: number, tls: CallerTls): Promise<Caller> {
    const caller = await Caller.connect(port);
    await caller.ask(CLEAR.ehlo);
    await caller.ask(CLEAR.starttls);
    await caller.#upgrade(tls);
    return caller;
  }

  /** @throws where TLS is not on yet */
  get tls(): TLSSocket {
    if (!('encrypted' in this.#socket)) throw new Error('there is no TLS yet');
    return this.#socket;
  }

  /** Sends, and waits for as many replies as there are codes. @throws for any other code */
  async ask({ send, codes }: Exchange): Promise<void> {
    this.#codes = codes;
    this.#met = 0;
    const replies = this.#replies();
    if (send.length <= SLICE_OCTETS) this.#socket.write(send);
    else await Promise.race([replies, this.#sendSliced(send)]);
    return replies;
  }

  /** Waits until the server has closed. */
  async closed(): Promise<void> {
    if (!this.#socket.closed) await once(this.#socket, 'close');
  }

  /** Closes, and waits until the server has closed too. */
  async close(): Promise<void> {
    this.#socket.end();
    await this.closed();
  }

  async #upgrade(tls: CallerTls): Promise<void> {
    const raw = this.#socket;
    raw.removeAllListeners('data');
    raw.removeAllListeners('close');
    const socket = connectTls({ ...tls, socket: raw, servername: 'mx.test' });
    this.#socket = socket;
    const secured = this.#pending();
    socket.once('secureConnect', () => this.#settle?.resolve());
    this.#listen(socket);
    await secured;
  }

  async #sendSliced(octets: Buffer): Promise<void> {
    for (let at = 0; at < octets.length && this.#failure === null; at += SLICE_OCTETS) {
      const slice = octets.subarray(at, at + SLICE_OCTETS);
      await new Promise<void>((resolve) => this.#socket.write(slice, () => resolve()));
    }
  }

  #listen(socket: Socket | TLSSocket): void {
    socket.on('data', this.#onData);
    socket.on('error', this.#fail);
    socket.on('close', this.#onClose);
  }

  #replies(): Promise<void> {
    return this.#met === this.#codes.length ? Promise.resolve() : this.#pending();
  }

  #pending(): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  readonly #onData = (chunk: Buffer): void => {
    if ('encrypted' in this.#socket) this.records++;
    const octets = this.#rest === null ? chunk : Buffer.concat([this.#rest, chunk]);
    let start = 0;
    for (let end = octets.indexOf(LF); end !== -1; end = octets.indexOf(LF, start)) {
      if (octets[start + 3] !== HYPHEN) this.#reply(octets, start, end);
      start = end + 1;
    }
    this.#rest = start < octets.length ? octets.subarray(start) : null;
  };

  #reply(octets: Buffer, start: number, end: number): void {
    const [a = 0, b = 0, c = 0] = [octets[start], octets[start + 1], octets[start + 2]];
    const code = (a - ZERO) * 100 + (b - ZERO) * 10 + (c - ZERO);
    const expected = this.#codes[this.#met];
    if (code !== expected) {
      const text = octets.toString('latin1', start, end).trim();
      return this.#fail(new Error(`expected ${expected ?? 'no reply'}, got ${JSON.stringify(text)}`));
    }
    this.#met++;
    if (this.#met === this.#codes.length) this.#settle?.resolve();
  }

  readonly #fail = (error: Error): void => {
    this.#failure ??= error;
    this.#settle?.reject(this.#failure);
    this.#socket.destroy();
  };

  readonly #onClose = (): void => {
    if (this.#met < this.#codes.length) this.#fail(new Error('the server closed the connection'));
    this.#failure ??= new Error('the connection is closed');
    this.#settle?.reject(this.#failure);
  };
}
