import type { SecureContext } from 'node:tls';
import { CredentialStore } from '../credentials/credential-store.js';
import { CredentialMissingError } from '../credentials/errors.js';
import { isHeloName, type ServerConnectionFacts } from '../credentials/facts.js';
import { andThen, type Eventual } from '../eventual.js';
import type { Peer } from '../peer.js';
import type { CertificateRule } from '../policy/verdict.js';
import type { Engine } from './engine.js';
import { Engines } from './engines.js';
import type { ServerTlsSettings } from './server-tls-options.js';

/** What a handshake is done with. */
export interface ServerCredentials {
  readonly engine: Engine;
  /** The context for a name that the client asks for; `null`: no name changes anything. */
  readonly contextFor: ((serverName: string) => Promise<SecureContext | null>) | null;
  /** What the client is held to, by the engine and by the verdict on top of it. */
  readonly rule: CertificateRule;
}

/** From a client to the engine for it: who we are to this client, and what it has to show. */
export class ServerCredentialSource {
  readonly store: CredentialStore;
  readonly #engines: Engines;

  constructor(settings: ServerTlsSettings) {
    const { minVersion, maxVersion, ciphers, alpn, handshakeTimeoutMs, policy, tickets } = settings;
    const rules = policy.certificateRules;
    this.store = new CredentialStore(settings.credentials, (fresh, { forServerName }) => {
      for (const rule of rules) {
        if (forServerName) this.#engines.context(fresh, rule);
        else this.#engines.engine(fresh, rule);
      }
    });
    const enginePolicy = { minVersion, maxVersion, ciphers, alpn, handshakeTimeoutMs };
    this.#engines = new Engines(enginePolicy, this.store.dependsOnServerName, tickets);
  }

  /** @throws {CredentialError}, {ExpansionError}, {@link CredentialMissingError} where there is no certificate */
  for(peer: Peer, heloName: string | null, rule: CertificateRule): Eventual<ServerCredentials> {
    const connection = this.store.connection(this.store.isFixed ? {} : factsOf(peer, heloName));
    return andThen(connection.resolve(), (resolved) => {
      if (resolved?.tls.cert === undefined) throw new CredentialMissingError();
      const contextFor = async (serverName: string): Promise<SecureContext | null> => {
        const named = await connection.resolveServerName(serverName);
        return named && this.#engines.context(named, rule);
      };
      return {
        engine: this.#engines.engine(resolved, rule),
        contextFor: this.store.dependsOnServerName ? contextFor : null,
        rule,
      };
    });
  }
}

/** A HELO name that is none is not handed on: it would be made into file names. */
function factsOf(peer: Peer, heloName: string | null): ServerConnectionFacts {
  return {
    ...(peer.address !== undefined && { senderHostAddress: peer.address }),
    ...(peer.localPort !== undefined && { receivedPort: peer.localPort }),
    ...(peer.localAddress !== undefined && { localAddress: peer.localAddress }),
    ...(heloName !== null && isHeloName(heloName) && { heloName }),
  };
}
