import type { IssuedCertificate } from '../../src/testing/authority.js';
import { bodyOctets } from './bodies.js';
import { Child } from './child.js';
import type { ServerKind } from './contestants/contestant.js';
import type { Load } from './loads.js';
import type { ClientOrders, Mark, Ran, ServerOrders } from './orders.js';

/** What all lanes of a run share. */
export interface Ground {
  readonly identity: IssuedCertificate;
  /** PEM of the authority. */
  readonly ca: string;
  /** A folder for profiles of the servers. */
  readonly profiles: string | null;
}

/** One window: the meters before it and behind it, and what the client did. */
export interface Window {
  readonly before: Mark;
  readonly after: Mark;
  readonly ran: Ran;
}

/** A server and its client, each in a process of its own. */
export class Lane implements AsyncDisposable {
  readonly #name: string;
  readonly #load: Load;
  readonly #server: Child<ServerOrders>;
  readonly #client: Child<ClientOrders>;

  private constructor(name: string, load: Load, server: Child<ServerOrders>, client: Child<ClientOrders>) {
    this.#name = name;
    this.#load = load;
    this.#server = server;
    this.#client = client;
  }

  /** @param name - for errors and for the file of the profile */
  static async open(name: string, kind: ServerKind, load: Load, { identity, ca, profiles }: Ground): Promise<Lane> {
    const profile =
      profiles === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`, `--cpu-prof-name=${name}.cpuprofile`];
    const lane = new Lane(name, load, Child.server(name, ['--expose-gc', ...profile]), Child.client(name));
    try {
      const { port } = await lane.#server.tell('listen', { kind, identity, load });
      await lane.#client.tell('prepare', { port, ca, load });
      return lane;
    } catch (problem) {
      await lane[Symbol.asyncDispose]();
      throw problem;
    }
  }

  mark(collectGarbage = false): Promise<Mark> {
    return this.#server.tell('mark', { collectGarbage });
  }

  /** @throws where messages did not reach the application as they were sent: such a server has done nothing */
  async run(forMs: number, collectGarbage = false): Promise<Window> {
    const before = await this.mark(collectGarbage);
    const ran = await this.#client.tell('run', { forMs });
    const after = await this.mark(collectGarbage);
    const lost = lostMessages(this.#load, { before, after, ran });
    if (lost !== null) throw new Error(`${this.#name}: ${lost}`);
    return { before, after, ran };
  }

  /** The client first: a server must not see it vanish while it is asked to end. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
  }
}

/** @returns in words what the application has not read of what the client sent, or read too much; `null`: all is well */
export function lostMessages(load: Load, { before, after, ran }: Window): string | null {
  if (load.kind !== 'messages' || before.taken === null || after.taken === null) return null;
  const messages = after.taken.messages - before.taken.messages;
  const octets = after.taken.octets - before.taken.octets;
  const expected = ran.operations * bodyOctets(load.body);
  if (messages === ran.operations && octets === expected) return null;
  return `${ran.operations} messages of ${expected} octets were sent, the application has read ${messages} of ${octets}`;
}
