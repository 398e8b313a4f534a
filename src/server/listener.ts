import { createServer, type Server, type Socket } from 'node:net';
import { OptionError } from '../errors.js';
import type { HostListSource } from '../hostlist/index.js';
import { checkedOptions, wholeNumber } from '../options.js';
import { assertPeer, type Peer } from '../peer.js';
import type { Proxies } from './proxies.js';

export interface ListenOptions {
  /** 0 takes a free one. Default 25, or 465 with `tlsOnConnect`. */
  readonly port?: number;
  /** Default: all addresses. */
  readonly host?: string;
  /** A UNIX socket instead of a port. */
  readonly path?: string;
  /** A listening socket that the process was started with, instead of a port: systemd gives 3 and on. */
  readonly fd?: number;
  /** TLS before anything else (RFC 8314 §3.3); stronger than `tls.onConnectPorts`. */
  readonly tlsOnConnect?: boolean;
  /**
   * Exim hosts_proxy: the proxies, which must say in a PROXY header (version 1 or 2) for whom they connect. The session's
   * `peer` is that client. Anybody who is on this list can be anybody: name addresses.
   */
  readonly proxyProtocol?: HostListSource;
}

/** How a socket from elsewhere is served. */
export interface AcceptOptions {
  /** TLS before anything else. Default `false`. */
  readonly tlsOnConnect?: boolean;
  /** Who the client is. Default: what the socket says. */
  readonly peer?: Peer;
}

/** @throws {OptionError} for an option that is unknown or cannot be meant */
export function acceptSettings(given: AcceptOptions | undefined): AcceptOptions {
  const options = checkedOptions('accept', given, ['tlsOnConnect', 'peer'], { secure: 'tlsOnConnect' });
  if (options.tlsOnConnect !== undefined && typeof options.tlsOnConnect !== 'boolean') {
    throw new OptionError('accept.tlsOnConnect', 'must be true or false');
  }
  if (options.peer !== undefined) assertPeer(options.peer);
  return options;
}

/** A port, the path of a UNIX socket, or a listening descriptor: `fd` is one that Node's own types leave out. */
export interface Where {
  readonly port?: number;
  readonly host?: string | undefined;
  readonly path?: string | undefined;
  readonly fd?: number | undefined;
}

/** The options, checked. */
export interface ListenSettings {
  readonly where: Where;
  /** `null`: the port decides. */
  readonly tlsOnConnect: boolean | null;
  readonly proxyProtocol: HostListSource | null;
}

/** @throws {OptionError} for an option that is unknown or cannot be meant */
export function listenSettings(given: ListenOptions | undefined): ListenSettings {
  if (typeof given === 'number') throw new OptionError('listen', `takes an object: listen({ port: ${given} })`);
  const names = ['port', 'host', 'path', 'fd', 'tlsOnConnect', 'proxyProtocol'] as const;
  const options = checkedOptions('listen', given, names, { secure: 'tlsOnConnect', proxy: 'proxyProtocol' });
  const { port, host, path, fd, tlsOnConnect, proxyProtocol } = options;
  if (tlsOnConnect !== undefined && typeof tlsOnConnect !== 'boolean') {
    throw new OptionError('listen.tlsOnConnect', 'must be true or false');
  }
  if (path !== undefined && (typeof path !== 'string' || path === '')) {
    throw new OptionError('listen.path', 'must be the path of a UNIX socket');
  }
  wholeNumber('listen.fd', fd, 0, 0, 2 ** 31 - 1);
  wholeNumber('listen.port', port, 0, 0, 65_535);
  const instead = fd !== undefined ? 'fd' : path !== undefined ? 'path' : null;
  if (instead !== null && [port, host, instead === 'fd' ? path : undefined].some((other) => other !== undefined)) {
    throw new OptionError(`listen.${instead}`, 'says where to listen, and so does another option beside it');
  }
  return {
    where: instead === null ? { host, port: port ?? (tlsOnConnect === true ? 465 : 25) } : { path, fd },
    tlsOnConnect: tlsOnConnect ?? null,
    proxyProtocol: proxyProtocol ?? null,
  };
}

/** One port on which clients arrive. */
export class Listener {
  readonly #server: Server;
  readonly #proxies: Proxies | null;

  /**
   * @param onSocket - called with each client, paused; where `proxies` stand in front they are asked first
   * @param onError - what the system says when it has a client and cannot give it to us
   */
  constructor(
    proxies: Proxies | null,
    onSocket: (socket: Socket) => void,
    onError: (error: NodeJS.ErrnoException) => void,
  ) {
    this.#proxies = proxies;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true });
    this.#server.on('connection', (socket) => {
      if (proxies === null) onSocket(socket);
      else void proxies.receive(socket);
    });
    this.#server.on('listening', () => this.#server.on('error', onError));
  }

  /**
   * @returns where it listens; a path has the port 0
   * @throws Node's own error where it cannot; {OptionError} for a descriptor that does not listen
   */
  async open(where: Where): Promise<{ address: string; port: number }> {
    await new Promise<void>((resolve, reject) => {
      const fail = (error: NodeJS.ErrnoException): void => {
        const passedOn = where.fd !== undefined && error.syscall === 'listen';
        reject(
          passedOn ? new OptionError('listen.fd', `is no listening socket that was passed on (${error.code})`) : error,
        );
      };
      this.#server.once('error', fail);
      this.#server.listen(where, () => {
        this.#server.off('error', fail);
        resolve();
      });
    });
    const address = this.#server.address();
    if (address === null || typeof address === 'string') return { address: address ?? '', port: 0 };
    return { address: address.address, port: address.port };
  }

  /** Takes no more clients; those of whom it is not known yet for whom they come are cut. */
  close(): Promise<void> {
    this.#proxies?.destroy();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}
