import { getCiphers } from 'node:tls';

let known: ReadonlySet<string> | null = null;

/**
 * Whether a cipher list means TLS 1.2 alone: it names suites one by one, and none of TLS 1.3. OpenSSL keeps the suites of
 * TLS 1.3 in a list of their own and would go on to use them. A list of keywords (`HIGH:!aNULL`) leaves TLS 1.3 alone.
 */
export function meansTls12Only(list: string): boolean {
  known ??= new Set(getCiphers());
  const wanted = list.split(/[:, ]+/).filter((item) => item !== '' && !/^[!\-@]/.test(item));
  if (wanted.length === 0) return false;
  return wanted.every((item) => !item.startsWith('TLS_') && known?.has(item.toLowerCase()) === true);
}
