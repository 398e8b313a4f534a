import { hostname } from 'node:os';
import { OptionError } from '../errors.js';
import { MISPLACED, type ServerTlsOptions } from '../net/server-tls-options.js';
import { checkedOptions, oneOf } from '../options.js';
import type { AclOptions } from '../policy/acl.js';
import type { BareNewlines } from '../smtp/body-decoder.js';
import { fixedReply, type Reply } from '../smtp/reply.js';
import { SASL_MECHANISMS, type SaslMechanism } from '../smtp/sasl.js';
import { checkedAcl } from './acl.js';
import type { AuthSettings } from './auth.js';
import { HANDLER_NAMES, type Handlers, type SettledHandlers, settledHandlers } from './handlers.js';
import { checkedLimits, type Limits } from './limits.js';
import { SMTP_SERVER_NAMES } from './smtp-server-names.js';

/** What an {@link SmtpServer} is made from. */
export interface SmtpServerOptions extends Handlers {
  /** What the server calls itself. Default: the host's name. */
  readonly hostname?: string;
  /** Behind the host name in the greeting. Default `ESMTP`. */
  readonly banner?: string;
  readonly tls?: ServerTlsOptions;
  /** Who may do what: a list of rules for each command, asked before its handler. Make them with `acl` of `tls-smtp/policy`. */
  readonly acl?: AclOptions;
  readonly limits?: Partial<Limits>;
  /** How clients authenticate, where `onAuth` is given. `methods` by default: all of PLAIN, LOGIN and EXTERNAL. */
  readonly auth?: { readonly methods?: readonly SaslMechanism[] };
  /**
   * Default `false`. `true` offers and accepts AUTH on connections without TLS: **whoever can listen on the way reads every
   * password, and whoever can write on it acts as that user**. It is for a loopback or a network that nobody else is on.
   */
  readonly allowInsecureAuth?: boolean;
  /** EHLO keywords that are not offered, for instance `['PIPELINING']`. What is not offered is refused too. */
  readonly hide?: readonly string[];
  /**
   * What becomes of a CR or LF without the other. `reject`, the default: a command is answered 500 and not run, a message
   * is refused, 550. `normalize`: a bare LF ends a line like CRLF, and a bare CR in a message becomes a space. Only
   * CRLF.CRLF ends a message, in both (SMTP smuggling). BDAT's octets are left alone.
   */
  readonly bareNewlines?: BareNewlines;
}

/** The same, checked and complete. */
export interface SmtpServerSettings {
  readonly hostname: string;
  /** The greeting, 220. */
  readonly banner: Reply;
  readonly tls: ServerTlsOptions | undefined;
  readonly acl: AclOptions | null;
  readonly limits: Limits;
  readonly hidden: ReadonlySet<string>;
  /** `null`: nobody can authenticate. */
  readonly auth: AuthSettings | null;
  readonly bareNewlines: BareNewlines;
  readonly handlers: SettledHandlers;
}

/** What stands one floor deeper, and what it is called elsewhere. */
const HINTS = { ...MISPLACED, ...SMTP_SERVER_NAMES };

/** @throws {OptionError} */
export function serverSettings(given: SmtpServerOptions | undefined): SmtpServerSettings {
  const options = checkedOptions<SmtpServerOptions>(
    '',
    given,
    [
      'hostname',
      'banner',
      'tls',
      'acl',
      'limits',
      'auth',
      'allowInsecureAuth',
      'hide',
      'bareNewlines',
      ...HANDLER_NAMES,
    ],
    HINTS,
  );
  for (const name of HANDLER_NAMES) {
    if (options[name] !== undefined && typeof options[name] !== 'function')
      throw new OptionError(name, 'must be a function');
  }
  const { hostname: name = hostname(), banner = 'ESMTP', hide = [] } = options;
  if (typeof banner !== 'string') throw new OptionError('banner', 'must be text');
  if (!Array.isArray(hide) || !hide.every((keyword) => typeof keyword === 'string')) {
    throw new OptionError('hide', 'must be a list of EHLO keywords');
  }
  if (typeof name !== 'string' || !/^[!-~]{1,255}$/.test(name))
    throw new OptionError('hostname', 'must be printable, without spaces');
  const hidden = hiddenKeywords(hide);
  return {
    hostname: name,
    banner: fixedReply(220, null, `${name} ${banner}`),
    tls: options.tls,
    acl: checkedAcl(options.acl),
    limits: checkedLimits(options.limits),
    hidden,
    auth: hidden.has('AUTH') ? null : authSettings(options),
    bareNewlines: oneOf('bareNewlines', options.bareNewlines, 'reject', ['reject', 'normalize']),
    handlers: settledHandlers(options),
  };
}

/** Who offers SMTPUTF8 offers 8BITMIME as well (RFC 6531 §3.1). */
function hiddenKeywords(hide: readonly string[]): ReadonlySet<string> {
  const hidden = new Set(hide.map((keyword) => keyword.toUpperCase()));
  return hidden.has('8BITMIME') ? hidden.add('SMTPUTF8') : hidden;
}

/** @throws {OptionError} */
function authSettings({ auth, allowInsecureAuth = false, onAuth }: SmtpServerOptions): AuthSettings | null {
  const { methods = SASL_MECHANISMS } = checkedOptions('auth', auth, ['methods']);
  if (!Array.isArray(methods) || methods.length === 0 || !methods.every((one) => SASL_MECHANISMS.includes(one))) {
    throw new OptionError('auth.methods', `must be a list of ${SASL_MECHANISMS.join(', ')}`);
  }
  if (typeof allowInsecureAuth !== 'boolean') throw new OptionError('allowInsecureAuth', 'must be true or false');
  if (onAuth !== undefined) return { methods, insecure: allowInsecureAuth };
  if (auth === undefined && !allowInsecureAuth) return null;
  throw new OptionError(auth === undefined ? 'allowInsecureAuth' : 'auth', 'has no meaning without onAuth');
}
