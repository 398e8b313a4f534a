import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { CredentialStore } from '../credentials/credential-store.js';
import { andThen } from '../eventual.js';
import { assertBytes, assertStream, ignoreErrors } from '../net/socket-check.js';
import { HandlerFailedError } from '../net/starttls-errors.js';
import { StartTlsServer } from '../net/starttls-server.js';
import { checkedOptions, wholeNumber } from '../options.js';
import { type Peer, peerOf } from '../peer.js';
import { SmtpRejection } from '../smtp/rejection.js';
import type { Reply } from '../smtp/reply.js';
import { tell } from '../tell.js';
import { aclRefusal } from './acl.js';
import { Conversation, type SmtpSession } from './conversation.js';
import { Deadlines } from './deadlines.js';
import { Descriptors } from './descriptors.js';
import { EhloReplies } from './ehlo-replies.js';
import { ServerClosedError } from './errors.js';
import type { SmtpServerEvents } from './events.js';
import type { SettledHandlers } from './handlers.js';
import { type AcceptOptions, acceptSettings, type ListenOptions } from './listener.js';
import { type Arrival, Listeners } from './listeners.js';
import { Occupancy } from './occupancy.js';
import { Operator } from './operator.js';
import { type SmtpServerOptions, type SmtpServerSettings, serverSettings } from './options.js';
import { Session } from './session.js';
import type { SessionHost } from './session-host.js';
import { Sessions } from './sessions.js';
import { type Full, TurnedAway } from './turned-away.js';
import { say } from './voice.js';

const NO_HANDLER = 'there is no onMessage handler: messages are accepted and dropped';

const AUTH_WITHOUT_TLS =
  'onAuth is given and tls.certificate is not: AUTH is offered inside TLS alone, so nobody can log in ' +
  '(on a network of your own: allowInsecureAuth)';

const NO_DESCRIPTOR =
  'the process has no file descriptor left: more clients are closed without a word; raise the limit of the system ' +
  '(ulimit -n), or lower limits.maxConnections';

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
  readonly #operator = new Operator(this);
  readonly #listeners: Listeners;
  readonly #sessions = new Sessions();
  readonly #occupancy: Occupancy;
  readonly #turnedAway = new TurnedAway();
  readonly #conversations = new WeakMap<Peer, Conversation>();
  readonly #idPrefix = randomBytes(6).toString('hex');
  #nextId = 0;
  #closing: Promise<void> | null = null;

  /** @throws {OptionError} for an option that is unknown or cannot be meant */
  constructor(options: SmtpServerOptions) {
    super();
    this.#settings = serverSettings(options);
    const { tls, hostname, hidden, limits, handlers } = this.#settings;
    this.#ehloReplies = new EhloReplies(hostname, limits.maxMessageBytes, hidden);
    this.#handlers =
      handlers.onMessage === undefined
        ? { ...handlers, onMessage: () => this.#operator.warnOnce(NO_HANDLER) }
        : handlers;
    this.#starttls = new StartTlsServer({
      ...(tls !== undefined && { tls }),
      maxHandshakes: limits.maxHandshakes,
      handlerTimeoutMs: limits.handlerTimeoutMs,
      onStartTls: (peer) => this.#permitStartTls(this.#conversationOf(peer)),
    });
    this.#starttls.on('tlsError', (error, peer) => this.#operator.upgradeFailed(error, this.#conversationOf(peer)));
    this.#starttls.on('warning', (message) => this.#operator.warn(message));
    const { commandTimeoutMs, dataTimeoutMs, handlerTimeoutMs, sessionTimeoutMs } = limits;
    this.#deadlines = new Deadlines(Math.min(commandTimeoutMs, dataTimeoutMs, handlerTimeoutMs, sessionTimeoutMs));
    this.#occupancy = new Occupancy(limits.maxConnectionsPerAddress);
    this.#listeners = new Listeners({
      starttls: this.#starttls,
      operator: this.#operator,
      maxArriving: limits.maxConnections,
      hostLists: tls?.hostLists,
      arrived: (socket, arrival) => this.#arrived(socket, arrival),
    });
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
    this.#lint();
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
    this.#lint();
    return this.#listeners.open(given);
  }

  /**
   * Serves a connected socket from elsewhere. The socket belongs to the server from now on.
   * @throws {ServerClosedError}, and {@link SocketUnusableError} for a socket that does not give bytes; it is destroyed.
   *   {OptionError} for options that cannot be meant; the socket is still yours
   */
  accept(socket: Duplex, given?: AcceptOptions): SmtpSession {
    assertStream(socket);
    const { tlsOnConnect = false, peer } = acceptSettings(given);
    if (socket.destroyed) ignoreErrors(socket); // it may have one yet to emit
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
    void this.ready().catch(() => {}); // a server that only accepts: the first socket starts the loading; STARTTLS tells
    const known = peer ?? (socket instanceof Socket ? peerOf(socket) : {});
    return this.#serve(socket, tlsOnConnect, { ...known });
  }

  /**
   * Stops listening, tells idle clients 421, lets messages under way finish, then closes what is left.
   *
   * @param options - `drainMs`: how long messages may take to finish. Default 5,000 ms.
   */
  async close(options?: { readonly drainMs?: number }): Promise<void> {
    const { drainMs } = checkedOptions('close', options, ['drainMs']);
    const checkedMs = wholeNumber('close.drainMs', drainMs, DRAIN_MS, 0, 2 ** 31 - 1);
    this.#closing ??= this.#close(checkedMs);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(drainMs: number): Promise<void> {
    const listeners = this.#listeners.close();
    this.#turnedAway.destroy();
    await this.#sessions.drain(drainMs);
    await listeners;
    tell(() => this.emit('close'));
  }

  /** Warns of what is configured and has no effect. */
  #lint(): void {
    const { auth } = this.#settings;
    if (auth !== null && !auth.insecure && !this.#starttls.offersTls) this.#operator.warnOnce(AUTH_WITHOUT_TLS);
  }

  #arrived(socket: Socket, { tlsOnConnect, peer = peerOf(socket) }: Arrival): void {
    this.#serve(socket, tlsOnConnect, peer);
    if (this.#descriptors.ranOut(this.#sessions.size)) this.#operator.warn(NO_DESCRIPTOR);
  }

  /** @param peer - of this connection alone */
  #serve(socket: Duplex, tlsOnConnect: boolean, peer: Peer): SmtpSession {
    const id = `${this.#idPrefix}${(this.#nextId++).toString(36)}`;
    const conversation = new Conversation(id, peer, this.#starttls.rememberEsmtp);
    const { limits } = this.#settings;
    if (socket.destroyed) return conversation; // the client was gone before we looked
    const leave = this.#sessions.size < limits.maxConnections ? this.#occupancy.enter(peer) : undefined;
    if (leave === undefined || leave === null) {
      const limit = leave === undefined ? 'maxConnections' : 'maxConnectionsPerAddress';
      this.#turnAway(socket, tlsOnConnect, conversation, limit);
      return conversation;
    }
    this.#conversations.set(peer, conversation);
    const session = new Session(socket, this.#hostOf(conversation, leave), tlsOnConnect);
    this.#sessions.add(conversation.id, session);
    say({ type: 'connected', id: conversation.id, peer });
    tell(() => this.emit('session', conversation));
    void session.begin();
    return conversation;
  }

  /** @param leave - gives the place of the connection back */
  #hostOf(conversation: Conversation, leave: () => void): SessionHost {
    const { acl, limits, hostname, banner, hidden, auth, bareNewlines } = this.#settings;
    const starttls = this.#starttls.session(conversation.peer);
    return {
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
        report: (error) => this.#operator.warnOf(error, conversation),
      },
      starttls,
      deadlines: this.#deadlines,
      banner,
      closed: (reason) => {
        leave();
        this.#closed(conversation, reason);
      },
    };
  }

  #turnAway(socket: Duplex, tlsOnConnect: boolean, { id, peer }: Conversation, limit: Full): void {
    this.#turnedAway.add(socket, limit, tlsOnConnect);
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
    return andThen<Reply | null, unknown>(aclRefusal({ acl, conversation }, 'starttls'), go);
  }

  #closed(conversation: Conversation, reason: string): void {
    this.#sessions.remove(conversation.id);
    say({ type: 'closed', id: conversation.id, peer: conversation.peer, reason });
    const { handlers } = this.#settings;
    void Promise.resolve()
      .then(() => handlers.onClose?.(conversation, reason))
      .catch((cause: unknown) => this.#operator.warnOf(new HandlerFailedError('onClose', cause), conversation));
  }

  /** The STARTTLS side speaks of peers; each belongs to one conversation. */
  #conversationOf(peer: Peer): Conversation {
    return this.#conversations.get(peer) ?? new Conversation('unknown', peer);
  }
}
