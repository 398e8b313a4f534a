import { connect, isIP, type Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { checkIdentity } from '../inspect/identity.js';
import { TlsInfo } from '../inspect/tls-info.js';
import { upgradeClient } from '../net/client-upgrade.js';
import { PlaintextAfterStartTlsError } from '../net/starttls-errors.js';
import { type Capabilities, parseCapabilities, startTlsWasStripped } from '../smtp/capabilities.js';
import { EmptyBuffer } from '../smtp/empty-buffer.js';
import type { Reply } from '../smtp/reply.js';
import type { Target } from './delivery.js';
import { Dialogue, say } from './dialogue.js';
import {
  ConnectFailedError,
  ReplyTimeoutError,
  ReplyUnexpectedError,
  StartTlsNotOfferedError,
  VerificationFailedError,
} from './errors.js';
import type { OutgoingMessage } from './message-source.js';
import type { Timeouts } from './options.js';
import { type RecipientResult, recipientResult, untried } from './result.js';

export interface ConnectionOptions {
  readonly protocol: 'smtp' | 'smtps';
  /** What we call ourselves in EHLO. */
  readonly name: string;
  readonly context: SecureContext;
  /** Whether a server that cannot be verified gets no message. */
  readonly mustVerify: boolean;
  readonly timeouts: Timeouts;
}

/** By its place, since an address may be given twice. */
type Recipient = readonly [index: number, address: string];

/** Where in the exchange we stand. `cut`: in the middle of a body that will not be ended, so that no command can follow. */
type Place = 'commands' | 'body' | 'behind-dot' | 'stalled' | 'cut';

/** One connection: greeting, EHLO, TLS, EHLO again; then messages. A failed step throws and leaves it to be closed. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #target: Target;
  #socket: Socket | null = null;
  #dialogue: Dialogue | null = null;
  #capabilities: Capabilities = new Map();
  #results: RecipientResult[] = [];
  #place: Place = 'commands';
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
      if (!this.#capabilities.has('STARTTLS')) {
        throw new StartTlsNotOfferedError(startTlsWasStripped(this.#capabilities));
      }
      const reply = await this.#talk.command('STARTTLS', 'starttls', this.#options.timeouts.commandMs);
      if (reply.code !== 220) throw new ReplyUnexpectedError('starttls', reply);
      const found = EmptyBuffer.prove(this.#talk.release().length, socket.readableLength);
      if (!EmptyBuffer.is(found)) throw new PlaintextAfterStartTlsError(found.unread); // CVE-2021-38371
      await this.#secure(socket, found);
    }
    await this.#ehlo();
  }

  /**
   * Sends one message to all recipients. What becomes of each stands in {@link results}, also where this throws.
   *
   * @throws {SourceFailure | MessageNotReplayableError} for the caller's message
   * @throws {TlsSmtpError} for what the server does out of turn
   */
  async send(from: string, to: readonly string[], message: OutgoingMessage): Promise<void> {
    const { commandMs } = this.#options.timeouts;
    this.#results = to.map(untried);
    message.assertReadable();
    const sender = await this.#talk.command(`MAIL FROM:<${from}>`, 'command', commandMs);
    if (sender.code >= 300) return this.#settle(to.entries(), sender);
    const taken: Recipient[] = [];
    for (const recipient of to.entries()) {
      const reply = await this.#talk.command(`RCPT TO:<${recipient[1]}>`, 'command', commandMs);
      if (reply.code < 300) taken.push(recipient);
      else this.#settle([recipient], reply);
    }
    if (taken.length === 0) return;
    const go = await this.#talk.command('DATA', 'command', commandMs);
    if (go.code >= 400) return this.#settle(taken, go);
    if (go.code !== 354) throw new ReplyUnexpectedError('command', go); // a 250 here has accepted nothing
    this.#settle(taken, await this.#body(message, taken));
  }

  /** Of each recipient of {@link send}, in their order; none before it. */
  get results(): readonly RecipientResult[] {
    return this.#results;
  }

  /** Takes leave, where the server still listens for commands, and closes. */
  async quit(): Promise<void> {
    try {
      if (this.#place === 'commands') await this.#talk.command('QUIT', 'session', this.#options.timeouts.quitMs);
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
      socket.once('close', fail); // destroy() makes no error
      socket.once('connect', () => {
        clearTimeout(timer);
        socket.off('close', fail);
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
    const host = identityOf(this.#target.host);
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

  /**
   * Sends the message, ready to be interrupted: a server may refuse it, or go, long before the final dot.
   * @returns the server's verdict, 4xx or 5xx where it came early
   */
  async #body(message: OutgoingMessage, taken: readonly Recipient[]): Promise<Reply> {
    const { commandMs, dataBlockMs, finalDotMs } = this.#options.timeouts;
    this.#place = 'body';
    const sent = this.#pump(message, taken);
    sent.catch(() => {}); // where the server speaks first, nobody waits for it any more
    await Promise.race([sent, this.#talk.stirred()]);
    if (this.#at('stalled')) throw new ReplyTimeoutError('message', dataBlockMs);
    if (this.#at('behind-dot')) {
      const verdict = await this.#talk.reply('message', finalDotMs);
      this.#place = 'commands';
      return verdict;
    }
    this.#place = 'cut';
    const early = await this.#talk.reply('message', commandMs);
    if (early.code < 400) throw new ReplyUnexpectedError('message', early); // it has not seen the message's end
    return early;
  }

  async #pump(message: OutgoingMessage, taken: readonly Recipient[]): Promise<void> {
    for await (const octets of message.wire()) {
      if (!this.#at('body')) return;
      await this.#write(octets);
    }
    if (!this.#at('body')) return;
    this.#place = 'behind-dot';
    this.#settle(taken, null);
    await this.#write(message.ending());
  }

  /** Resolves also where it fails: why is the dialogue's to tell, where the server's last words may wait to be read. */
  #write(octets: Buffer): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#place = 'stalled';
        this.destroy();
      }, this.#options.timeouts.dataBlockMs);
      this.#socket?.write(octets, (error) => {
        clearTimeout(timer);
        if (error && this.#at('body')) this.#place = 'cut';
        resolve();
      });
    });
  }

  /** A question to be asked anew after each await. */
  #at(place: Place): boolean {
    return this.#place === place;
  }

  /** @param reply - `null`: the final dot is on its way, and what became of them is not known */
  #settle(recipients: Iterable<Recipient>, reply: Reply | null): void {
    for (const [index, address] of recipients) {
      this.#results[index] = reply ? recipientResult(address, reply) : { address, status: 'unknown', reply };
    }
  }
}

/** The name that a certificate has to carry and that SNI sends: without the dot at its end, without an address's zone. */
function identityOf(host: string): string {
  return isIP(host) === 0 ? host.replace(/\.$/, '') : host.replace(/%.*$/, '');
}

function timeoutError(): Error {
  return Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' });
}
