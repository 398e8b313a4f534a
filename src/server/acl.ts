import { OptionError } from '../errors.js';
import { andThen, type Eventual } from '../eventual.js';
import { checkedOptions } from '../options.js';
import { type AclCommand, type AclDecision, type AclOptions, type AclRule, DENIED, judgeAcl } from '../policy/acl.js';
import type { MailAddress } from '../smtp/path.js';
import type { Reply } from '../smtp/reply.js';
import type { Conversation } from './conversation.js';
import { replies } from './replies.js';
import { say } from './voice.js';

/** What a list is asked about, and the lists; `null`: there are none at all. */
export interface Judged {
  readonly acl: AclOptions | null;
  readonly conversation: Conversation;
}

const COMMANDS: readonly AclCommand[] = ['connect', 'starttls', 'helo', 'auth', 'mail', 'rcpt', 'data'];

const HINTS = {
  connection: 'acl.connect',
  tls: 'acl.starttls',
  ehlo: 'acl.helo',
  mailFrom: 'acl.mail',
  rcptTo: 'acl.rcpt',
  bdat: 'acl.data',
  message: 'acl.data',
};

/**
 * The lists, checked and copied: what is done to the caller's arrays later changes nothing.
 *
 * @throws {OptionError} that names the list, and the rule that is none: `acl.rcpt[1]`
 */
export function checkedAcl(given: AclOptions | undefined): AclOptions | null {
  if (given === undefined) return null;
  const options = checkedOptions<AclOptions>('acl', given, COMMANDS, HINTS);
  const { connect, starttls, helo, auth, mail, rcpt, data } = options;
  const lists = { connect, starttls, helo, auth, mail, rcpt, data };
  const checked: { [Command in AclCommand]?: readonly AclRule[] } = {};
  for (const command of COMMANDS) {
    const rules: unknown = lists[command];
    if (rules !== undefined) checked[command] = checkedRules(`acl.${command}`, rules);
  }
  return Object.freeze(checked);
}

function checkedRules(option: string, rules: unknown): readonly AclRule[] {
  if (!Array.isArray(rules)) throw new OptionError(option, 'must be a list of rules');
  return Object.freeze(
    rules.map((rule: unknown, index) => {
      if (isRule(rule)) return rule;
      throw new OptionError(`${option}[${index}]`, 'is no rule; acl.accept(), deny(), defer() and drop() make them');
    }),
  );
}

/** A rule is what a maker made: two copies of this package in one program know each other's by their shape. */
function isRule(rule: unknown): rule is AclRule {
  if (typeof rule !== 'object' || rule === null || !('action' in rule && 'condition' in rule && 'reply' in rule)) {
    return false;
  }
  const { action, condition, reply } = rule;
  if (condition !== null && typeof condition !== 'function') return false;
  if (action === 'accept') return reply === null;
  const refuses = action === 'deny' || action === 'defer' || action === 'drop';
  return refuses && typeof reply === 'object' && reply !== null && 'code' in reply && 'lines' in reply;
}

/**
 * Asks the list of a command, and where it accepts goes on with `next`. Without a list that is all that happens, and where
 * all its conditions answer at once no promise is made.
 *
 * @param next - called with `context` and `item`, which saves a closure per command
 * @param address - the sender or recipient that the command names
 */
export function judge<Context extends Judged, Item>(
  context: Context,
  command: AclCommand,
  next: (context: Context, item: Item) => Eventual<Reply>,
  item: Item,
  address?: MailAddress,
): Eventual<Reply> {
  if (context.acl === null) return next(context, item);
  const refused = aclRefusal(context, command, address);
  return andThen(refused, (reply) => reply ?? next(context, item));
}

/**
 * Asks the list of a command.
 *
 * @returns the reply that refuses, `null`: go on. Where the rule says `drop` the conversation is marked, and the session ends
 *   with that reply.
 */
export function aclRefusal(
  { acl, conversation }: Judged,
  command: AclCommand,
  address?: MailAddress,
): Eventual<Reply | null> {
  const rules = acl?.[command];
  if (rules === undefined) return null;
  const { peer, tls, user } = conversation;
  const decision = judgeAcl(rules, { peer, tls, user, ...(address !== undefined && { address }) });
  return andThen(decision, (known) => replyTo(known, command, conversation));
}

function replyTo(
  { action, reply, reason }: AclDecision,
  command: AclCommand,
  conversation: Conversation,
): Reply | null {
  if (action === 'accept' || reply === null) return null;
  say({ type: 'refused', id: conversation.id, command, reason });
  if (action === 'drop') conversation.dropped = true;
  // RFC 5321 §3.1: what stands in place of the greeting is a 554.
  return command === 'connect' && reply === DENIED ? replies.forbidden : reply;
}
