import { hostName } from '../inspect/host-name.js';
import { assertOptions } from '../options.js';

/** What is known of a client when the credentials for it are chosen. */
export interface ServerConnectionFacts {
  /** Exim $sender_host_address; absent for a local session. */
  readonly senderHostAddress?: string;
  /** The confirmed name of that address, where it was looked up. The owner of the address chose it. */
  readonly senderHostName?: string;
  readonly receivedPort?: number;
  readonly localAddress?: string;
  /** What the client called itself; only where that is a host name or an address literal. Nobody has confirmed it. */
  readonly heloName?: string;
  /** The name that the client asks for (RFC 6066 §3): lower case, a host name. Known to `perSni` expansions alone. */
  readonly sni?: string;
}

/** What is known of a server when the credentials for it are chosen. */
export interface ClientConnectionFacts {
  readonly host: string;
  readonly hostAddress: string;
  readonly port: number;
}

/** The facts that a peer chooses freely. A file name that is made from them is held inside `credentialsRoot`. */
const CHOSEN_BY_PEER = ['senderHostName', 'heloName', 'sni'] as const;

/** Facts as an expansion sees them, and whether it looked at what the peer chose. */
export class WatchedFacts {
  readonly facts: object;
  #looked = false;

  constructor(facts: ServerConnectionFacts | ClientConnectionFacts) {
    assertOptions('connection', facts);
    const copy: object = { ...facts };
    for (const name of CHOSEN_BY_PEER) {
      if (!(name in facts)) continue;
      const value: unknown = Reflect.get(facts, name);
      Object.defineProperty(copy, name, {
        enumerable: true,
        get: () => {
          this.#looked = true;
          return value;
        },
      });
    }
    this.facts = Object.freeze(copy);
  }

  /** Tainted, as Exim 4.94 calls it: what was made from these facts may be what the peer wants it to be. */
  get looked(): boolean {
    return this.#looked;
  }
}

/** A HELO name that may be looked at: a host name or an address literal (RFC 5321 §4.1.3). */
export function isHeloName(name: string): boolean {
  return hostName(name) !== null || /^\[(?:IPv6:)?[0-9A-Fa-f.:]{2,45}\]$/i.test(name);
}
