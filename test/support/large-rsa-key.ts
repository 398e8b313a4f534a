import { createPrivateKey, generatePrimeSync, type KeyObject } from 'node:crypto';

const PRIME_BITS = 512;
const EXPONENT = 65_537n;

/**
 * An RSA key of a size that would take minutes to make: each of its two factors is a product of small primes, which
 * nobody who only computes with it can tell. Worth nothing as a key, and as slow as a real one.
 *
 * @param bits - a multiple of 1,024
 */
export function largeRsaKey(bits: number): KeyObject {
  const [p, q] = [factor(bits / 2), factor(bits / 2)];
  const order = lcm(p.order, q.order);
  const d = inverse(EXPONENT, order);
  const parts = {
    n: p.product * q.product,
    e: EXPONENT,
    d,
    p: p.product,
    q: q.product,
    dp: d % p.order,
    dq: d % q.order,
    qi: inverse(q.product, p.product),
  };
  const encoded = Object.entries(parts).map(([name, value]) => [name, base64url(value)]);
  return createPrivateKey({ key: { kty: 'RSA', ...Object.fromEntries(encoded) }, format: 'jwk' });
}

/** @returns the product of different primes, and the exponent to which everything is 1 modulo it */
function factor(bits: number): { readonly product: bigint; readonly order: bigint } {
  const primes = Array.from({ length: bits / PRIME_BITS }, () => generatePrimeSync(PRIME_BITS, { bigint: true }));
  const suits = primes.every((prime) => (prime - 1n) % EXPONENT !== 0n);
  if (!suits) return factor(bits);
  return {
    product: primes.reduce((product, prime) => product * prime, 1n),
    order: primes.reduce((order, prime) => lcm(order, prime - 1n), 1n),
  };
}

function lcm(a: bigint, b: bigint): bigint {
  return (a / gcd(a, b)) * b;
}

function gcd(a: bigint, b: bigint): bigint {
  let [rest, divisor] = [a, b];
  while (divisor !== 0n) [rest, divisor] = [divisor, rest % divisor];
  return rest;
}

/** Euclid's extended algorithm. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [rest, next, factorOfRest, factorOfNext] = [value % modulus, modulus, 1n, 0n];
  while (next !== 0n) {
    const quotient = rest / next;
    [rest, next] = [next, rest - quotient * next];
    [factorOfRest, factorOfNext] = [factorOfNext, factorOfRest - quotient * factorOfNext];
  }
  return ((factorOfRest % modulus) + modulus) % modulus;
}

function base64url(value: bigint): string {
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url');
}
