import type { Socket } from 'node:net';
import type { HostMatcher } from '../hostlist/index.js';
import { ProxyHeaderError, proxiedPeer } from '../net/proxy-protocol.js';
import { ignoreErrors } from '../net/socket-check.js';
import { type Peer, peerOf } from '../peer.js';

/** What becomes of a connection on a port behind proxies. */
export interface ProxiesHost {
  /** It is known who the client is. */
  readonly accept: (socket: Socket, peer: Peer) => void;
  readonly refused: (error: ProxyHeaderError) => void;
}

/**
 * The proxies in front of a port. Those of the list must say for whom they connect before anything else; from others that
 * is no more than a bad command or a failed handshake, or anybody could choose the address that rules are asked with.
 */
export class Proxies {
  readonly #list: HostMatcher;
  readonly #timeoutMs: number;
  readonly #maxArriving: number;
  readonly #host: ProxiesHost;
  /** Those of whom it is not known yet for whom they come. */
  readonly #arriving = new Set<Socket>();
  #over = false;

  /**
   * @param list - who must send a header
   * @param timeoutMs - how long a header may take
   * @param maxArriving - how many connections may be without one at once; more are closed
   */
  constructor(list: HostMatcher, timeoutMs: number, maxArriving: number, host: ProxiesHost) {
    this.#list = list;
    this.#timeoutMs = timeoutMs;
    this.#maxArriving = maxArriving;
    this.#host = host;
  }

  /** @param socket - paused, and nobody listens to it yet */
  async receive(socket: Socket): Promise<void> {
    if (this.#arriving.size >= this.#maxArriving) return void socket.destroy();
    const peer = await this.#clientOf(socket);
    if (peer !== null && !socket.destroyed) this.#host.accept(socket, peer);
  }

  /** Nobody waits for them any more. */
  destroy(): void {
    this.#over = true;
    for (const socket of this.#arriving) socket.destroy();
  }

  /** @returns `null`: the socket is closed. It rejects for nothing that a peer, or the list, can do */
  async #clientOf(socket: Socket): Promise<Peer | null> {
    const proxy = peerOf(socket);
    this.#arriving.add(socket);
    ignoreErrors(socket); // a reset before anybody else listens must not end the process
    try {
      return (await this.#owesHeader(proxy)) ? await proxiedPeer(socket, proxy, this.#timeoutMs) : proxy;
    } catch (problem) {
      socket.destroy();
      if (!this.#over)
        this.#host.refused(problem instanceof ProxyHeaderError ? problem : new ProxyHeaderError(UNDECIDED, proxy));
      return null;
    } finally {
      this.#arriving.delete(socket);
    }
  }

  async #owesHeader(proxy: Peer): Promise<boolean> {
    const { result } = await this.#list.match(proxy);
    // Either answer would let somebody in under an address that is not his: the proxy's, or one of his choice.
    if (result === 'defer') throw new ProxyHeaderError(UNDECIDED, proxy);
    return result === 'yes';
  }
}

const UNDECIDED = 'nobody can tell whether it is due: the list of proxies is undecided';
