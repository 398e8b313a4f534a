import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { CredentialStore } from '../credentials/credential-store.js';
import { OptionError, TlsSmtpError } from '../errors.js';
import type { HostListSource } from '../hostlist/index.js';
import { hangUp } from '../net/hang-up.js';
import { assertBytes } from '../net/socket-check.js';
import { HandlerFailedError, HandlerTimeoutError } from '../net/starttls-errors.js';
import { StartTlsServer } from '../net/starttls-server.js';
import { type Peer, peerOf } from '../peer.js';
import { SmtpRejection } from '../smtp/rejection.js';
import { formatReply, type Reply } from '../smtp/reply.js';
import { tell } from '../tell.js';
import { aclRefusal } from './acl.js';
import { Conversation, type SmtpSession } from './conversation.js';
import { Deadlines } from './deadlines.js';
import { Descriptors } from './descriptors.js';
import { EhloReplies } from './ehlo-replies.js';
import type { SettledHandlers } from './handlers.js';
import { Listener, type ListenOptions, listenSettings } from './listener.js';
import { Occupancy } from './occupancy.js';
import { type SmtpServerOptions, type SmtpServerSettings, serverSettings } from './options.js';
import { Proxies } from './proxies.js';
import { replies } from './replies.js';
import { Session } from './session.js';
import type { SessionHost } from './session-host.js';
import { say } from './voice.js';

/** Events, for logs and statistics; nothing of it needs an answer. A listener that throws is an `uncaughtException`. */
export interface SmtpServerEvents {
  session: [session: SmtpSession];
  /** A connection was answered 421 and closed, for want of room. It has no session, and no handler hears of it. */
  turnedAway: [peer: Peer, limit: 'maxConnections' | 'maxConnectionsPerAddress'];
  /** Each failed upgrade once, with the reason in words. */
  tlsError: [error: TlsSmtpError, session: SmtpSession];
  /**
   * For the operator. A handler that failed or did not answer comes with its error, whose `cause` is what it threw, and its
   * session. Where nobody listens, the first of each kind is a process warning.
   */
  warning: [message: string, error?: TlsSmtpError, session?: SmtpSession];
  close: [];
}

/** `listen()` or `accept()` after `close()`. */
export class ServerClosedError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_SERVER_CLOSED' as const;
  readonly phase = 'configuration' as const;
  readonly fault = 'caller' as const;
  readonly temporary = false;

  constructor() {
    super('the server is closed; make a new one');
  }
}

const NO_HANDLER = 'there is no onMessage handler: messages are accepted and dropped';

const NO_DESCRIPTOR =
  'the process has no file descriptor left: more clients are closed without a word; raise the limit of the system ' +
  '(ulimit -n), or lower limits.maxConnections';

/** What a handler threw may hold secrets: it is for those who ask. */
const CAUSE_IS_TOLD = "server.on('warning', (message, error) => …) gets the reason as error.cause";

/** How long `close()` lets messages under way finish, in milliseconds. */
const DRAIN_MS = 5_000;

/**
 * A mail listener to embed in a program.
 *
 * @example
 * const server = new SmtpServer({ tls: { certificate, privateKey }, onMessage: async (message) => save(await message.bytes()) });
 * await server.listen({ port: 25 });
 */
export class SmtpServer extends EventEmitter<SmtpServerEvents> {
  readonly #settings: SmtpServerSettings;
  readonly #handlers: SettledHandlers;
  readonly #starttls: StartTlsServer;
  readonly #deadlines: Deadlines;
  readonly #ehloReplies: EhloReplies;
  readonly #descriptors = new Descriptors();
  readonly #listeners = new Set<Listener>();
  readonly #sessions = new Map<string, Session>();
  readonly #occupancy: Occupancy;
  /** Those beyond `maxConnections`, while they read why. */
  readonly #turnedAway = new Set<Duplex>();
  readonly #conversations = new WeakMap<Peer, Conversation>();
  readonly #idPrefix = randomBytes(6).toString('hex');
  #nextId = 0;
  #closing: Promise<void> | null = null;
  #whenEmpty: (() => void) | null = null;
  /** What was warned of already, where it is said once. */
  readonly #warned = new Set<string>();

  /** @throws {OptionError} for an option that is unknown or cannot be meant */
  constructor(options: SmtpServerOptions) {
    super();
    this.#settings = serverSettings(options);
    const { tls, hostname, hidden, limits, handlers } = this.#settings;
    this.#ehloReplies = new EhloReplies(hostname, limits.maxMessageBytes, hidden);
    this.#handlers =
      handlers.onMessage === undefined ? { ...handlers, onMessage: () => this.#warnOnce(NO_HANDLER) } : handlers;
    this.#starttls = new StartTlsServer({
      ...(tls !== undefined && { tls }),
      maxHandshakes: limits.maxHandshakes,
      handlerTimeoutMs: limits.handlerTimeoutMs,
      onStartTls: (peer) => this.#permitStartTls(this.#conversationOf(peer)),
    });
    this.#starttls.on('tlsError', (error, peer) => this.#upgradeFailed(error, this.#conversationOf(peer)));
    this.#starttls.on('warning', (message) => this.#warn(message));
    const { commandTimeoutMs, dataTimeoutMs, handlerTimeoutMs, sessionTimeoutMs } = limits;
    this.#deadlines = new Deadlines(Math.min(commandTimeoutMs, dataTimeoutMs, handlerTimeoutMs, sessionTimeoutMs));
    this.#occupancy = new Occupancy(limits.maxConnectionsPerAddress);
  }

  /** What is known of the certificates in use: events, `stats`, `check()`. */
  get credentials(): CredentialStore {
    return this.#starttls.credentials;
  }

  get connections(): number {
    return this.#sessions.size;
  }

  /**
   * Loads the certificate and key.
   * @throws {CredentialError} that names option, file and block
   */
  ready(): Promise<void> {
    return this.#starttls.ready();
  }

  /**
   * Listens; call it once for each port.
   *
   * @returns where it listens: the port that was taken for port 0
   * @throws {CredentialError} where the certificate cannot be had, {@link ServerClosedError}, or Node's own error
   *   (EADDRINUSE) where the address cannot be had
   */
  async listen(given: ListenOptions = {}): Promise<{ address: string; port: number }> {
    const { where, proxyProtocol, ...settings } = listenSettings(given);
    if (this.#closing !== null) throw new ServerClosedError();
    let tlsOnConnect = settings.tlsOnConnect ?? this.#isOnConnectPort(where.port);
    this.#assertTls(tlsOnConnect);
    const arrived = (socket: Socket, peer?: Peer): void =>
      this.#arrived(socket, { tlsOnConnect, ...(peer && { peer }) });
    const proxies = proxyProtocol === null ? null : this.#proxies(proxyProtocol, arrived);
    await this.ready();
    if (this.#closing !== null) throw new ServerClosedError();
    const failed = ({ code = 'no code' }: NodeJS.ErrnoException): void => {
      this.#warnOnce(`a listener could not take a client (${code})`);
    };
    const listener = new Listener(proxies, arrived, failed);
    const address = await listener.open(where);
    try {
      if (this.#closing !== null) throw new ServerClosedError();
      if (where.fd !== undefined) tlsOnConnect = settings.tlsOnConnect ?? this.#isOnConnectPort(address.port);
      this.#assertTls(tlsOnConnect);
    } catch (error) {
      await listener.close();
      throw error;
    }
    this.#listeners.add(listener);
    return address;
  }

  /**
   * Serves a connected socket from elsewhere. The socket belongs to the server from now on.
   * @throws {ServerClosedError}, and {@link SocketUnusableError} for a socket that does not give bytes; it is destroyed
   */
  accept(socket: Duplex, options: { readonly tlsOnConnect?: boolean; readonly peer?: Peer } = {}): SmtpSession {
    if (this.#closing !== null) {
      socket.destroy();
      throw new ServerClosedError();
    }
    try {
      assertBytes(socket);
    } catch (error) {
      socket.destroy();
      throw error;
    }
    const peer = { ...(options.peer ?? (socket instanceof Socket ? peerOf(socket) : {})) };
    const id = `${this.#idPrefix}${(this.#nextId++).toString(36)}`;
    const conversation = new Conversation(id, peer, this.#starttls.rememberEsmtp);
    const { acl, limits, hostname, banner, hidden, auth, bareNewlines } = this.#settings;
    const tlsOnConnect = options.tlsOnConnect === true;
    if (socket.destroyed) return conversation; // the client was gone before we looked
    const leave = this.#sessions.size < limits.maxConnections ? this.#occupancy.enter(peer) : undefined;
    if (leave === undefined || leave === null) {
      const limit = leave === undefined ? 'maxConnections' : 'maxConnectionsPerAddress';
      this.#turnAway(socket, tlsOnConnect, conversation, limit);
      return conversation;
    }
    this.#conversations.set(peer, conversation);
    void this.ready().catch(() => {}); // a server that only accepts: the first socket starts the loading; STARTTLS tells
    const starttls = this.#starttls.session(peer);
    const host: SessionHost = {
      context: {
        conversation,
        acl,
        handlers: this.#handlers,
        limits,
        hostname,
        hidden,
        ehloReplies: this.#ehloReplies,
        auth,
        bareNewlines,
        offer: (name) => starttls.ehlo(name),
        withdraw: (name) => starttls.helo(name),
        offersTls: this.#starttls.offersTls,
        report: (error) => this.#warn(error.message, error, conversation),
      },
      starttls,
      deadlines: this.#deadlines,
      banner,
      closed: (reason) => {
        leave();
        this.#closed(conversation, reason);
      },
    };
    const session = new Session(socket, host, tlsOnConnect);
    this.#sessions.set(conversation.id, session);
    say({ type: 'connected', id: conversation.id, peer });
    tell(() => this.emit('session', conversation));
    void session.begin();
    return conversation;
  }

  /**
   * Stops listening, tells idle clients 421, lets messages under way finish, then closes what is left.
   *
   * @param options - `drainMs`: how long messages may take to finish. Default 5,000 ms.
   */
  close(options: { readonly drainMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(options.drainMs ?? DRAIN_MS);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(drainMs: number): Promise<void> {
    const listeners = [...this.#listeners].map((listener) => listener.close());
    for (const socket of this.#turnedAway) socket.destroy(); // they have been answered, and are owed no time
    for (const session of this.#sessions.values()) session.drain();
    if (this.#sessions.size > 0) {
      await new Promise<void>((resolve) => {
        const cut = setTimeout(() => {
          for (const session of this.#sessions.values()) session.destroy('the server shut down');
        }, drainMs);
        this.#whenEmpty = () => {
          clearTimeout(cut);
          resolve();
        };
      });
    }
    await Promise.all(listeners);
    tell(() => this.emit('close'));
  }

  #isOnConnectPort(port: number | undefined): boolean {
    return port !== undefined && this.#starttls.onConnectPorts.includes(port);
  }

  #assertTls(tlsOnConnect: boolean): void {
    if (tlsOnConnect && !this.#starttls.offersTls) {
      throw new OptionError('tls.certificate', 'is needed for tlsOnConnect');
    }
  }

  #proxies(source: HostListSource, accept: (socket: Socket, peer: Peer) => void): Proxies {
    const refused = (error: TlsSmtpError): void => this.#warn(error.message, error);
    const { handshakeTimeoutMs } = this.#starttls;
    return new Proxies(source, handshakeTimeoutMs, this.#settings.limits.maxConnections, { accept, refused });
  }

  #arrived(socket: Socket, options: { readonly tlsOnConnect: boolean; readonly peer?: Peer }): void {
    if (this.#closing !== null) return void socket.destroy();
    this.accept(socket, options);
    if (this.#descriptors.ranOut(this.#sessions.size)) this.#warn(NO_DESCRIPTOR);
  }

  /** Where TLS is due, without a word. */
  #turnAway(
    socket: Duplex,
    tlsOnConnect: boolean,
    { id, peer }: Conversation,
    limit: 'maxConnections' | 'maxConnectionsPerAddress',
  ): void {
    if (tlsOnConnect) socket.destroy();
    else {
      this.#turnedAway.add(socket);
      socket.once('close', () => this.#turnedAway.delete(socket));
      hangUp(socket, formatReply(limit === 'maxConnections' ? replies.tooManyConnections : replies.tooManyOfYours));
    }
    say({ type: 'turned-away', id, peer, reason: `limits.${limit} is reached` });
    tell(() => this.emit('turnedAway', peer, limit));
  }

  /** `acl.starttls`, then the application. */
  #permitStartTls(conversation: Conversation): unknown {
    const { acl, handlers } = this.#settings;
    const go = (refused: Reply | null): unknown => {
      if (refused !== null) throw new SmtpRejection(refused);
      return handlers.onStartTls?.(conversation);
    };
    const refused = aclRefusal({ acl, conversation }, 'starttls');
    return refused instanceof Promise ? refused.then(go) : go(refused);
  }

  #closed(conversation: Conversation, reason: string): void {
    this.#sessions.delete(conversation.id);
    say({ type: 'closed', id: conversation.id, peer: conversation.peer, reason });
    const { handlers } = this.#settings;
    void Promise.resolve()
      .then(() => handlers.onClose?.(conversation, reason))
      .catch((cause: unknown) => {
        const error = new HandlerFailedError('onClose', cause);
        this.#warn(error.message, error, conversation);
      });
    if (this.#sessions.size === 0) this.#whenEmpty?.();
  }

  /** The STARTTLS side speaks of peers; each belongs to one conversation. */
  #conversationOf(peer: Peer): Conversation {
    return this.#conversations.get(peer) ?? new Conversation('unknown', peer);
  }

  /** A handler's failure is not about TLS, whoever asked it. */
  #upgradeFailed(error: TlsSmtpError, session: SmtpSession): void {
    const ofHandler = error instanceof HandlerFailedError || error instanceof HandlerTimeoutError;
    if (ofHandler) this.#warn(error.message, error, session);
    else tell(() => this.emit('tlsError', error, session));
  }

  /** Whatever went wrong is never lost: where nobody listens, Node prints the first of each kind. */
  #warn(message: string, error?: TlsSmtpError, session?: SmtpSession): void {
    if (this.listenerCount('warning') > 0) tell(() => this.emit('warning', message, error, session));
    else if (!this.#warned.has(message)) {
      this.#warned.add(message);
      process.emitWarning(message, {
        type: 'TlsSmtpWarning',
        ...(error && { code: error.code }),
        ...(error?.cause !== undefined && { detail: CAUSE_IS_TOLD }),
      });
    }
  }

  #warnOnce(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warn(message);
    this.#warned.add(message);
  }
}
