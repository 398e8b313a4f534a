import { setTimeout as sleep } from 'node:timers/promises';
import type { IssuedCertificate } from '../../src/testing/authority.js';
import { Child } from '../bench/child.js';
import type { Mark, ServerSettings, SoakOrders } from './orders.js';

export type { ServerSettings } from './orders.js';

const LOOK_MS = 20;

/** A server in a process of its own: what it does to memory and descriptors is all its own. */
export class ServerProcess implements AsyncDisposable {
  readonly port: number;
  readonly tlsPort: number;
  readonly #child: Child<SoakOrders>;
  /** Those that listen, and the channel of orders. */
  readonly #ownSockets: number;

  private constructor(child: Child<SoakOrders>, { port, tlsPort }: SoakOrders['listen']['answer'], own: number) {
    this.#child = child;
    this.port = port;
    this.tlsPort = tlsPort;
    this.#ownSockets = own;
  }

  static async start(name: string, identity: IssuedCertificate, settings: ServerSettings): Promise<ServerProcess> {
    const child = new Child<SoakOrders>('../soak/server.js', `${name}, server`, ['--expose-gc']);
    const order = { certificate: identity.cert, privateKey: identity.key, ...settings };
    try {
      const ports = await child.tell('listen', order);
      return new ServerProcess(child, ports, (await child.tell('mark', { collectGarbage: false })).sockets);
    } catch (problem) {
      await child[Symbol.asyncDispose]();
      throw problem;
    }
  }

  /** The meters as they stand. @throws where the process is gone */
  now(): Promise<Mark> {
    return this.#mark(false);
  }

  /** The meters behind a collection of garbage: what is still held then is held for good. */
  settled(): Promise<Mark> {
    return this.#mark(true);
  }

  /** Waits until all sessions are over and no socket of theirs is open, or time is up: what is open then has leaked. */
  async quiet(forMs = 10_000): Promise<Mark> {
    const end = performance.now() + forMs;
    const isOver = ({ sockets, begun, over }: Mark): boolean => sockets <= 0 && begun === over;
    while (!isOver(await this.now()) && performance.now() < end) await sleep(LOOK_MS);
    return this.settled();
  }

  async watchLoop(): Promise<void> {
    await this.#child.tell('watchLoop', null);
  }

  async readOn(): Promise<void> {
    await this.#child.tell('readOn', null);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#child[Symbol.asyncDispose]();
  }

  async #mark(collectGarbage: boolean): Promise<Mark> {
    const mark = await this.#child.tell('mark', { collectGarbage });
    return { ...mark, sockets: mark.sockets - this.#ownSockets };
  }
}
