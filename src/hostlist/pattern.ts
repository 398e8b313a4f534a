import { readRegex } from '../safe-regex.js';
import { type Network, readNetwork, sameAddress } from './address.js';
import { type Glob, readGlob } from './glob.js';
import { endsInNumber, hostName } from './host-name.js';

/** What an item of a list asks. */
export type Pattern =
  /** `*`: any host, and a session without one. */
  | { readonly kind: 'any' }
  /** The empty item: a session without a remote address. */
  | { readonly kind: 'local' }
  /** `@[]`: an address of this machine. */
  | { readonly kind: 'own-addresses' }
  /** An address is a network of one. */
  | { readonly kind: 'network'; readonly network: Network; readonly hostBits: boolean }
  | { readonly kind: 'name'; readonly name: string }
  /** `*.b.c` ends at a label (`labels` is `b.c`, `part` is null), `*b.c` anywhere (`c` and `b`). */
  | { readonly kind: 'suffix'; readonly labels: string; readonly part: string | null }
  | { readonly kind: 'glob'; readonly glob: Glob }
  | { readonly kind: 'regex'; readonly regex: RegExp }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'list'; readonly name: string };

/** What the reading of an item leans on. */
export interface PatternContext {
  /** What `@` stands for. */
  readonly primaryHostname: () => string;
  /** Whether there is a named list of that name. `null` inside a file, where neither named lists nor files may stand. */
  readonly hasList: ((name: string) => boolean) | null;
}

/** Files of a hundred thousand lines are well; a line of a hundred thousand characters is not one. */
const MAX_LENGTH = 4_096;

/**
 * Reads one item, its `!` taken off.
 *
 * @returns a text that says what was expected, where it cannot be read
 * @see HOST-LISTS of the Exim manual: the tests stand in its order
 */
export function readPattern(text: string, context: PatternContext): Pattern | string {
  if (text.length > MAX_LENGTH) return `an item of at most ${MAX_LENGTH} characters`;
  if (text === '*') return { kind: 'any' };
  if (text === '') return { kind: 'local' };
  if (text === '@') return readName(context.primaryHostname());
  if (text === '@[]') return { kind: 'own-addresses' };
  if (text.startsWith('^')) {
    const regex = readRegex(text);
    return typeof regex === 'string' ? regex : { kind: 'regex', regex };
  }
  if (text.startsWith('/') || text.startsWith('+')) return readReference(text, context);
  if (text.includes(';')) {
    return "no lookup such as lsearch;/file (give a callback (peer) => boolean in place of the list), and ';' between items only after a leading '<;'";
  }
  if (looksLikeAddress(text)) return readAddressItem(text);
  return /[*?[\]]/.test(text) ? readWildcard(text.toLowerCase()) : readName(text);
}

function readReference(text: string, { hasList }: PatternContext): Pattern | string {
  if (hasList === null) return 'neither a file nor a named list nor a marker inside a file';
  if (text.startsWith('/')) {
    return text.includes('\0') || text.endsWith('/') ? 'the absolute path of a file' : { kind: 'file', path: text };
  }
  const name = text.slice(1);
  return hasList(name)
    ? { kind: 'list', name }
    : 'the name of one of the named lists, or a marker such as +ignore_unknown';
}

/** Digits and dots, or hexadecimal digits and colons: an address or a slip, never a name (`1.2.3`, `10/8`, `aaaa:bbbb`). */
function looksLikeAddress(text: string): boolean {
  return /[:/%]/.test(text) || /^[\d.]+$/.test(text);
}

function readAddressItem(text: string): Pattern | string {
  const network = readNetwork(text);
  if (typeof network === 'string') return network;
  const exact = text.includes('/') ? readNetwork(text.replace(/\/.*/, '')) : network;
  const hostBits = typeof exact !== 'string' && !sameAddress(exact.address, network.address);
  return { kind: 'network', network, hostBits };
}

function readWildcard(text: string): Pattern | string {
  if (/\d/.test(text) && /^[\d.*?[\]^-]+$/.test(text))
    return 'a network as 192.168.0.0/16: a wildcard is compared with names, never with an address';
  if (/^\*[^*?[\]]+$/.test(text)) return readSuffix(text.slice(1));
  const glob = readGlob(text);
  return typeof glob === 'string' ? glob : { kind: 'glob', glob };
}

function readSuffix(text: string): Pattern | string {
  const [part, ...rest] = text.split('.');
  const labels = rest.join('.');
  const name = hostName(text.startsWith('.') ? labels : text);
  if (name === null) return 'a domain behind the *, such as *.example.com';
  if (text.startsWith('.')) return { kind: 'suffix', labels: name, part: null };
  return { kind: 'suffix', part: part ?? '', labels: hostName(labels) ?? '' };
}

function readName(text: string): Pattern | string {
  const name = hostName(text);
  if (name === null) return 'a host name of letters, digits, - and _, or an address, network, pattern or other item';
  if (endsInNumber(name)) return 'a host name that does not end in a number, or a whole address';
  return { kind: 'name', name };
}
