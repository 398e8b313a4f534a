import { domainToASCII, domainToUnicode } from 'node:url';

/** A sender or recipient with the ESMTP parameters that came with it. */
export interface MailAddress {
  /**
   * Without the angle brackets and without a source route; empty for the null reverse-path `<>`. In ASCII, or in Unicode
   * where the client said SMTPUTF8 (RFC 6531 §3.3).
   */
  readonly address: string;
  /** Keywords in upper case (RFC 5321 §4.1.1.11); `true` where no value stood behind the keyword. */
  readonly parameters: Readonly<Record<string, string | true>>;
}

/** RFC 5321 §4.5.3.1.3: a path has at most 256 octets. Senders in the field exceed it; twice that is enough. */
const MAX_PATH = 512;

/** RFC 5321 §4.5.3.1.2. */
const MAX_DOMAIN = 255;

/** The parameters of a path that came with none. */
export const NO_PARAMETERS: Readonly<Record<string, string | true>> = Object.freeze(Object.create(null));

/**
 * Parses what follows `MAIL` or `RCPT`: `FROM:<a@x.test> SIZE=1000`.
 *
 * A space behind the colon is let pass, as every server of the field does; missing angle brackets are not.
 *
 * @param keyword - `FROM` or `TO`
 * @returns `null` where the text is no path with parameters
 * @see RFC 5321 §4.1.2 Path, §4.1.1.11 esmtp-param
 */
export function parsePath(keyword: 'FROM' | 'TO', args: string): MailAddress | null {
  const colon = keyword.length;
  if (args.length <= colon || args[colon] !== ':') return null;
  if (!args.startsWith(keyword) && args.slice(0, colon).toUpperCase() !== keyword) return null;
  let open = colon + 1;
  while (args[open] === ' ') open++;
  if (args[open] !== '<') return null;
  const plain = plainMailbox(args, open + 1);
  if (plain !== null) return { address: plain, parameters: NO_PARAMETERS };
  const close = closingBracket(args, open + 1);
  if (close === -1 || close - open > MAX_PATH) return null;
  const path = args.slice(open + 1, close);
  const address = withoutRoute(path);
  if (address === null || (address === '' && path !== '') || !isMailbox(address, keyword)) return null;
  const parameters = close + 1 === args.length ? NO_PARAMETERS : parseParameters(args.slice(close + 1));
  return parameters && { address, parameters };
}

const LOCAL = 1;
const LABEL_END = 2;

/** For each octet whether it may stand in an unquoted local part, and whether at an end of a label. */
const KINDS = Uint8Array.from({ length: 128 }, (_, octet) => {
  const character = String.fromCharCode(octet);
  return (
    (/[!#-'*+\-./0-9=?A-Z^_`a-z{|}~]/.test(character) ? LOCAL : 0) | (/[A-Za-z0-9_]/.test(character) ? LABEL_END : 0)
  );
});

/**
 * By far the most paths are `local@domain>` to the end of the line: each octet is looked at once, and no part is cut out.
 *
 * @returns `null` where it is anything else, right or wrong: to be looked at closely
 */
function plainMailbox(text: string, from: number): string | null {
  const end = text.length - 1;
  if (text.charCodeAt(end) !== 0x3e || end - from > MAX_DOMAIN) return null;
  let at = from;
  while (at < end && ((KINDS[text.charCodeAt(at)] ?? 0) & LOCAL) !== 0) at++;
  if (at === from || text.charCodeAt(at) !== 0x40) return null;
  let label = at + 1;
  for (let next = label; next <= end; next++) {
    const octet = text.charCodeAt(next);
    if (octet === 0x2e || next === end) {
      const length = next - label;
      if (length < 1 || length > 63) return null;
      if (!isLabelEnd(text, label) || !isLabelEnd(text, next - 1)) return null;
      label = next + 1;
    } else if (octet !== 0x2d && !isLabelEnd(text, next)) return null;
  }
  return text.slice(from, end);
}

function isLabelEnd(text: string, at: number): boolean {
  return ((KINDS[text.charCodeAt(at)] ?? 0) & LABEL_END) !== 0;
}

/** Finds the `>` that ends the path; one inside a quoted local part does not (RFC 5321 §4.1.2 Quoted-string). */
function closingBracket(text: string, from: number): number {
  const first = text.indexOf('>', from);
  const quote = text.indexOf('"', from);
  if (quote === -1 || first < quote) return first;
  let quoted = false;
  for (let i = from; i < text.length; i++) {
    const character = text[i];
    if (quoted && character === '\\') i++;
    else if (character === '"') quoted = !quoted;
    else if (character === '>' && !quoted) return i;
  }
  return -1;
}

/** `@relay.test,@b.test:user@c.test` means user@c.test: a source route MUST be accepted and SHOULD be ignored (§4.1.1.3). */
function withoutRoute(path: string): string | null {
  if (path[0] !== '@') return path;
  const colon = path.indexOf(':');
  return colon === -1 ? null : path.slice(colon + 1);
}

/** Only what no reader could take for two addresses; whether the mailbox exists is the application's to say. */
function isMailbox(address: string, keyword: 'FROM' | 'TO'): boolean {
  if (address === '') return keyword === 'FROM'; // RFC 5321 §4.5.5: the null reverse-path
  if (/[^ -~\x80-\uffff]/.test(address)) return false; // a control character is nobody's (§4.1.2 atext, qtextSMTP)
  const at = address.lastIndexOf('@');
  if (at === -1) return keyword === 'TO' && address.toUpperCase() === 'POSTMASTER'; // RFC 5321 §4.1.1.3
  const local = address.slice(0, at);
  const quoted = /^"(?:[^"\\]|\\.)*"$/.test(local);
  return local !== '' && (quoted || !/[\s<>"@,;:\\()[\]]/.test(local)) && isDomain(address.slice(at + 1));
}

/** `[192.0.2.1]`, `[IPv6:2001:db8::1]`: whether it is an address is not asked (RFC 5321 §4.1.3). */
const LITERAL = /^\[[!-Z^-~]+\]$/;

/** 1 to 63 octets (RFC 1035 §2.3.4), no hyphen at either end; the underscore is no host's, and is in use (as in Postfix). */
const LABEL = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;

function isDomain(domain: string): boolean {
  if (isDomainName(domain) || (domain.length <= MAX_DOMAIN && LITERAL.test(domain))) return true;
  return !isAscii(domain) && isDomainName(domain.split('.').map(labelInAscii).join('.'));
}

/** Whether all of a text is ASCII. */
export function isAscii(text: string): boolean {
  return !/[^\0-\x7f]/.test(text);
}

/** A U-label as its A-label (RFC 5890 §2.3.2.1); empty where a reader could take it for another label than it is. */
function labelInAscii(label: string): string {
  if (isAscii(label)) return label;
  const ascii = domainToASCII(label);
  const same = domainToUnicode(ascii) === label.toLowerCase() && !/^-|-$/.test(label);
  return same && ascii.startsWith('xn--') ? ascii : '';
}

/**
 * Whether a text is a domain name as mail knows it: labels of letters, digits, hyphens and underscores, none of them
 * empty, so that it neither begins nor ends with a dot. A name in Unicode has to be given as its A-labels (`xn--…`).
 *
 * @see RFC 5321 §4.1.2 Domain, §4.5.3.1.2
 */
export function isDomainName(text: string): boolean {
  return text.length <= MAX_DOMAIN && text.split('.').every((label) => LABEL.test(label));
}

function parseParameters(text: string): Readonly<Record<string, string | true>> | null {
  const parameters: Record<string, string | true> = Object.create(null);
  if (text[0] !== ' ') return null;
  if (text.trim() === '') return NO_PARAMETERS;
  for (const word of text.split(' ')) {
    if (word === '') continue;
    const match = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~]+))?$/.exec(word);
    if (match?.[1] === undefined) return null;
    const keyword = match[1].toUpperCase();
    if (keyword in parameters) return null; // said twice: which of the two would a reader believe?
    parameters[keyword] = match[2] ?? true;
  }
  return Object.freeze(parameters);
}
