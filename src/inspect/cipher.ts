/** Strength of a suite by the name of its cipher; the first that fits counts. */
const BITS: readonly (readonly [RegExp, number])[] = [
  [/NULL/, 0],
  [/AES_?256|CHACHA20|CAMELLIA_?256|ARIA_?256/, 256],
  [/AES_?128|CAMELLIA_?128|ARIA_?128|SEED|IDEA/, 128],
  [/3DES|DES-CBC3/, 168],
  [/RC4/, 128],
  [/DES/, 56],
];

/** Of the suites that were met: a process meets few. */
const met = new Map<string, number>();
const MOST_SUITES = 500;

/**
 * @param suite - an OpenSSL or IANA name
 * @returns the length of the cipher's key in bits, as Exim's `$tls_bits`; 0 where the suite is not known or encrypts nothing
 */
export function bitsOf(suite: string): number {
  const known = met.get(suite);
  if (known !== undefined) return known;
  const bits = BITS.find(([pattern]) => pattern.test(suite))?.[1] ?? 0;
  if (met.size < MOST_SUITES) met.set(suite, bits);
  return bits;
}

/** Exim's `$tls_cipher`: `TLSv1.3:TLS_AES_256_GCM_SHA384:256`. */
export function eximCipher(protocol: string, suite: string): string {
  return `${protocol}:${suite}:${bitsOf(suite)}`;
}
