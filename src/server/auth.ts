import type { TlsSmtpError } from '../errors.js';
import type { Eventual } from '../eventual.js';
import { HandlerFailedError } from '../net/starttls-errors.js';
import { fixedReply, type Reply } from '../smtp/reply.js';
import {
  beginSasl,
  SASL_MECHANISMS,
  type SaslClaim,
  type SaslMechanism,
  type SaslStep,
  stepSasl,
} from '../smtp/sasl.js';
import { type Judged, judge } from './acl.js';
import { authRequest } from './auth-request.js';
import { consult, type SettledHandlers } from './handlers.js';
import { replies } from './replies.js';

/** How a server authenticates its clients. */
export interface AuthSettings {
  readonly methods: readonly SaslMechanism[];
  /** Passwords are taken in clear. */
  readonly insecure: boolean;
}

/** What AUTH looks at and acts on. */
interface AuthContext extends Judged {
  /** `null`: nobody can authenticate. */
  readonly auth: AuthSettings | null;
  readonly handlers: SettledHandlers;
  readonly report: (error: TlsSmtpError) => void;
}

const GREET_FIRST = fixedReply(503, '5.5.1', 'Say EHLO first');
const IN_TRANSACTION = fixedReply(503, '5.5.1', 'AUTH is not allowed inside a transaction');
const ALREADY = fixedReply(503, '5.5.1', 'Already authenticated');
const SYNTAX = fixedReply(501, '5.5.4', 'Syntax: AUTH mechanism [initial-response]');
const NO_SUCH_MECHANISM = fixedReply(504, '5.5.4', 'Mechanism not available');
const NEEDS_TLS = fixedReply(538, '5.7.11', 'Encryption required for requested authentication mechanism');
const NOT_BASE64 = fixedReply(501, '5.5.2', 'Cannot decode base64');
const MALFORMED = fixedReply(501, '5.5.2', 'Response does not fit the mechanism');
const CANCELLED = fixedReply(501, '5.7.0', 'Authentication cancelled');
const INVALID = fixedReply(535, '5.7.8', 'Authentication credentials invalid');
const SUCCEEDED = fixedReply(235, '2.7.0', 'Authentication succeeded');

const FAILURES = { 'not-base64': NOT_BASE64, malformed: MALFORMED, cancelled: CANCELLED, proxy: INVALID } as const;

/**
 * The mechanisms that this client can use now, which are those that EHLO names and no others: passwords inside TLS alone
 * (RFC 4954 §4, RFC 4616 §6), EXTERNAL with a certificate that has verified (RFC 4422 appendix A).
 */
export function offeredMethods({
  auth,
  conversation: { tls },
}: Pick<AuthContext, 'auth' | 'conversation'>): readonly SaslMechanism[] {
  if (auth === null || (tls === null && !auth.insecure)) return [];
  return auth.methods.filter((method) => method !== 'EXTERNAL' || tls?.certificateVerified === true);
}

/** AUTH (RFC 4954 §4). A 334 says that the client's next line is the response to it. */
export function auth(context: AuthContext, args: string): Eventual<Reply> {
  const { conversation } = context;
  if (context.auth === null) return replies.unknown;
  if (!conversation.esmtp) return GREET_FIRST;
  if (conversation.user !== null) return ALREADY;
  if (conversation.inTransaction) return IN_TRANSACTION;
  const [name = '', initial = null, ...more] = args.split(' ');
  if (name === '' || initial === '' || more.length > 0) return SYNTAX;
  const method = SASL_MECHANISMS.find((one) => one === name.toUpperCase());
  if (method === undefined || !context.auth.methods.includes(method)) return NO_SUCH_MECHANISM;
  if (offeredMethods(context).includes(method)) {
    return judge(context, 'auth', (given, response) => act(given, beginSasl(method, response)), initial);
  }
  return conversation.tls === null ? NEEDS_TLS : NO_SUCH_MECHANISM; // RFC 4954 §6
}

/**
 * The line behind a 334. Whatever it holds, it is this response and no command.
 *
 * @param response - `null`: a line that is not taken for its end in a bare LF (RFC 5321 §2.3.8); the exchange is over
 */
export function authResponse(context: AuthContext, response: string | null): Eventual<Reply> {
  const { conversation } = context;
  const { exchange } = conversation;
  conversation.exchange = null;
  if (exchange === null) throw new TypeError('334 was said without an exchange');
  return response === null ? replies.bareLf : act(context, stepSasl(exchange, response));
}

function act(context: AuthContext, step: SaslStep): Eventual<Reply> {
  switch (step.next) {
    case 'challenge':
      context.conversation.exchange = step.state;
      return { code: 334, lines: [step.challenge] };
    case 'fail':
      return FAILURES[step.why];
    case 'judge':
      return identify(context, step.claim);
    default:
      return step satisfies never;
  }
}

function identify({ handlers, conversation, report }: AuthContext, claim: SaslClaim): Eventual<Reply> {
  const request = authRequest(claim, conversation.tls);
  return consult(
    'onAuth',
    async () => userFrom(await handlers.onAuth?.(request, conversation)),
    (user) => {
      if (typeof user !== 'string') return INVALID;
      conversation.authenticated(claim.method, user);
      return SUCCEEDED;
    },
    (error) => report(error instanceof HandlerFailedError ? withoutSecrets(error) : error),
  );
}

/** @returns who the client is; `null` where the application did not say so */
function userFrom(answer: unknown): string | null {
  if (answer === undefined || answer === null || answer === false) return null;
  const { user } = answer as { readonly user?: unknown };
  if (typeof user === 'string' && user !== '') return user;
  throw new TypeError("onAuth returns { user: 'name' }, or nothing for a refusal");
}

/**
 * What a directory's client throws may hold the password, as text or in the request that failed. What goes on of it is
 * its name, its code and where it was thrown.
 */
function withoutSecrets({ handler, cause }: HandlerFailedError): HandlerFailedError {
  if (!(cause instanceof Error)) return new HandlerFailedError(handler, undefined);
  const { name, message, stack = '', code } = cause as NodeJS.ErrnoException;
  const bare: NodeJS.ErrnoException = new Error('what onAuth threw is not told: it may hold a secret');
  bare.name = name;
  if (typeof code === 'string') bare.code = code;
  const head = message === '' ? name : `${name}: ${message}`;
  bare.stack = `${name}: ${bare.message}${stack.startsWith(head) ? stack.slice(head.length) : ''}`;
  return new HandlerFailedError(handler, bare);
}
