import { andThen, type Eventual } from '../eventual.js';
import type { Peer } from '../peer.js';
import type { Explained } from '../policy/explained.js';
import type { ServerHostList, ServerTlsPolicy } from '../policy/server-policy.js';
import type { CertificateRule } from '../policy/verdict.js';
import type { TlsDuty } from '../starttls/server-machine.js';

/**
 * What the policy says of one client. Each list is asked once in a connection, when its answer is first needed, and
 * without a promise where nothing has to be waited for. Promises of it do not reject.
 */
export class ClientRules {
  readonly #policy: ServerTlsPolicy;
  readonly #peer: Peer;
  #offered: Eventual<boolean> | null = null;
  #required: Eventual<boolean> | null = null;

  constructor(policy: ServerTlsPolicy, peer: Peer) {
    this.#policy = policy;
    this.#peer = peer;
  }

  /** Whether STARTTLS is offered. */
  get offered(): Eventual<boolean> {
    this.#offered ??= this.#ask('advertiseHosts');
    return this.#offered;
  }

  /** Whether TLS must be used. */
  get required(): Eventual<boolean> {
    if (this.#required !== null) return this.#required;
    const answer = this.#ask('requireHosts');
    this.#required = answer;
    if (typeof answer !== 'boolean') void answer.then((value) => (this.#required = value));
    return answer;
  }

  /** The same, as far as it is known now. The first call begins to ask. */
  get duty(): TlsDuty {
    const { required } = this;
    if (typeof required !== 'boolean') return 'undecided';
    return required ? 'required' : 'optional';
  }

  /** Whether the client may end TLS and go on in clear. It is needed once, before a handshake. */
  get resumesClear(): Eventual<boolean> {
    return this.#ask('resumeClearHosts');
  }

  /** Whether a certificate is asked for. It is needed once, before a handshake. */
  get certificate(): Eventual<CertificateRule> {
    return andThen(this.#policy.askCertificate(this.#peer), answerOf);
  }

  #ask(list: ServerHostList): Eventual<boolean> {
    return andThen(this.#policy.ask(list, this.#peer), answerOf);
  }
}

function answerOf<T>({ value }: Explained<T>): T {
  return value;
}
