import { OptionError } from '../errors.js';
import { itemsOf, type SourceItem } from '../exim-list.js';
import { readRegex } from '../safe-regex.js';
import { CipherListSyntaxError } from './errors.js';

/** The names that one suite goes by: OpenSSL's and IANA's. */
export interface SuiteNames {
  readonly cipherName: string;
  readonly cipherStandardName: string;
}

interface Item {
  readonly negated: boolean;
  /** @param name - in capitals */
  readonly matches: (name: string) => boolean;
}

/** OpenSSL's names are hyphenated, IANA's have underscores. */
const NAME = /^[A-Z0-9][A-Z0-9_-]*$/;
const ENDING = /^[A-Z0-9_-]+$/;

/** Words of OpenSSL's own cipher strings, which this is not: `HIGH:!aNULL` would be a list that everything matches. */
const OPENSSL_WORD =
  /^(?:ALL|DEFAULT|COMPLEMENTOF(?:ALL|DEFAULT)|HIGH|MEDIUM|LOW|EXP|EXPORT(?:40|56)?|[AE]?NULL|K?EDH|K?EECDH)$/;

/**
 * Which cipher suites will do: Exim's `encrypted` condition. Compiled once, matched many times, immutable.
 *
 * The first item that matches decides, `!` before it turns its answer round. A list that runs off its end says no, or yes
 * where its last item is negated. Names are compared without case, OpenSSL's and IANA's alike.
 */
export class CipherList {
  readonly #items: readonly Item[];

  private constructor(source: string | readonly string[]) {
    this.#items = itemsOf('cipher list', source).map(readItem);
    Object.freeze(this);
  }

  /**
   * Items are `*` (any suite), a suite's name, `*ending` and `^regex`.
   *
   * @param source - a string in Exim's list syntax (`:` between items, doubled where one is meant, or another separator
   *   that a leading `<;` names), or an array of items, in which nothing separates
   * @throws {CipherListSyntaxError} `ERR_TLS_SMTP_CIPHER_LIST_SYNTAX` that names the first item that cannot be read
   * @throws {OptionError} `ERR_TLS_SMTP_OPTION` where the source is neither
   * @see Exim `encrypted`; its manual, "List construction"
   */
  static parse(source: string | readonly string[]): CipherList {
    return new CipherList(source);
  }

  /**
   * @param info - a `TlsInfo`, or both names of a suite
   * @throws {OptionError} `ERR_TLS_SMTP_OPTION` for what has no such names; a session without TLS has no `TlsInfo`
   */
  matches(info: SuiteNames): boolean {
    if (typeof info?.cipherName !== 'string' || typeof info.cipherStandardName !== 'string') {
      throw new OptionError('info', 'must be a TlsInfo, or have the names cipherName and cipherStandardName');
    }
    const names = [info.cipherName.toUpperCase(), info.cipherStandardName.toUpperCase()];
    const decisive = this.#items.find((item) => names.some(item.matches));
    if (decisive !== undefined) return !decisive.negated;
    return this.#items.at(-1)?.negated ?? false;
  }
}

function readItem(item: SourceItem): Item {
  const negated = item.text.startsWith('!');
  const matches = readPattern(negated ? item.text.slice(1).trimStart() : item.text);
  if (typeof matches === 'string') throw new CipherListSyntaxError(item, matches);
  return { negated, matches };
}

/** @returns a text that says what was expected, where it cannot be read */
function readPattern(text: string): Item['matches'] | string {
  if (text.startsWith('^')) {
    const regex = readRegex(text);
    return typeof regex === 'string' ? regex : (name) => regex.test(name);
  }
  const pattern = text.toUpperCase();
  if (pattern === '*') return () => true;
  if (pattern.startsWith('*')) {
    const ending = pattern.slice(1);
    return ENDING.test(ending) ? (name) => name.endsWith(ending) : 'letters, digits, - and _ behind a leading *';
  }
  if (OPENSSL_WORD.test(pattern))
    return 'the name of a suite: words of OpenSSL such as HIGH belong into requireCiphers';
  return NAME.test(pattern) ? (name) => name === pattern : 'the name of a suite, *, *ending or ^regex';
}
