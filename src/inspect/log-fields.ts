import { OptionError } from '../errors.js';
import { printable } from './printable.js';

/** What of a handshake stands in a log line. All of it is safe to print: that is the business of `TlsInfo`. */
export interface LoggedTls {
  readonly cipher: string;
  readonly certificateVerified: boolean;
  readonly peerDn: string;
  readonly sni?: string;
  readonly resumed: boolean;
}

/** Exim's `log_selector`: `'+tls_peerdn -tls_cipher'`, or the same as an array; a name without a sign is switched on. */
export type LogSelectors = string | readonly string[];

/** Exim's names, and whether each is on by default. */
const DEFAULTS = {
  tls_certificate_verified: true,
  tls_cipher: true,
  tls_peerdn: false,
  tls_resumption: false,
  tls_sni: false,
};

type Selector = keyof typeof DEFAULTS;

/**
 * The TLS fields of a log line, as Exim writes them and in its order: `X=… CV=… DN="…" SNI=…`.
 *
 * @param selectors - changes to the defaults, applied one after the other; `+all` and `-all` are all of them
 * @returns the fields with spaces between them, none at the edges; empty where nothing is selected
 * @throws {OptionError} `ERR_TLS_SMTP_OPTION` for a selector that is not one of these
 * @see Exim `log_selector`; add_tls_info_for_log() in its source
 */
export function logFields(tls: LoggedTls, selectors: LogSelectors = []): string {
  const on = selected(selectors);
  const fields: string[] = [];
  if (on.tls_cipher) fields.push(`X=${tls.cipher}${on.tls_resumption && tls.resumed ? '*' : ''}`);
  if (on.tls_certificate_verified) fields.push(`CV=${tls.certificateVerified ? 'yes' : 'no'}`);
  if (on.tls_peerdn && tls.peerDn !== '') fields.push(`DN="${tls.peerDn}"`);
  if (on.tls_sni && tls.sni !== undefined) fields.push(`SNI=${tls.sni}`);
  return fields.join(' ');
}

function selected(selectors: LogSelectors): Record<Selector, boolean> {
  const on = { ...DEFAULTS };
  for (const word of words(selectors)) {
    const name = word.replace(/^[+-]/, '').toLowerCase();
    const value = !word.startsWith('-');
    if (name === 'all') for (const one of NAMES) on[one] = value;
    else if (isSelector(name)) on[name] = value;
    else throw new OptionError('log selector', `${printable(word, 60)} is unknown; there are ${NAMES.join(', ')}`);
  }
  return on;
}

const NAMES = Object.keys(DEFAULTS) as Selector[];

function isSelector(name: string): name is Selector {
  return NAMES.some((one) => one === name);
}

function words(selectors: LogSelectors): string[] {
  const texts: readonly unknown[] = typeof selectors === 'string' ? [selectors] : selectors;
  if (!Array.isArray(texts) || !texts.every((text) => typeof text === 'string')) {
    throw new OptionError('log selector', 'must be a string or an array of strings');
  }
  return texts.flatMap((text) => text.split(/\s+/)).filter((word) => word !== '');
}
