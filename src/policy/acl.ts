import { OptionError } from '../errors.js';
import { type HostListOptions, type HostListSource, hostMatcher } from '../hostlist/index.js';
import { CipherList } from '../inspect/cipher-list.js';
import type { TlsInfo } from '../inspect/tls-info.js';
import type { Peer } from '../peer.js';
import { SmtpRejection } from '../smtp/rejection.js';
import { fixedReply, type Reply } from '../smtp/reply.js';

/** What is known of a session when a command is judged. */
export interface AclFacts {
  readonly peer: Peer;
  readonly tls: TlsInfo | null;
  readonly user: string | null;
}

type Truth = 'yes' | 'no' | 'defer';

/** A question about a session. `defer`: it cannot be told now. */
export type AclCondition = (facts: AclFacts) => Truth | Promise<Truth>;

export type AclAction = 'accept' | 'deny' | 'defer' | 'drop';

/** One line of a list: what happens where its condition holds. */
export interface AclRule {
  readonly action: AclAction;
  readonly condition: AclCondition | null;
  /** `null` for accept. */
  readonly reply: Reply | null;
}

/** Commands that can have a list of rules. Without one everybody is accepted. */
export type AclCommand = 'connect' | 'starttls' | 'helo' | 'auth' | 'mail' | 'rcpt' | 'data';
export type AclOptions = { readonly [Command in AclCommand]?: readonly AclRule[] };

/** What a list says: whether to go on, and if not, what to reply and whether to close. */
export interface AclDecision {
  readonly action: AclAction;
  readonly reply: Reply | null;
  readonly reason: string;
}

const DENIED = fixedReply(550, '5.7.1', 'Administrative prohibition');
const DEFERRED = fixedReply(451, '4.7.1', 'Temporarily unable to decide, try again later');
const DROPPED = fixedReply(554, '5.7.1', 'No service for you');

type MakeRefusal = (condition?: AclCondition, rejection?: SmtpRejection) => AclRule;

/** What makes rules and conditions: {@link acl}. Makers throw `OptionError` for arguments of the wrong kind. */
export interface Acl {
  readonly accept: (condition?: AclCondition) => AclRule;
  /** Default reply 550 5.7.1. */
  readonly deny: MakeRefusal;
  /** Default reply 451 4.7.1. */
  readonly defer: MakeRefusal;
  /** The reply, then close. Default reply 554 5.7.1. */
  readonly drop: MakeRefusal;
  /** The peer is on a host list. @throws {HostListSyntaxError} */
  readonly hosts: (list: HostListSource, options?: HostListOptions) => AclCondition;
  /** TLS is on with a suite of the list: Exim's `encrypted`. @throws {CipherListSyntaxError} */
  readonly encrypted: (list: string | readonly string[]) => AclCondition;
  /** The client showed a certificate that verified in this handshake: Exim's `verify = certificate`. */
  readonly certificateVerified: () => AclCondition;
  /** The client has authenticated: Exim's `authenticated`. */
  readonly authenticated: () => AclCondition;
  readonly not: (condition: AclCondition) => AclCondition;
  /** All of them hold. They are asked in order, and no further than needed. */
  readonly all: (...conditions: readonly AclCondition[]) => AclCondition;
  /** One of them holds. They are asked in order, and no further than needed. */
  readonly any: (...conditions: readonly AclCondition[]) => AclCondition;
}

/**
 * Makes rules and conditions, as the access control lists of Exim have them: the first rule whose condition holds decides, a
 * list that runs off its end denies.
 *
 * @example
 * [acl.deny(acl.not(acl.encrypted('*')), reject(530, '5.7.0', 'Must issue a STARTTLS command first')), acl.accept()]
 */
export const acl: Acl = Object.freeze({
  accept: (condition) => rule('accept', condition, null),
  deny: (condition, rejection) => rule('deny', condition, rejection, DENIED),
  defer: (condition, rejection) => rule('defer', condition, rejection, DEFERRED),
  drop: (condition, rejection) => rule('drop', condition, rejection, DROPPED),
  hosts: hostsCondition,
  encrypted: encryptedCondition,
  certificateVerified: () => (facts) => truth(facts.tls?.certificateVerified === true),
  authenticated: () => (facts) => truth(facts.user !== null),
  not: notCondition,
  all: (...conditions) => inOrder(conditions, 'no', 'yes'),
  any: (...conditions) => inOrder(conditions, 'yes', 'no'),
} satisfies Acl);

/**
 * Asks a list. It never throws: a condition that fails or cannot be told is `defer`, 451.
 *
 * @param rules - `undefined`: everybody is accepted
 */
export async function decideAcl(rules: readonly AclRule[] | undefined, facts: AclFacts): Promise<AclDecision> {
  if (rules === undefined) return { action: 'accept', reply: null, reason: 'there is no list' };
  for (const [index, { action, condition, reply }] of rules.entries()) {
    const answer = condition === null ? 'yes' : await settled(condition, facts);
    if (answer === 'defer') {
      return { action: 'defer', reply: DEFERRED, reason: `the condition of rule ${index + 1} could not be told` };
    }
    if (answer === 'yes') return { action, reply, reason: `rule ${index + 1} says ${action}` };
  }
  return { action: 'deny', reply: DENIED, reason: 'no rule holds, and a list that runs off its end denies' };
}

function rule(
  action: AclAction,
  condition: AclCondition | undefined,
  rejection: SmtpRejection | null | undefined,
  unset: Reply | null = null,
): AclRule {
  if (condition !== undefined && typeof condition !== 'function') {
    throw new OptionError(`acl.${action}()`, 'takes a condition first, as acl.hosts() makes it');
  }
  if (rejection !== null && rejection !== undefined && !(rejection instanceof SmtpRejection)) {
    throw new OptionError(`acl.${action}()`, "takes a rejection second, as reject(550, '5.7.1', 'text') makes it");
  }
  return Object.freeze({ action, condition: condition ?? null, reply: rejection?.reply ?? unset });
}

function hostsCondition(list: HostListSource, options?: HostListOptions): AclCondition {
  const matcher = hostMatcher(list, options);
  return async ({ peer }) => (await matcher.match(peer)).result;
}

function encryptedCondition(list: string | readonly string[]): AclCondition {
  const ciphers = CipherList.parse(list);
  return ({ tls }) => truth(tls !== null && ciphers.matches(tls));
}

function notCondition(condition: AclCondition): AclCondition {
  return async (facts) => {
    const answer = await condition(facts);
    return answer === 'defer' ? 'defer' : truth(answer === 'no');
  };
}

/** Asks one after the other until one says `decisive`, or cannot be told; `otherwise` where none does. */
function inOrder(conditions: readonly AclCondition[], decisive: Truth, otherwise: Truth): AclCondition {
  return async (facts) => {
    for (const condition of conditions) {
      const answer = await condition(facts);
      if (answer === decisive || answer === 'defer') return answer;
    }
    return otherwise;
  };
}

async function settled(condition: AclCondition, facts: AclFacts): Promise<Truth> {
  try {
    const answer = await condition(facts);
    return answer === 'yes' || answer === 'no' ? answer : 'defer';
  } catch {
    return 'defer';
  }
}

function truth(holds: boolean): Truth {
  return holds ? 'yes' : 'no';
}
