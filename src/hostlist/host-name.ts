import { domainToASCII } from 'node:url';

/** RFC 1035 §2.3.4, without the root's dot. */
const MAX_NAME = 253;
const MAX_LABEL = 63;

const [REFUSED, PLAIN, UPPER, DOT] = [0, 1, 2, 3] as const;

/** Letters, digits, hyphen and underscore: names of hosts in the field hold the last too. */
const KIND_OF_CODE = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (/[a-z0-9_-]/.test(character)) return PLAIN;
  if (/[A-Z]/.test(character)) return UPPER;
  return character === '.' ? DOT : REFUSED;
});

/**
 * Makes a name comparable: lower case, A-labels (RFC 5890), no dot at its end.
 * A PTR record is whatever its owner wrote, so this is also the check of it: nothing but host name characters passes.
 *
 * @returns `null` where the text is no host name
 */
export function hostName(text: string): string | null {
  const end = text.endsWith('.') ? text.length - 1 : text.length;
  let label = 0;
  let upper = false;
  for (let at = 0; at < end; at++) {
    const code = text.charCodeAt(at);
    const kind = code < 128 ? KIND_OF_CODE[code] : REFUSED;
    if (kind === DOT ? label === 0 : kind === REFUSED || label === MAX_LABEL) {
      return code < 128 ? null : fromUnicode(text);
    }
    label = kind === DOT ? 0 : label + 1;
    if (kind === UPPER) upper = true;
  }
  if (label === 0 || end > MAX_NAME) return null;
  const name = end === text.length ? text : text.slice(0, end);
  return upper ? name.toLowerCase() : name;
}

function fromUnicode(text: string): string | null {
  const ascii = domainToASCII(text);
  return ascii === '' ? null : hostName(ascii);
}

/**
 * Whether a resolver or browser would take the name for an address: its last label is a number.
 * No host has such a name; in a list it is a slip (`1.2.3`, `192.0.2.256`).
 */
export function endsInNumber(name: string): boolean {
  return /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/.test(name);
}
