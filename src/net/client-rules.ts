import type { Peer } from '../peer.js';
import type { ServerHostList, ServerTlsPolicy } from '../policy/server-policy.js';
import type { CertificateRule } from '../policy/verdict.js';
import type { TlsDuty } from '../starttls/server-machine.js';

type Answer = boolean | Promise<boolean>;

/**
 * What the policy says of one client. Each list is asked once in a connection, when its answer is first needed, and
 * without a promise where nothing has to be waited for. Promises of it do not reject.
 */
export class ClientRules {
  readonly #policy: ServerTlsPolicy;
  readonly #peer: Peer;
  #offered: Answer | null = null;
  #required: Answer | null = null;

  constructor(policy: ServerTlsPolicy, peer: Peer) {
    this.#policy = policy;
    this.#peer = peer;
  }

  /** Whether STARTTLS is offered. */
  get offered(): Answer {
    this.#offered ??= this.#ask('advertiseHosts');
    return this.#offered;
  }

  /** Whether TLS must be used. */
  get required(): Answer {
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
  get resumesClear(): Answer {
    return this.#ask('resumeClearHosts');
  }

  /** Whether a certificate is asked for. It is needed once, before a handshake. */
  get certificate(): CertificateRule | Promise<CertificateRule> {
    const answer = this.#policy.askCertificate(this.#peer);
    return answer instanceof Promise ? answer.then(({ value }) => value) : answer.value;
  }

  #ask(list: ServerHostList): Answer {
    const answer = this.#policy.ask(list, this.#peer);
    return answer instanceof Promise ? answer.then(({ value }) => value) : answer.value;
  }
}
