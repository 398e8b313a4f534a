import { connect, type Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { checkIdentity } from '../inspect/identity.js';
import { TlsInfo } from '../inspect/tls-info.js';
import { upgradeClient } from '../net/client-upgrade.js';
import { PlaintextAfterStartTlsError } from '../net/starttls-errors.js';
import { type Capabilities, parseCapabilities } from '../smtp/capabilities.js';
import { EmptyBuffer } from '../smtp/empty-buffer.js';
import { Dialogue, say } from './dialogue.js';
import {
  ConnectFailedError,
  ReplyUnexpectedError,
  StartTlsNotOfferedError,
  VerificationFailedError,
} from './errors.js';
import type { OutgoingMessage } from './message-source.js';
import type { Timeouts } from './options.js';
import { type RecipientResult, recipientResult } from './result.js';

/** Where to connect, and who has to be there. */
export interface Target {
  readonly host: string;
  readonly address: string;
  readonly port: number;
}

export interface ConnectionOptions {
  readonly protocol: 'smtp' | 'smtps';
  /** What we call ourselves in EHLO. */
  readonly name: string;
  readonly context: SecureContext;
  /** Whether a server that cannot be verified gets no message. */
  readonly mustVerify: boolean;
  readonly timeouts: Timeouts;
}

/** One connection: greeting, EHLO, TLS, EHLO again; then messages. A failed step throws and leaves it to be closed. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #target: Target;
  #socket: Socket | null = null;
  #dialogue: Dialogue | null = null;
  #capabilities: Capabilities = new Map();
  #partial: readonly RecipientResult[] | null = null;
  tls: TlsInfo | null = null;
  remoteAddress: string;

  constructor(target: Target, options: ConnectionOptions) {
    this.#target = target;
    this.#options = options;
    this.remoteAddress = target.address;
  }

  /** Up to the EHLO inside TLS (RFC 3207 §4.2). Without TLS there is no session: a message is not sent in clear. */
  async open(): Promise<void> {
    const socket = await this.#dial();
    if (this.#options.protocol === 'smtps') {
      await this.#secure(socket, 'on-connect');
      await this.#greeting();
    } else {
      this.#dialogue = new Dialogue(socket);
      await this.#greeting();
      await this.#ehlo();
      if (!this.#capabilities.has('STARTTLS')) throw new StartTlsNotOfferedError();
      const reply = await this.#talk.command('STARTTLS', 'starttls', this.#options.timeouts.commandMs);
      if (reply.code !== 220) throw new ReplyUnexpectedError('starttls', reply);
      const found = EmptyBuffer.prove(this.#talk.release().length, socket.readableLength);
      if (!EmptyBuffer.is(found)) throw new PlaintextAfterStartTlsError(found.unread); // CVE-2021-38371
      await this.#secure(socket, found);
    }
    await this.#ehlo();
  }

  /** Sends one message to all recipients. @returns what became of each */
  async send(from: string, to: readonly string[], message: OutgoingMessage): Promise<RecipientResult[]> {
    const { commandMs, dataBlockMs, finalDotMs } = this.#options.timeouts;
    message.assertReadable();
    const sender = await this.#talk.command(`MAIL FROM:<${from}>`, 'command', commandMs);
    if (sender.code >= 300) return to.map((address) => recipientResult(address, sender));
    const results = new Map<string, RecipientResult>();
    for (const address of to) {
      const reply = await this.#talk.command(`RCPT TO:<${address}>`, 'command', commandMs);
      results.set(address, recipientResult(address, reply));
    }
    const taken = [...results.values()].filter((one) => one.status === 'delivered');
    if (taken.length > 0) {
      const go = await this.#talk.command('DATA', 'command', commandMs);
      let verdict = go;
      if (go.code === 354) {
        for await (const chunk of message.wire()) await this.#write(chunk, dataBlockMs);
        for (const one of taken) results.set(one.address, { ...one, status: 'unknown', reply: null });
        this.#partial = [...results.values()];
        verdict = await this.#talk.reply('message', finalDotMs);
        this.#partial = null;
      }
      for (const { address } of taken) results.set(address, recipientResult(address, verdict));
    }
    return [...results.values()];
  }

  /** The recipients, where the connection was lost behind the final dot and before its reply; otherwise `null`. */
  get partial(): readonly RecipientResult[] | null {
    return this.#partial;
  }

  async quit(): Promise<void> {
    try {
      await this.#talk.command('QUIT', 'session', this.#options.timeouts.quitMs);
    } catch {
      // what the server says to QUIT changes nothing any more
    }
    this.destroy();
  }

  destroy(): void {
    this.#socket?.destroy();
  }

  get #talk(): Dialogue {
    if (this.#dialogue === null) throw new TypeError('the connection is not open');
    return this.#dialogue;
  }

  #dial(): Promise<Socket> {
    const { host, address, port } = this.#target;
    return new Promise((resolve, reject) => {
      const socket = connect({ host: address, port, noDelay: true });
      this.#socket = socket;
      const timer = setTimeout(() => socket.destroy(timeoutError()), this.#options.timeouts.connectMs);
      const fail = (cause: unknown): void => {
        clearTimeout(timer);
        reject(new ConnectFailedError(host, port, cause));
      };
      socket.on('error', fail); // stays for life: a late reset must not end the process
      socket.once('connect', () => {
        clearTimeout(timer);
        this.remoteAddress = socket.remoteAddress ?? address;
        resolve(socket);
      });
    });
  }

  async #greeting(): Promise<void> {
    const reply = await this.#talk.reply('greeting', this.#options.timeouts.greetingMs);
    if (reply.code !== 220) throw new ReplyUnexpectedError('greeting', reply);
  }

  async #ehlo(): Promise<void> {
    const reply = await this.#talk.command(`EHLO ${this.#options.name}`, 'command', this.#options.timeouts.commandMs);
    if (reply.code !== 250) throw new ReplyUnexpectedError('command', reply);
    this.#capabilities = parseCapabilities(reply.lines); // those of before TLS are forgotten (RFC 3207 §4.2)
  }

  async #secure(socket: Socket, boundary: EmptyBuffer | 'on-connect'): Promise<void> {
    const { host } = this.#target;
    const { context, mustVerify, timeouts } = this.#options;
    const secured = await upgradeClient(socket, boundary, {
      host,
      context,
      timeoutMs: timeouts.handshakeMs,
    });
    this.#socket = secured;
    this.tls = TlsInfo.from(secured, {
      mode: boundary === 'on-connect' ? 'on-connect' : 'starttls',
      checkIdentity: (leaf) => checkIdentity(leaf, host),
    });
    say({ type: 'secured', cipher: this.tls.cipher, certificate: this.tls.certificate });
    if (mustVerify && !this.tls.certificateVerified) {
      throw new VerificationFailedError(this.tls.verifyError ?? 'no certificate');
    }
    this.#dialogue = new Dialogue(secured);
  }

  #write(chunk: Buffer, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#socket?.destroy(timeoutError()), timeoutMs);
      this.#socket?.write(chunk, (error) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve();
      });
    });
  }
}

function timeoutError(): Error {
  return Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' });
}
