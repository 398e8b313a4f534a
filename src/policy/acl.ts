import { isThenable } from '../callback-answer.js';
import { OptionError } from '../errors.js';
import { andThen, type Eventual } from '../eventual.js';
import { HostList, type HostListOptions, type HostListSource, hostMatcher } from '../hostlist/index.js';
import { CipherList } from '../inspect/cipher-list.js';
import type { TlsInfo } from '../inspect/tls-info.js';
import { assertOptions } from '../options.js';
import { assertPeer, type Peer } from '../peer.js';
import type { MailAddress } from '../smtp/path.js';
import { SmtpRejection } from '../smtp/rejection.js';
import { fixedReply, type Reply } from '../smtp/reply.js';

/** What is known of a session when a command is judged. */
export interface AclFacts {
  readonly peer: Peer;
  readonly tls: TlsInfo | null;
  readonly user: string | null;
  /** The sender that MAIL names, the recipient that RCPT names; absent at other commands. */
  readonly address?: MailAddress;
}

type Truth = 'yes' | 'no' | 'defer';

/**
 * A question about a session: your own may stand wherever those of {@link acl} do. `true` is yes, `false` is no; `defer`: it
 * cannot be told now. One that throws, rejects or answers anything else is `defer` too.
 */
export type AclCondition = (facts: AclFacts) => Truth | boolean | Promise<Truth | boolean>;

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

/** What is said where neither the rule nor the command has a reply of its own. */
export const DENIED: Reply = fixedReply(550, '5.7.1', 'Administrative prohibition');
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
  certificateVerified: () => (facts) => facts.tls?.certificateVerified === true,
  authenticated: () => (facts) => facts.user !== null,
  not: notCondition,
  all: (...conditions) => inOrder('acl.all()', conditions, 'no', 'yes'),
  any: (...conditions) => inOrder('acl.any()', conditions, 'yes', 'no'),
} satisfies Acl);

/**
 * Asks a list. A condition that fails or cannot be told is `defer`, 451; it rejects for nothing else than wrong arguments.
 *
 * @param rules - `undefined`: everybody is accepted
 * @throws {OptionError} for what is no list of rules, and for facts without a peer
 */
export async function decideAcl(rules: readonly AclRule[] | undefined, facts: AclFacts): Promise<AclDecision> {
  if (rules !== undefined && !Array.isArray(rules)) throw new OptionError('rules', 'must be a list of rules');
  assertOptions('facts', facts);
  assertPeer(facts.peer);
  return judgeAcl(rules, facts);
}

/** The same, and at once where the conditions that are asked answer at once. @param from - the first rule that is asked */
export function judgeAcl(rules: readonly AclRule[] | undefined, facts: AclFacts, from = 0): Eventual<AclDecision> {
  if (rules === undefined) return NO_LIST;
  for (let index = from; index < rules.length; index++) {
    const rule = rules[index] as AclRule;
    const answer = rule.condition === null ? 'yes' : ask(rule.condition, facts);
    if (answer instanceof Promise) {
      return answer.then((later) => decided(rule, index, later) ?? judgeAcl(rules, facts, index + 1));
    }
    const decision = decided(rule, index, answer);
    if (decision !== null) return decision;
  }
  return RAN_OFF;
}

const NO_LIST: AclDecision = Object.freeze({ action: 'accept', reply: null, reason: 'there is no list' });

const RAN_OFF: AclDecision = Object.freeze({
  action: 'deny',
  reply: DENIED,
  reason: 'no rule holds, and a list that runs off its end denies',
});

/** @returns `null` where the next rule is to be asked */
function decided({ action, reply }: AclRule, index: number, answer: Truth): AclDecision | null {
  if (answer === 'no') return null;
  if (answer === 'yes') return { action, reply, reason: `rule ${index + 1} says ${action}` };
  return { action: 'defer', reply: DEFERRED, reason: `the condition of rule ${index + 1} could not be told` };
}

function rule(
  action: AclAction,
  condition: AclCondition | undefined,
  rejection: SmtpRejection | null | undefined,
  unset: Reply | null = null,
): AclRule {
  if (condition !== undefined) assertConditions(`acl.${action}()`, condition);
  if (rejection !== null && rejection !== undefined && !(rejection instanceof SmtpRejection)) {
    throw new OptionError(`acl.${action}()`, "takes a rejection second, as reject(550, '5.7.1', 'text') makes it");
  }
  return Object.freeze({ action, condition: condition ?? null, reply: rejection?.reply ?? unset });
}

function assertConditions(maker: string, ...conditions: readonly unknown[]): void {
  if (conditions.every((condition) => typeof condition === 'function')) return;
  throw new OptionError(maker, 'takes conditions, as acl.hosts() makes them');
}

function hostsCondition(list: HostListSource, options?: HostListOptions): AclCondition {
  const matcher = hostMatcher(list, options);
  return ({ peer }) => {
    if (matcher instanceof HostList) {
      const { result } = matcher.matchSync(peer);
      if (result === 'yes' || result === 'no' || result === 'defer') return result;
    }
    return matcher.match(peer).then(({ result }) => result);
  };
}

function encryptedCondition(list: string | readonly string[]): AclCondition {
  const ciphers = CipherList.parse(list);
  return ({ tls }) => tls !== null && ciphers.matches(tls);
}

function notCondition(condition: AclCondition): AclCondition {
  assertConditions('acl.not()', condition);
  return (facts) => {
    const answer = ask(condition, facts);
    return andThen(answer, opposite);
  };
}

function opposite(answer: Truth): Truth {
  if (answer === 'defer') return 'defer';
  return answer === 'no' ? 'yes' : 'no';
}

/** Asks one after the other until one says `decisive`, or cannot be told; `otherwise` where none does. */
function inOrder(maker: string, conditions: readonly AclCondition[], decisive: Truth, otherwise: Truth): AclCondition {
  assertConditions(maker, ...conditions);
  const over = (answer: Truth): boolean => answer === decisive || answer === 'defer';
  const from = (first: number, facts: AclFacts): Eventual<Truth> => {
    for (let index = first; index < conditions.length; index++) {
      const answer = ask(conditions[index] as AclCondition, facts);
      if (answer instanceof Promise) return answer.then((later) => (over(later) ? later : from(index + 1, facts)));
      if (over(answer)) return answer;
    }
    return otherwise;
  };
  return (facts) => from(0, facts);
}

/** Asks one condition, and gives its answer at once where it does. */
function ask(condition: AclCondition, facts: AclFacts): Eventual<Truth> {
  try {
    const answer: unknown = condition(facts);
    return isThenable(answer) ? Promise.resolve(answer).then(truth, () => 'defer') : truth(answer);
  } catch {
    return 'defer';
  }
}

function truth(answer: unknown): Truth {
  if (answer === true || answer === 'yes') return 'yes';
  return answer === false || answer === 'no' ? 'no' : 'defer';
}
