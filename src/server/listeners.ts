import type { Socket } from 'node:net';
import { OptionError } from '../errors.js';
import { type HostListOptions, type HostListSource, hostMatcher } from '../hostlist/index.js';
import type { StartTlsServer } from '../net/starttls-server.js';
import type { Peer } from '../peer.js';
import { ServerClosedError } from './errors.js';
import { Listener, type ListenOptions, listenSettings } from './listener.js';
import type { Operator } from './operator.js';
import { Proxies } from './proxies.js';

/** A client as a listener hands it on. */
export interface Arrival {
  readonly tlsOnConnect: boolean;
  /** For whom a proxy connects. */
  readonly peer?: Peer;
}

/** What the listeners of a server need of it. */
export interface ListenersHost {
  readonly starttls: Pick<StartTlsServer, 'offersTls' | 'onConnectPorts' | 'handshakeTimeoutMs' | 'ready'>;
  readonly operator: Pick<Operator, 'warnOf' | 'warnOnce'>;
  /** How many clients of proxies may wait for their header at once. */
  readonly maxArriving: number;
  /** What the lists of proxies may name. */
  readonly hostLists?: HostListOptions | undefined;
  readonly arrived: (socket: Socket, arrival: Arrival) => void;
}

/** The ports of a server. */
export class Listeners {
  readonly #host: ListenersHost;
  readonly #listeners = new Set<Listener>();
  #closed = false;

  constructor(host: ListenersHost) {
    this.#host = host;
  }

  /**
   * @returns where it listens: the port that was taken for port 0
   * @throws {OptionError}, {@link CredentialError}, {@link ServerClosedError}, or Node's own where the address cannot be had
   */
  async open(given: ListenOptions): Promise<{ address: string; port: number }> {
    const { where, proxyProtocol, ...settings } = listenSettings(given);
    this.#assertOpen();
    let tlsOnConnect = settings.tlsOnConnect ?? this.#isOnConnectPort(where.port);
    this.#assertTls(tlsOnConnect);
    const arrived = (socket: Socket, peer?: Peer): void =>
      this.#arrived(socket, { tlsOnConnect, ...(peer && { peer }) });
    const proxies = proxyProtocol === null ? null : this.#proxies(proxyProtocol, arrived);
    await this.#host.starttls.ready();
    this.#assertOpen();
    const failed = ({ code = 'no code' }: NodeJS.ErrnoException): void => {
      this.#host.operator.warnOnce(`a listener could not take a client (${code})`);
    };
    const listener = new Listener(proxies, arrived, failed);
    const address = await listener.open(where);
    try {
      this.#assertOpen();
      if (where.fd !== undefined) tlsOnConnect = settings.tlsOnConnect ?? this.#isOnConnectPort(address.port);
      this.#assertTls(tlsOnConnect);
    } catch (error) {
      await listener.close();
      throw error;
    }
    this.#listeners.add(listener);
    return address;
  }

  /** Takes no more clients, at once and for good. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#listeners].map((listener) => listener.close()));
  }

  #arrived(socket: Socket, arrival: Arrival): void {
    if (this.#closed) socket.destroy();
    else this.#host.arrived(socket, arrival);
  }

  #assertOpen(): void {
    if (this.#closed) throw new ServerClosedError();
  }

  #isOnConnectPort(port: number | undefined): boolean {
    return port !== undefined && this.#host.starttls.onConnectPorts.includes(port);
  }

  #assertTls(tlsOnConnect: boolean): void {
    if (tlsOnConnect && !this.#host.starttls.offersTls) {
      throw new OptionError('tls.certificate', 'is needed for tlsOnConnect');
    }
  }

  #proxies(source: HostListSource, accept: (socket: Socket, peer: Peer) => void): Proxies {
    const { starttls, operator, maxArriving, hostLists } = this.#host;
    const list = hostMatcher(source, hostLists);
    return new Proxies(list, starttls.handshakeTimeoutMs, maxArriving, {
      accept,
      refused: (error) => operator.warnOf(error),
    });
  }
}
