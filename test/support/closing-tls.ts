import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { RecordBorder } from '../../src/net/resumable.js';
import { eventually } from './raw-client.js';

/** A client that starts TLS, ends it, and goes on in clear on the same connection, as often as it is told. */
export class ClosingTls implements Disposable {
  readonly raw: Socket;
  /** What the server said since the last question, in clear or inside TLS. */
  said = '';
  tls: TLSSocket | null = null;
  /** The server has closed its side of the TCP connection, or all of it. */
  closed = false;
  #wire: Duplex | null = null;
  #border = new RecordBorder();
  #held: Buffer[] | null = null;

  private constructor(raw: Socket) {
    this.raw = raw;
    raw.on('data', (chunk) => {
      const records = this.#wire === null ? 0 : this.#border.follow(chunk);
      if (records > 0) this.#wire?.push(chunk.subarray(0, records));
      this.said += chunk.toString('latin1', records);
    });
    const over = (): void => {
      if (!this.closed) this.#wire?.push(null);
      this.closed = true;
    };
    raw.on('end', over).on('close', over);
    raw.on('error', () => {});
  }

  /** Connects; nothing is said yet. */
  static to(port: number): ClosingTls {
    return new ClosingTls(connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true }));
  }

  /** Connects, reads the banner, says EHLO. */
  static async greeted(port: number): Promise<ClosingTls> {
    const client = ClosingTls.to(port);
    await client.reply();
    await client.ask('EHLO client.test');
    return client;
  }

  /** Says a line, inside TLS where that is on, and waits for the last line of the reply. */
  async ask(line: string): Promise<string> {
    this.said = '';
    (this.tls ?? this.raw).write(`${line}\r\n`, 'latin1');
    return this.reply();
  }

  async reply(words: RegExp = /^\d{3} .*\r\n/m): Promise<string> {
    await eventually(`${words} in ${JSON.stringify(this.said)}`, () => words.test(this.said) || this.closed);
    return this.said;
  }

  /** STARTTLS and the handshake. */
  async starttls(options: ConnectionOptions): Promise<void> {
    const reply = await this.ask('STARTTLS');
    if (!reply.startsWith('220 ')) throw new Error(`STARTTLS was answered ${reply}`);
    await this.upgrade(options);
  }

  async upgrade(options: ConnectionOptions): Promise<void> {
    this.said = '';
    this.#border = new RecordBorder();
    const wire = new Duplex({
      read(): void {},
      write: (record: Buffer, _encoding, done): void => {
        if (this.#held === null) this.raw.write(record);
        else this.#held.push(record);
        done();
      },
    });
    this.#wire = wire;
    const tls = connectTls({ servername: 'mx.test', ...options, socket: wire });
    tls.on('error', () => {});
    tls.on('data', (chunk: Buffer) => {
      this.said += chunk.toString('latin1');
    });
    let up = false;
    tls.once('secureConnect', () => {
      up = true;
    });
    this.tls = tls;
    await eventually('the handshake', () => up || this.closed);
  }

  /** @returns what `speak` makes of records, in place of sending it */
  async hold(speak: (tls: TLSSocket) => void): Promise<Buffer> {
    const { tls } = this;
    if (tls === null) throw new Error('there is no TLS');
    const held: Buffer[] = [];
    this.#held = held;
    speak(tls);
    await eventually('the records', () => tls.writableLength === 0 && tls.writableFinished === tls.writableEnded);
    this.#held = null;
    return Buffer.concat(held);
  }

  /** @returns the close_notify, in place of sending it. Behind it the client speaks in clear. */
  async closeNotify(): Promise<Buffer> {
    const record = await this.hold((tls) => tls.end());
    this.said = '';
    return record;
  }

  /** Waits for the server's own close_notify; from here on the client speaks in clear. */
  async tlsEnded(): Promise<void> {
    const { tls } = this;
    await eventually('the close_notify of the server', () => tls?.readableEnded === true || this.closed);
    this.tls = null;
  }

  async untilClosed(): Promise<void> {
    await eventually('the server closes', () => this.closed);
  }

  [Symbol.dispose](): void {
    this.tls?.destroy();
    this.raw.destroy();
  }
}
