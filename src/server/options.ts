import { hostname } from 'node:os';
import { OptionError } from '../errors.js';
import type { ServerTlsOptions } from '../net/server-tls-options.js';
import { checkedOptions } from '../options.js';
import { fixedReply, type Reply } from '../smtp/reply.js';
import { HANDLER_NAMES, type Handlers, type SettledHandlers, settledHandlers } from './handlers.js';
import { checkedLimits, type Limits } from './limits.js';

/** What an {@link SmtpServer} is made from. */
export interface SmtpServerOptions extends Handlers {
  /** What the server calls itself. Default: the host's name. */
  readonly hostname?: string;
  /** Behind the host name in the greeting. Default `ESMTP`. */
  readonly banner?: string;
  readonly tls?: ServerTlsOptions;
  readonly limits?: Partial<Limits>;
  /** EHLO keywords that are not offered, for instance `['PIPELINING']`. */
  readonly hide?: readonly string[];
}

/** The same, checked and complete. */
export interface SmtpServerSettings {
  readonly hostname: string;
  /** The greeting, 220. */
  readonly banner: Reply;
  readonly tls: ServerTlsOptions | undefined;
  readonly limits: Limits;
  readonly hidden: ReadonlySet<string>;
  readonly handlers: SettledHandlers;
}

/** What users of smtp-server write, and what is meant here. */
const HINTS = {
  onData: 'onMessage',
  secure: 'listen({ tlsOnConnect: true })',
  key: 'tls.privateKey',
  cert: 'tls.certificate',
  size: 'limits.maxMessageBytes',
  name: 'hostname',
  maxClients: 'limits.maxConnections',
  socketTimeout: 'limits.commandTimeoutMs',
  rejectUnauthorized: 'tls.verifyHosts',
};

/** @throws {OptionError} */
export function serverSettings(given: SmtpServerOptions | undefined): SmtpServerSettings {
  const options = checkedOptions<SmtpServerOptions>(
    '',
    given,
    ['hostname', 'banner', 'tls', 'limits', 'hide', ...HANDLER_NAMES],
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
  return {
    hostname: name,
    banner: fixedReply(220, null, `${name} ${banner}`),
    tls: options.tls,
    limits: checkedLimits(options.limits),
    hidden: new Set(hide.map((keyword) => keyword.toUpperCase())),
    handlers: settledHandlers(options),
  };
}
