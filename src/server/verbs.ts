import type { TlsSmtpError } from '../errors.js';
import { andThen, type Eventual } from '../eventual.js';
import type { AclOptions } from '../policy/acl.js';
import type { Chunk } from '../smtp/bdat.js';
import type { BareNewlines } from '../smtp/body-decoder.js';
import { isAscii, type MailAddress, NO_PARAMETERS, parsePath } from '../smtp/path.js';
import { fixedReply, type Reply } from '../smtp/reply.js';
import { judge } from './acl.js';
import { type AuthSettings, auth, offeredMethods } from './auth.js';
import type { Conversation } from './conversation.js';
import type { EhloReplies } from './ehlo-replies.js';
import { consult, type SettledHandlers } from './handlers.js';
import type { Limits } from './limits.js';
import { badMailParameter, withTrustedAuthor } from './mail-parameters.js';
import { replies } from './replies.js';

/** What a verb may look at and act on. */
export interface VerbContext {
  readonly conversation: Conversation;
  /** Asked before the handler of the same command; `null`: there are no lists. */
  readonly acl: AclOptions | null;
  readonly handlers: SettledHandlers;
  readonly limits: Limits;
  readonly hostname: string;
  readonly hidden: ReadonlySet<string>;
  readonly ehloReplies: EhloReplies;
  /** `null`: nobody can authenticate. */
  readonly auth: AuthSettings | null;
  readonly bareNewlines: BareNewlines;
  /** The STARTTLS machine's part of EHLO and HELO. */
  readonly offer: (name: string) => Promise<readonly string[]>;
  readonly withdraw: (name: string) => Promise<void> | undefined;
  readonly report: (error: TlsSmtpError) => void;
}

/** One verb, one function, its reply. The reply's code says what follows: 354 a message, 221 and 421 the end. */
type Verb = (context: VerbContext, args: string) => Eventual<Reply>;

const GREET_FIRST = fixedReply(503, '5.5.1', 'Say EHLO first');
const NEEDS_NAME = fixedReply(501, '5.5.4', 'A host name of up to 255 octets is required');
const NESTED = fixedReply(503, '5.5.1', 'A transaction is under way already');
const NEEDS_MAIL = fixedReply(503, '5.5.1', 'MAIL first');
const NEEDS_RCPT = fixedReply(503, '5.5.1', 'RCPT first');
const NOT_OFFERED = fixedReply(503, '5.5.1', 'CHUNKING was not offered');
const CHUNKS_CAME = fixedReply(503, '5.5.1', 'Not behind BDAT; RSET ends the transaction');
const NO_ARGUMENT = fixedReply(501, '5.5.4', 'No argument allowed');
const BAD_MAIL = fixedReply(501, '5.1.7', 'Syntax: MAIL FROM:<address>');
const BAD_RCPT = fixedReply(501, '5.1.3', 'Syntax: RCPT TO:<address>');
const TOO_MANY_RECIPIENTS = fixedReply(452, '4.5.3', 'Too many recipients');
const CANNOT_VERIFY = fixedReply(252, '2.5.0', 'Cannot verify; send mail and see');

/**
 * The first words of HTTP. A browser that was sent here carries an attacker's SMTP in its body (ALPACA, USENIX Security
 * 2021): nothing of it runs, and nothing is reflected that the browser could take for a page. Postfix:
 * smtpd_forbidden_commands.
 */
const FOREIGN = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'PRI'];

/**
 * RFC 5321 §4.1.1. STARTTLS is not here: it is no command of a dialogue but the end of one. Nor is BDAT, which octets
 * follow whatever is said to it: {@link bdat}.
 */
export const verbs: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  ['EHLO', ehlo],
  ['HELO', helo],
  ['AUTH', auth],
  ['MAIL', mail],
  ['RCPT', rcpt],
  ['DATA', data],
  ['RSET', rset],
  ['NOOP', noop],
  ['QUIT', quit],
  ['VRFY', vrfy],
  ['HELP', help],
  ...FOREIGN.map((verb) => [verb, () => replies.notSmtp] as const),
]);

function ehlo(context: VerbContext, args: string): Eventual<Reply> {
  return greet(context, args, async () => {
    const starttls = await offeredTls(context, args);
    const methods = offeredMethods(context);
    const more = methods.length === 0 ? starttls : [`AUTH ${methods.join(' ')}`, ...starttls];
    context.conversation.greet(args, true, starttls.length > 0);
    return context.ehloReplies.offering(more);
  });
}

/** Where STARTTLS is hidden the machine is told so, and then refuses the command too. */
async function offeredTls({ hidden, offer, withdraw }: VerbContext, name: string): Promise<readonly string[]> {
  if (!hidden.has('STARTTLS')) return offer(name);
  withdraw(name);
  return [];
}

function helo(context: VerbContext, args: string): Eventual<Reply> {
  return greet(context, args, () => {
    const known = context.withdraw(args);
    context.conversation.greet(args, false);
    const reply = { code: 250, lines: [context.hostname] };
    return known === undefined ? reply : known.then(() => reply);
  });
}

/** Any printable name: what real clients send follows no grammar. */
function greet(context: VerbContext, name: string, accept: () => Eventual<Reply>): Eventual<Reply> {
  if (name === '' || name.length > 255) return NEEDS_NAME;
  const verdict = judge(context, 'helo', consultHelo, name);
  const go = (reply: Reply): Eventual<Reply> => (reply === replies.ok ? accept() : reply);
  return andThen(verdict, go);
}

function consultHelo({ handlers, conversation, report }: VerbContext, name: string): Eventual<Reply> {
  if (handlers.onHelo === undefined) return replies.ok;
  const call = (): unknown => handlers.onHelo?.(name, conversation);
  return consult('onHelo', call, () => replies.ok, report);
}

function mail(context: VerbContext, args: string): Eventual<Reply> {
  const { conversation } = context;
  if (conversation.helo === null) return GREET_FIRST;
  if (conversation.inTransaction) return NESTED;
  const path = parsePath('FROM', args);
  if (path === null) return BAD_MAIL;
  const problem = badMailParameter(path, context);
  if (problem !== null) return problem;
  const address = path.parameters === NO_PARAMETERS ? path : withTrustedAuthor(path, conversation.user);
  return judge(context, 'mail', begin, address, address);
}

function begin({ conversation, handlers, report }: VerbContext, address: MailAddress): Eventual<Reply> {
  const accept = (): Reply => {
    conversation.begin(address);
    return replies.senderOk;
  };
  if (handlers.onMailFrom === undefined) return accept();
  return consult('onMailFrom', () => handlers.onMailFrom?.(address, conversation), accept, report);
}

function rcpt(context: VerbContext, args: string): Eventual<Reply> {
  const { conversation } = context;
  if (!conversation.inTransaction) return conversation.helo === null ? GREET_FIRST : NEEDS_MAIL;
  if (conversation.message !== null) return CHUNKS_CAME;
  const address = parsePath('TO', args);
  if (address === null) return BAD_RCPT;
  if (address.parameters !== NO_PARAMETERS) return replies.unknownParameter;
  if (!conversation.utf8 && !isAscii(address.address)) return replies.asciiOnly; // RFC 6531 §3.5
  if (conversation.recipients >= context.limits.maxRecipients) return TOO_MANY_RECIPIENTS;
  return judge(context, 'rcpt', addRecipient, address, address);
}

function addRecipient({ conversation, handlers, report }: VerbContext, address: MailAddress): Eventual<Reply> {
  const accept = (): Reply => {
    conversation.addRecipient(address);
    return replies.recipientOk;
  };
  if (handlers.onRcptTo === undefined) return accept();
  return consult('onRcptTo', () => handlers.onRcptTo?.(address, conversation), accept, report);
}

function data(context: VerbContext, args: string): Eventual<Reply> {
  if (args !== '') return NO_ARGUMENT;
  const { conversation } = context;
  if (conversation.message !== null) return CHUNKS_CAME; // RFC 3030 §2: DATA and BDAT are not mixed
  return outOfOrder(conversation) ?? judge(context, 'data', startMail, undefined);
}

function startMail(): Reply {
  return replies.startMail;
}

/**
 * BDAT (RFC 3030 §2). The first asks the rules of `data`.
 *
 * @returns 354, which is never said, where the octets are taken; anything else is said behind them, and they are dropped
 */
export function bdat(context: VerbContext, chunk: Chunk): Eventual<Reply> {
  const { conversation, hidden } = context;
  const problem = outOfOrder(conversation);
  if (problem !== null) return problem;
  if (!conversation.esmtp || hidden.has('CHUNKING')) return NOT_OFFERED;
  return conversation.message === null ? judge(context, 'data', withinSize, chunk) : withinSize(context, chunk);
}

function withinSize({ conversation, limits }: VerbContext, { octets }: Chunk): Reply {
  const before = conversation.message?.octets ?? 0;
  return before + octets > limits.maxMessageBytes ? replies.tooLarge : replies.startMail;
}

function outOfOrder({ inTransaction, helo, recipients }: Conversation): Reply | null {
  if (!inTransaction) return helo === null ? GREET_FIRST : NEEDS_MAIL;
  return recipients === 0 ? NEEDS_RCPT : null;
}

function rset({ conversation }: VerbContext, args: string): Reply {
  if (args !== '') return NO_ARGUMENT;
  conversation.reset();
  return replies.ok;
}

function noop(): Reply {
  return replies.ok;
}

function quit(_context: VerbContext, args: string): Reply {
  return args === '' ? replies.bye : NO_ARGUMENT;
}

function vrfy(_context: VerbContext, args: string): Reply {
  return args === '' ? NO_ARGUMENT : CANNOT_VERIFY; // RFC 5321 §3.5.3
}

function help(context: VerbContext): Reply {
  const { conversation, hidden } = context;
  const chunking = hidden.has('CHUNKING') ? '' : ' BDAT';
  const starttls = conversation.starttls ? ' STARTTLS' : '';
  const more = `${offeredMethods(context).length > 0 ? ' AUTH' : ''}${starttls}`;
  return {
    code: 214,
    enhanced: '2.0.0',
    lines: [`EHLO HELO MAIL RCPT DATA${chunking} RSET NOOP QUIT VRFY HELP${more}`],
  };
}
