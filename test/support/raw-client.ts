import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls, type SecureVersion, type TLSSocket } from 'node:tls';

/** How long a test waits for anything before it fails, in milliseconds. */
const PATIENCE_MS = 20_000;

/** How a connection ended, seen from the client. */
export interface Ending {
  /** What was received and never read by the test. */
  readonly rest: Buffer;
  /** Node's code where the connection was reset; `null` after a polite end. */
  readonly error: string | null;
}

/**
 * A client that knows nothing: it sends the octets that it is given, cuts what comes back into replies, and starts TLS
 * when told. Every wait is bounded.
 */
export class RawClient implements AsyncDisposable {
  /** The socket of the TCP connection. */
  readonly raw: Socket;
  /** Everything that came before (or without) TLS. */
  readonly clear: Buffer[] = [];
  #stream: Socket | TLSSocket;
  #unread: Buffer = Buffer.alloc(0);
  #over = false;
  #error: string | null = null;
  /** Those who wait for something to change. */
  #waiting: (() => void)[] = [];

  private constructor(raw: Socket) {
    this.raw = raw;
    this.#stream = raw;
    raw.setNoDelay(true);
    raw.on('error', this.#onError);
    raw.on('close', this.#onOver);
    raw.on('end', this.#onOver);
    raw.on('data', this.#onClear);
  }

  /** Connects; nothing is read or said yet. @param localAddress - which of the loopback addresses the client has */
  static async connect(port: number, host = '127.0.0.1', localAddress?: string): Promise<RawClient> {
    const raw = connect({ port, host, allowHalfOpen: true, ...(localAddress !== undefined && { localAddress }) });
    const client = new RawClient(raw);
    await within(once(raw, 'connect'), 'connect');
    return client;
  }

  /** Connects, reads the banner, says EHLO. */
  static async greeted(port: number, name = 'client.test'): Promise<RawClient> {
    const client = await RawClient.connect(port);
    await client.reply();
    await client.ask(`EHLO ${name}`);
    return client;
  }

  /** Connects with TLS before anything else; nothing is read or said yet. */
  static async connectTls(port: number, options: ConnectionOptions): Promise<RawClient> {
    const client = await RawClient.connect(port);
    await client.upgrade(options);
    return client;
  }

  get tls(): TLSSocket | null {
    return this.#stream === this.raw ? null : (this.#stream as TLSSocket);
  }

  /** Everything that came in clear, as text. */
  get clearText(): string {
    return Buffer.concat(this.clear).toString('latin1');
  }

  /** Sends octets exactly as given, in one write; a string is latin1. */
  async send(octets: string | Buffer): Promise<void> {
    const bytes = typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets;
    await within(
      new Promise<void>((resolve) => {
        this.#stream.write(bytes, () => resolve());
      }),
      'send',
    );
  }

  /** Sends a line and reads the reply to it. */
  async ask(line: string): Promise<string> {
    await this.send(`${line}\r\n`);
    return this.reply();
  }

  /** Reads one reply. @returns its lines, joined with LF, the last without its end */
  async reply(): Promise<string> {
    let text = '';
    while (true) {
      const line = await this.#line();
      if (/^\d{3} /.test(line)) return text + line;
      if (!/^\d{3}-/.test(line)) throw new Error(`no reply line: ${JSON.stringify(line)}`);
      text += `${line}\n`;
    }
  }

  async replies(count: number): Promise<string[]> {
    const all: string[] = [];
    while (all.length < count) all.push(await this.reply());
    return all;
  }

  /** Reads replies until the server closes. @returns the replies and how it ended */
  async untilClosed(): Promise<{ readonly replies: string[]; readonly ending: Ending }> {
    const ending = await this.closed();
    const replies = ending.rest
      .toString('latin1')
      .split('\r\n')
      .filter((line) => line !== '');
    return { replies, ending };
  }

  /** What waits unread, without waiting for more. */
  get unread(): string {
    return this.#unread.toString('latin1');
  }

  /**
   * Starts TLS on the connection. Anything unread in clear is a failed test.
   * @throws what the handshake failed with
   */
  async upgrade(options: ConnectionOptions): Promise<TLSSocket> {
    if (this.#unread.length > 0) throw new Error(`unread before TLS: ${this.unread}`);
    const { raw } = this;
    raw.off('data', this.#onClear);
    raw.off('close', this.#onOver);
    raw.off('end', this.#onOver);
    const tls = connectTls({ servername: 'mx.test', ...options, socket: raw });
    this.#stream = tls;
    tls.on('error', this.#onError);
    tls.on('close', this.#onOver);
    tls.on('end', this.#onOver);
    tls.on('data', this.#onData);
    await within(
      new Promise<void>((resolve, reject) => {
        tls.once('secureConnect', resolve);
        tls.once('error', reject);
        tls.once('close', () => reject(new Error('closed during the handshake')));
      }),
      'handshake',
    );
    return tls;
  }

  /** STARTTLS, the 220, the handshake. */
  async starttls(options: ConnectionOptions): Promise<TLSSocket> {
    const reply = await this.ask('STARTTLS');
    if (!reply.startsWith('220 ')) throw new Error(`STARTTLS was answered ${reply}`);
    return this.upgrade(options);
  }

  /** Waits until the server has closed (a FIN, or a reset), then closes this side too. */
  async closed(patienceMs: number = PATIENCE_MS): Promise<Ending> {
    await within(
      this.#until(() => this.#over),
      'close',
      patienceMs,
    );
    this.#stream.destroy();
    this.raw.destroy();
    const rest = this.#unread;
    this.#unread = Buffer.alloc(0);
    return { rest, error: this.#error };
  }

  /** Whether the server has closed. */
  get isClosed(): boolean {
    return this.#over;
  }

  /** A FIN; the other direction stays open. */
  finish(): void {
    this.#stream.end();
  }

  /** An RST. */
  reset(): void {
    this.raw.resetAndDestroy();
  }

  destroy(): void {
    this.#stream.destroy();
    this.raw.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.destroy();
  }

  async #line(): Promise<string> {
    await within(
      this.#until(() => this.#over || this.#unread.includes('\r\n')),
      `a reply (has ${JSON.stringify(this.unread)})`,
    );
    const end = this.#unread.indexOf('\r\n');
    if (end === -1)
      throw new Error(`closed in place of a reply (${this.#error ?? 'end'}), has ${JSON.stringify(this.unread)}`);
    const line = this.#unread.toString('latin1', 0, end);
    this.#unread = this.#unread.subarray(end + 2);
    return line;
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }

  readonly #onClear = (chunk: Buffer): void => {
    this.clear.push(chunk);
    this.#onData(chunk);
  };

  readonly #onData = (chunk: Buffer): void => {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    this.#wake();
  };

  readonly #onError = (error: NodeJS.ErrnoException): void => {
    this.#error = error.code ?? error.message;
  };

  readonly #onOver = (): void => {
    this.#over = true;
    this.#wake();
  };

  #wake(): void {
    for (const resume of this.#waiting.splice(0)) resume();
  }
}

/** Bounds a wait. */
export async function within<T>(work: Promise<T>, what: string, ms: number = PATIENCE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      work,
      new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until something has become true; looks every five milliseconds. */
export async function eventually(what: string, condition: () => boolean, ms: number = PATIENCE_MS): Promise<void> {
  const end = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await sleep(5);
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** A real first flight, as this Node sends it. @param maxVersion - the highest that it offers */
export async function clientHello(maxVersion: SecureVersion = 'TLSv1.3'): Promise<Buffer> {
  return within(
    new Promise<Buffer>((resolve) => {
      const wire = new Duplex({
        read(): void {},
        write(chunk: Buffer, _encoding, done): void {
          resolve(chunk);
          done();
        },
      });
      const tls = connectTls({ socket: wire, servername: 'mx.test', maxVersion });
      tls.on('error', () => {});
    }),
    'ClientHello',
  );
}

/**
 * What is left of the octets when whole TLS records are taken out: behind a 220 it must be nothing.
 */
export function outsideTlsRecords(octets: Buffer): Buffer {
  let at = 0;
  while (at + 5 <= octets.length) {
    const type = octets[at] ?? 0;
    const length = octets.readUInt16BE(at + 3);
    if (type < 20 || type > 24 || octets[at + 1] !== 3 || at + 5 + length > octets.length) break;
    at += 5 + length;
  }
  return octets.subarray(at);
}
