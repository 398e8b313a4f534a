import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { eventually } from './raw-client.js';

/**
 * A TLS client whose records pass through the hands of a test: they can be held back, cut, put behind one another or
 * followed by clear text, on a TCP connection that outlives the TLS session.
 */
export class HeldTls implements Disposable {
  readonly raw: Socket;
  readonly tls: TLSSocket;
  /** What the server said inside TLS. */
  said = '';
  /** What came from the server, as it came. */
  readonly received: Buffer[] = [];
  /** The server has closed its side of the TCP connection, or all of it. */
  closed = false;
  #held: Buffer[] | null = null;

  private constructor(raw: Socket, options: ConnectionOptions) {
    this.raw = raw;
    const wire = new Duplex({
      read(): void {},
      write: (record: Buffer, _encoding, done): void => {
        if (this.#held === null) raw.write(record);
        else this.#held.push(record);
        done();
      },
    });
    raw.on('data', (chunk) => {
      this.received.push(chunk);
      wire.push(chunk);
    });
    raw.on('end', () => this.#over(wire));
    raw.on('close', () => this.#over(wire));
    raw.on('error', () => {});
    this.tls = connectTls({ servername: 'mx.test', ...options, socket: wire });
    this.tls.on('error', () => {});
    this.tls.on('data', (chunk: Buffer) => {
      this.said += chunk.toString('latin1');
    });
  }

  /** Connects to a port on which TLS comes first, and waits for the banner inside. */
  static async greeted(port: number, options: ConnectionOptions): Promise<HeldTls> {
    const raw = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const client = new HeldTls(raw, options);
    await client.until(/^220 .*\r\n/m);
    return client;
  }

  /** Waits until the server has said this. @returns all that it has said */
  async until(words: RegExp): Promise<string> {
    await eventually(`${words} in ${JSON.stringify(this.said)}`, () => words.test(this.said));
    return this.said;
  }

  /** Says a line and waits for the last line of the reply to it. */
  async ask(line: string): Promise<string> {
    this.said = '';
    this.tls.write(`${line}\r\n`, 'latin1');
    return this.until(/^\d{3} .*\r\n/m);
  }

  /** @returns the records that `speak` makes, in place of sending them; one write is one record */
  async hold(speak: (tls: TLSSocket) => void): Promise<Buffer> {
    const held: Buffer[] = [];
    this.#held = held;
    speak(this.tls);
    const { tls } = this;
    await eventually('the records', () => tls.writableLength === 0 && tls.writableFinished === tls.writableEnded);
    this.#held = null;
    return Buffer.concat(held);
  }

  /** Waits until the server has closed its side. */
  async untilClosed(): Promise<void> {
    await eventually('the server closes', () => this.closed);
  }

  [Symbol.dispose](): void {
    this.tls.destroy();
    this.raw.destroy();
  }

  #over(wire: Duplex): void {
    if (!this.closed) wire.push(null);
    this.closed = true;
  }
}
