/** RFC 1123 §2.1, and the underscore, which stands in names that are in use. Letters are written out: `i` with `u` knows more of them. */
const LABEL = /^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$/;

const MAX_LENGTH = 253;

/**
 * Reads a host name strictly: ASCII (so A-labels), no address, no wildcard, no empty label.
 *
 * @returns the name in lower case and without the dot at its end, or `null` where the text is none
 */
export function hostName(text: string): string | null {
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  if (name.length > MAX_LENGTH) return null;
  const labels = name.split('.');
  if (!labels.every((label) => LABEL.test(label))) return null;
  // An IPv4 address, and `1.2.3` is a short form of one to some; no top-level domain is a number (RFC 3696 §2).
  return /^\d+$/.test(labels.at(-1) ?? '') ? null : name.toLowerCase();
}
