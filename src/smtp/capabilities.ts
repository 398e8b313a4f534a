/** What a server offered in its EHLO reply: keyword in upper case -> its parameters as they stood. */
export type Capabilities = ReadonlyMap<string, string>;

/**
 * Reads an EHLO reply. The first line is the greeting and offers nothing, whatever stands in it: a server that says
 * `250-mx.test STARTTLS` has not offered STARTTLS (RFC 5321 §4.1.1.1).
 *
 * @param lines - the reply's lines without code, the greeting first
 */
export function parseCapabilities(lines: readonly string[]): Capabilities {
  const offered = new Map<string, string>();
  for (const line of lines.slice(1)) {
    const [keyword = '', ...parameters] = line.trim().split(/[ \t]+/);
    if (keyword !== '') offered.set(keyword.toUpperCase(), parameters.join(' '));
  }
  return offered;
}

/**
 * Some firewalls write over keywords that they do not know, and keep their length: `XXXXXXXA` stands where STARTTLS stood
 * (the Exim manual, "Encrypted SMTP connections", warns of it).
 */
export function startTlsWasStripped(offered: Capabilities): boolean {
  return !offered.has('STARTTLS') && [...offered.keys()].some((keyword) => /^X{7}[A-Z]$/.test(keyword));
}

/**
 * What the listener says to EHLO, in the order in which it says it (RFC 5321 §4.1.1.1).
 *
 * @param more - what not every client is offered: `AUTH PLAIN LOGIN`, `STARTTLS` (in clear alone: RFC 3207 §4.2)
 * @param maxMessageBytes - the SIZE limit in octets (RFC 1870 §3)
 * @param hidden - keywords, upper case, that the application does not want offered
 */
export function offeredCapabilities(
  more: readonly string[],
  maxMessageBytes: number,
  hidden: ReadonlySet<string>,
): readonly string[] {
  return [
    'PIPELINING',
    `SIZE ${maxMessageBytes}`,
    '8BITMIME',
    'SMTPUTF8',
    'CHUNKING',
    'ENHANCEDSTATUSCODES',
    ...more,
    'HELP',
  ].filter((line) => !hidden.has(line.split(' ', 1)[0] ?? ''));
}
