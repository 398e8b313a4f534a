import type { Duplex } from 'node:stream';
import { hangUp } from '../net/hang-up.js';
import { formatReply } from '../smtp/reply.js';
import { replies } from './replies.js';

/** The limit that is reached. */
export type Full = 'maxConnections' | 'maxConnectionsPerAddress';

/** Clients for whom there is no room, while they read why. */
export class TurnedAway {
  readonly #clients = new Set<Duplex>();

  get size(): number {
    return this.#clients.size;
  }

  /** @param tlsFirst - TLS is due: without a word */
  add(client: Duplex, limit: Full, tlsFirst: boolean): void {
    if (tlsFirst) return void client.destroy();
    this.#clients.add(client);
    client.once('close', () => this.#clients.delete(client));
    hangUp(client, formatReply(limit === 'maxConnections' ? replies.tooManyConnections : replies.tooManyOfYours));
  }

  /** They have been answered, and are owed no time. */
  destroy(): void {
    for (const client of this.#clients) client.destroy();
  }
}
