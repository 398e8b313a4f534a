import { createSecureContext, type SecureContext } from 'node:tls';
import { refusedByOpenSsl } from '../credentials/errors.js';
import type { ResolvedCredentials } from '../credentials/resolved.js';
import { contextOptions, Engine, type EnginePolicy, type Verify } from './engine.js';
import type { TicketKeys } from './ticket-keys.js';

/** What has been built from one set of credentials, by how the client is verified. */
interface Built {
  readonly engines: Map<Verify, Engine>;
  readonly contexts: Map<Verify, SecureContext>;
}

/**
 * Engines under one policy, each built once and shared by all connections with the same credentials and verification
 * (session resumption depends on it). They live as long as their credentials: the store says how many are kept.
 */
export class Engines {
  readonly #policy: EnginePolicy;
  readonly #byServerName: boolean;
  readonly #tickets: TicketKeys | null;
  readonly #built = new WeakMap<ResolvedCredentials, Built>();

  constructor(policy: EnginePolicy, byServerName: boolean, tickets: TicketKeys | null = null) {
    this.#policy = policy;
    this.#byServerName = byServerName;
    this.#tickets = tickets;
  }

  /** @throws {TlsSmtpError} where OpenSSL refuses the credentials */
  engine(credentials: ResolvedCredentials, verify: Verify): Engine {
    return kept(this.#builtFrom(credentials).engines, verify, () => {
      return new Engine(credentials, this.#policy, verify, this.#byServerName, this.#tickets);
    });
  }

  /** A context for an engine of another certificate, chosen by the name that the client asks for. @throws as `engine` */
  context(credentials: ResolvedCredentials, verify: Verify): SecureContext {
    return kept(this.#builtFrom(credentials).contexts, verify, () => {
      return createSecureContext(contextOptions(credentials, this.#policy, verify));
    });
  }

  #builtFrom(credentials: ResolvedCredentials): Built {
    const known = this.#built.get(credentials);
    if (known !== undefined) return known;
    const built: Built = { engines: new Map(), contexts: new Map() };
    this.#built.set(credentials, built);
    return built;
  }
}

function kept<T>(built: Map<Verify, T>, verify: Verify, build: () => T): T {
  const known = built.get(verify);
  if (known !== undefined) return known;
  try {
    const one = build();
    built.set(verify, one);
    return one;
  } catch (cause) {
    throw refusedByOpenSsl(cause);
  }
}
