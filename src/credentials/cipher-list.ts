import { getCiphers } from 'node:tls';
import { OptionError } from '../errors.js';

/** Which suites a list leaves, as far as it names them one by one; `null`: keywords say, and OpenSSL alone knows. */
export interface NamedSuites {
  readonly tls12: ReadonlySet<string> | null;
  readonly tls13: ReadonlySet<string> | null;
}

let tls13Names: ReadonlySet<string> | null = null;

/**
 * The items of `tls.requireCiphers`, between colons: OpenSSL takes four separators, but Node finds the suites of TLS 1.3
 * between colons only, and where it finds none it allows all of them.
 *
 * @throws {OptionError} for a suite of TLS 1.3 that there is not, or that is to be taken away: OpenSSL would say nothing
 */
export function cipherListOf(text: string): string {
  const items = itemsOf(text);
  tls13Names ??= new Set(getCiphers().flatMap((name) => (name.startsWith('tls_') ? [name.toUpperCase()] : [])));
  for (const item of items) {
    if (/^[!\-+]TLS_/.test(item)) throw wrong('can only name suites of TLS 1.3, and take none away');
    if (item.startsWith('TLS_') && !tls13Names.has(item)) {
      throw wrong(
        'names no suite of TLS 1.3 by a name that begins with TLS_; those of TLS 1.2 go by their OpenSSL names',
      );
    }
  }
  return items.join(':');
}

/**
 * What a list says of a suite. Suites of TLS 1.2 have hyphens in their names, and OpenSSL's keywords have none. A list that
 * names suites of TLS 1.2 alone has none of TLS 1.3, and the other way round: OpenSSL keeps them in a list of their own
 * and would go on to use them. A list with keywords (`HIGH:!aNULL`) leaves TLS 1.3 alone.
 */
export function namedSuites(list: string): NamedSuites {
  const adding = itemsOf(list).filter((item) => !/^[!\-+@]/.test(item));
  const tls13 = adding.filter((item) => item.startsWith('TLS_'));
  const others = adding.filter((item) => !item.startsWith('TLS_'));
  const byName = adding.length > 0 && others.every((item) => item.includes('-') && !item.includes('+'));
  return {
    tls12: byName ? new Set(others) : null,
    tls13: byName || tls13.length > 0 ? new Set(tls13) : null,
  };
}

/** @param cipherName - OpenSSL's name of the suite that was agreed */
export function allowsSuite({ tls12, tls13 }: NamedSuites, cipherName: string): boolean {
  const names = cipherName.startsWith('TLS_') ? tls13 : tls12;
  return names?.has(cipherName) ?? true;
}

/** OpenSSL's separators. */
function itemsOf(list: string): string[] {
  return list.split(/[:;, ]+/).filter((item) => item !== '');
}

function wrong(problem: string): OptionError {
  return new OptionError('tls.requireCiphers', problem);
}

/** What nobody wants in a list, by the words of OpenSSL that mean it, and the word behind `!` or `-` that takes it out. */
const WEAKNESSES = [
  {
    means: /(?:^|[+-])e?NULL(?:[+-]|$)|^TLS_SHA\d/i,
    without: /^[!-]e?NULL$/i,
    says: 'suites that do not encrypt: whoever can listen on the way reads all; add !eNULL',
  },
  {
    means: /(?:^|[+-])(?:aNULL|ADH|AECDH)(?:[+-]|$)/i,
    without: /^[!-]aNULL$/i,
    says: 'anonymous suites, in which nobody shows a certificate: whoever sits in between passes for the peer; add !aNULL',
  },
] as const;

/**
 * What a cipher list lets in that protects nothing, in words. OpenSSL leaves such suites out above security level 0, named or
 * not; at level 0 every keyword but DEFAULT brings some along.
 */
export function weaknessesOf(list: string): readonly string[] {
  const items = itemsOf(list);
  const all = items.includes('@SECLEVEL=0');
  const isKeyword = (item: string): boolean => item !== 'DEFAULT' && /^(?!TLS_)[^-]*$|\+/.test(item);
  const wanted = items.filter((item) => !/^[!\-+@]/.test(item));
  return WEAKNESSES.filter(
    ({ means, without }) =>
      !items.some((item) => without.test(item)) && wanted.some((item) => means.test(item) || (all && isKeyword(item))),
  ).map(({ says }) => says);
}
