import { OptionError } from '../errors.js';
import { andThen, type Eventual } from '../eventual.js';
import {
  belongs,
  HostList,
  type HostListOptions,
  type HostListSource,
  HostListSyntaxError,
  type HostListUse,
  type HostMatch,
  type HostMatcher,
  hostMatcher,
  unknownRule,
} from '../hostlist/index.js';
import { assertOptions } from '../options.js';
import { assertPeer, type Peer } from '../peer.js';
import type { Explained } from './explained.js';
import type { CertificateRule } from './verdict.js';

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
  /**
   * Who may end TLS and go on in clear on the same connection, with all forgotten and STARTTLS offered again. Whoever sits
   * between can write into what follows. Default nobody.
   */
  readonly resumeClearHosts?: HostListSource;
  /** Named lists and the resolver, for all of these. */
  readonly hostLists?: HostListOptions;
}

/** What the policy reads of the rest of the `tls` object: only whether it is there. */
interface Material {
  readonly certificate?: unknown;
  readonly verifyCertificates?: unknown;
}

/** The lists, by the names of their options. */
export type ServerHostList = 'advertiseHosts' | 'requireHosts' | 'verifyHosts' | 'tryVerifyHosts' | 'resumeClearHosts';

/** What an undecided answer counts as: `belongs()` takes the safe side for each. */
const USES: Readonly<Record<ServerHostList, HostListUse>> = {
  advertiseHosts: 'advertise',
  requireHosts: 'require',
  verifyHosts: 'verify',
  tryVerifyHosts: 'verify',
  resumeClearHosts: 'permit',
};

const NAMES = Object.keys(USES) as readonly ServerHostList[];

/** A list, or what it says to everybody. */
type Rule = HostMatcher | Explained<boolean>;

/**
 * The server's side of who must do what. It decides and does nothing; every answer comes with its reason.
 *
 * Its methods throw an {@link OptionError} for what is no peer.
 *
 * An undecided list (DNS fails, a callback throws) counts so that nobody gets by a rule: as a match where it requires,
 * verifies or advertises, as none where it permits.
 */
export class ServerTlsPolicy {
  readonly #rules: Readonly<Record<ServerHostList, Rule>>;

  /**
   * @param options - the `tls` object of the server, whole
   * @throws {OptionError} where somebody is to be verified and `verifyCertificates` does not say against what
   * @throws {HostListSyntaxError} that names option and item
   */
  constructor(options: ServerPolicyOptions & Material) {
    assertOptions('options', options);
    for (const name of ['verifyHosts', 'tryVerifyHosts'] as const) {
      if (options[name] !== undefined && options.verifyCertificates === undefined) {
        throw new OptionError(`tls.${name}`, 'is set without tls.verifyCertificates, against which to verify');
      }
    }
    const { hostLists } = options;
    this.#rules = {
      advertiseHosts: ruleOf('advertiseHosts', options.advertiseHosts ?? advertisedTo(options), hostLists),
      requireHosts: ruleOf('requireHosts', options.requireHosts, hostLists),
      verifyHosts: ruleOf('verifyHosts', options.verifyHosts, hostLists),
      tryVerifyHosts: ruleOf('tryVerifyHosts', options.tryVerifyHosts, hostLists),
      resumeClearHosts: ruleOf('resumeClearHosts', options.resumeClearHosts, hostLists),
    };
  }

  /** Whether STARTTLS is offered to this peer (RFC 8314 §4.1: not where it is likely to fail). */
  async advertise(peer: Peer): Promise<Explained<boolean>> {
    return this.ask('advertiseHosts', peer);
  }

  /** Whether this peer gets 530 to all but a few commands before TLS (RFC 3207 §4). */
  async require(peer: Peer): Promise<Explained<boolean>> {
    return this.ask('requireHosts', peer);
  }

  /** Whether this peer is asked for a certificate, and must show one that verifies. */
  async clientCertificate(peer: Peer): Promise<Explained<CertificateRule>> {
    return this.askCertificate(peer);
  }

  /** Whether this peer may end TLS and go on in clear. */
  async resumeClear(peer: Peer): Promise<Explained<boolean>> {
    return this.ask('resumeClearHosts', peer);
  }

  /**
   * Asks one list, without a promise where nothing has to be waited for. It never rejects.
   * @throws {OptionError} for what is no peer, whether the list would look at it or not
   */
  ask(name: ServerHostList, peer: Peer): Eventual<Explained<boolean>> {
    assertPeer(peer);
    const rule = this.#rules[name];
    if ('value' in rule) return rule;
    const use = unknownRule(USES[name]);
    if (rule instanceof HostList) {
      const answer = rule.matchSync(peer, { use });
      if ('reason' in answer) return explained(name, answer);
    }
    return waitFor(name, rule, peer, use);
  }

  /** The same for the client's certificate: `verifyHosts` before `tryVerifyHosts`. */
  askCertificate(peer: Peer): Eventual<Explained<CertificateRule>> {
    const must = this.ask('verifyHosts', peer);
    return andThen(must, (answer) => this.#unless(answer, peer));
  }

  #unless(must: Explained<boolean>, peer: Peer): Eventual<Explained<CertificateRule>> {
    if (must.value) return { value: 'verify', reason: must.reason };
    const may = this.ask('tryVerifyHosts', peer);
    const rule = ({ value, reason }: Explained<boolean>): Explained<CertificateRule> => {
      return { value: value ? 'try' : 'none', reason: `${must.reason}; ${reason}` };
    };
    return andThen(may, rule);
  }

  /** The rules under which some client comes that is asked for a certificate or not. */
  get certificateRules(): readonly CertificateRule[] {
    return [
      'none',
      ...(this.#rules.tryVerifyHosts === UNSET.tryVerifyHosts ? [] : ['try' as const]),
      ...(this.#rules.verifyHosts === UNSET.verifyHosts ? [] : ['verify' as const]),
    ];
  }

  /** What the lists say and perhaps do not mean, in words, with the option. */
  lint(): readonly string[] {
    return NAMES.flatMap((name) => {
      const rule = this.#rules[name];
      if (!(rule instanceof HostList)) return [];
      return rule.lint().map(({ item, message }) => `tls.${name}: ${item}: ${message}`);
    });
  }
}

/** What a list says that is not set. */
const UNSET = Object.fromEntries(
  NAMES.map((name) => [name, Object.freeze({ value: false, reason: `${name} is not set` })]),
) as Readonly<Record<ServerHostList, Explained<boolean>>>;

function advertisedTo({ certificate }: Material): HostListSource | undefined {
  return certificate === undefined ? undefined : '*';
}

/** The list of most servers is `*` or none: nobody has to be looked at for it, but for whom something is permitted. */
function ruleOf(name: ServerHostList, source: HostListSource | undefined, options: HostListOptions | undefined): Rule {
  if (source === undefined) return UNSET[name];
  if (source === '*' && USES[name] !== 'permit') return Object.freeze({ value: true, reason: `${name}: *` });
  try {
    return hostMatcher(source, options);
  } catch (error) {
    // A list does not know whose it is.
    if (error instanceof HostListSyntaxError) error.message = `option tls.${name}: ${error.message}`;
    if (error instanceof OptionError) throw new OptionError(`tls.${name}`, `cannot be had: ${error.message}`);
    throw error;
  }
}

async function waitFor(
  name: ServerHostList,
  list: HostMatcher,
  peer: Peer,
  use: ReturnType<typeof unknownRule>,
): Promise<Explained<boolean>> {
  try {
    return explained(name, await list.match(peer, { use }));
  } catch {
    return explained(name, FAILED); // a list of the application's own
  }
}

const FAILED: HostMatch = { result: 'defer', item: null, index: -1, reason: 'the list failed', unknown: false };

function explained(name: ServerHostList, match: HostMatch): Explained<boolean> {
  const value = belongs(match, USES[name]);
  const undecided = match.result === 'defer' ? `, which counts as ${value ? 'a match' : 'none'}` : '';
  return { value, reason: `${name}: ${match.reason}${undecided}` };
}
