import { OptionError } from '../errors.js';
import {
  belongs,
  type HostListOptions,
  type HostListSource,
  type HostListUse,
  type HostMatcher,
  hostMatcher,
  unknownRule,
} from '../hostlist/index.js';
import type { Peer } from '../peer.js';
import type { Explained } from './explained.js';

/** Who is offered, asked for and held to what. Each list takes Exim's syntax, an array, a `HostList` or a callback. */
export interface ServerPolicyOptions {
  /** Exim tls_advertise_hosts: who is offered STARTTLS. Default `*` once a certificate is configured, otherwise nobody. */
  readonly advertiseHosts?: HostListSource;
  /** Who must use TLS: others' commands get 530 (RFC 3207 §4). Default nobody; never for a public MX. */
  readonly requireHosts?: HostListSource;
  /** Exim tls_verify_hosts: who must show a certificate that verifies. Tested before `tryVerifyHosts`. Default nobody. */
  readonly verifyHosts?: HostListSource;
  /** Exim tls_try_verify_hosts: who is asked for a certificate and served without. Default nobody. */
  readonly tryVerifyHosts?: HostListSource;
  /** Who may end TLS and go on in clear on the same connection. Default nobody. */
  readonly resumeClearHosts?: HostListSource;
  /** Named lists and the resolver, for all of these. */
  readonly hostLists?: HostListOptions;
}

/** What the policy reads of the rest of the `tls` object: only whether it is there. */
interface Material {
  readonly certificate?: unknown;
  readonly verifyCertificates?: unknown;
}

type ListName = 'advertiseHosts' | 'requireHosts' | 'verifyHosts' | 'tryVerifyHosts' | 'resumeClearHosts';

/** What an undecided answer counts as: `belongs()` takes the safe side for each. */
const USES: Readonly<Record<ListName, HostListUse>> = {
  advertiseHosts: 'advertise',
  requireHosts: 'require',
  verifyHosts: 'verify',
  tryVerifyHosts: 'verify',
  resumeClearHosts: 'permit',
};

/**
 * The server's side of who must do what. It decides and does nothing; every answer comes with its reason.
 *
 * An undecided list (DNS fails, a callback throws) counts so that nobody gets by a rule: as a match where it requires,
 * verifies or advertises, as none where it permits.
 */
export class ServerTlsPolicy {
  readonly #lists: Readonly<Record<ListName, HostMatcher | null>>;

  /**
   * @param options - the `tls` object of the server, whole
   * @throws {OptionError} where somebody is to be verified and `verifyCertificates` does not say against what
   * @throws {HostListSyntaxError} that names the item
   */
  constructor(options: ServerPolicyOptions & Material) {
    for (const name of ['verifyHosts', 'tryVerifyHosts'] as const) {
      if (options[name] !== undefined && options.verifyCertificates === undefined) {
        throw new OptionError(`tls.${name}`, 'is set without tls.verifyCertificates, against which to verify');
      }
    }
    const compiled = (name: ListName, unset: HostListSource | undefined): HostMatcher | null => {
      const source = options[name] ?? unset;
      return source === undefined ? null : hostMatcher(source, options.hostLists);
    };
    this.#lists = {
      advertiseHosts: compiled('advertiseHosts', options.certificate === undefined ? undefined : '*'),
      requireHosts: compiled('requireHosts', undefined),
      verifyHosts: compiled('verifyHosts', undefined),
      tryVerifyHosts: compiled('tryVerifyHosts', undefined),
      resumeClearHosts: compiled('resumeClearHosts', undefined),
    };
  }

  /** Whether STARTTLS is offered to this peer (RFC 8314 §4.1: not where it is likely to fail). */
  advertise(peer: Peer): Promise<Explained<boolean>> {
    return this.#ask('advertiseHosts', peer);
  }

  /** Whether this peer gets 530 to all but a few commands before TLS (RFC 3207 §4). */
  require(peer: Peer): Promise<Explained<boolean>> {
    return this.#ask('requireHosts', peer);
  }

  /** Whether this peer is asked for a certificate, and must show one that verifies. */
  async clientCertificate(peer: Peer): Promise<Explained<'none' | 'try' | 'verify'>> {
    const must = await this.#ask('verifyHosts', peer);
    if (must.value) return { value: 'verify', reason: must.reason };
    const may = await this.#ask('tryVerifyHosts', peer);
    return { value: may.value ? 'try' : 'none', reason: `${must.reason}; ${may.reason}` };
  }

  /** Whether this peer may end TLS and go on in clear. */
  resumeClear(peer: Peer): Promise<Explained<boolean>> {
    return this.#ask('resumeClearHosts', peer);
  }

  async #ask(name: ListName, peer: Peer): Promise<Explained<boolean>> {
    const list = this.#lists[name];
    if (list === null) return { value: false, reason: `${name} is not set` };
    const use = USES[name];
    const match = await list.match(peer, { use: unknownRule(use) });
    const value = belongs(match, use);
    const undecided = match.result === 'defer' ? `, which counts as ${value ? 'a match' : 'none'}` : '';
    return { value, reason: `${name}: ${match.reason}${undecided}` };
  }
}
