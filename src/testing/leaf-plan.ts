import { isIP, isIPv6 } from 'node:net';
import { OptionError } from '../errors.js';

/**
 * What is wrong with a certificate; each has this one thing wrong and nothing else.
 *
 * - `expired`: ended yesterday; `not-yet-valid`: starts tomorrow
 * - `wrong-name`: made out to `wrong-name.invalid`, in the alternative names and in the common name
 * - `self-signed`: issued by its own key, CA:FALSE; trusted only where it is itself among the trusted certificates.
 *   A verifier with a CRL reports that it has none of this issuer, before it comes to the trust
 * - `unknown-ca`: signed by a second root that is never given out and has a subject of its own
 * - `revoked`: listed in `crl()`
 * - `weak`: an RSA key of 1024 bits, whatever `key` says. Node 24 and later do not load it at the default security
 *   level: `ERR_SSL_EE_KEY_TOO_SMALL`; with `ciphers: 'DEFAULT:@SECLEVEL=0'` a server loads it everywhere
 * - `cn-only`: no alternative names at all, the name stands in the common name (RFC 6125 §6.4.4, RFC 9525 §2)
 * - `partial-wildcard`: the last character of each host name's first label becomes `*`, and of a single character one
 *   stays: `mx1.example.com` gives `mx*.example.com`, `a.example.com` gives `a*.example.com` (against RFC 9525 §6.3).
 *   Addresses and wildcards are left out. Lenient matchers accept it only for names of three labels or more
 */
export type Flaw =
  | 'expired'
  | 'not-yet-valid'
  | 'wrong-name'
  | 'self-signed'
  | 'unknown-ca'
  | 'revoked'
  | 'weak'
  | 'cn-only'
  | 'partial-wildcard';

/** The certificate that is asked for. */
export interface LeafOptions {
  /** The common name, at most 64 characters; by default the first of `names`, else `localhost`. */
  readonly name?: string;
  /**
   * The subject alternative names: IP addresses become iPAddress, all others dNSName (ASCII, so A-labels).
   * By default `[name]`, without `name` `['localhost', '127.0.0.1']`; an empty list writes no such extension.
   */
  readonly names?: readonly string[];
  /** What it may be used for: TLS server (the default) or client authentication. */
  readonly kind?: 'server' | 'client';
  /** P-256 (the default) or RSA of 2048 bits, which takes longer. */
  readonly key?: 'ec' | 'rsa';
  readonly flaw?: Flaw;
}

/** An alternative name, RFC 5280 §4.2.1.6; an IPv6 address has no dotted part. */
export type AltName = { readonly type: 'dns' | 'ip'; readonly value: string };

/** Everything about a leaf certificate but its key and serial number. */
export interface LeafPlan {
  readonly commonName: string;
  /** Empty: no subjectAltName extension. */
  readonly altNames: readonly AltName[];
  readonly kind: 'server' | 'client';
  readonly key: 'ec' | 'rsa' | 'rsa-1024';
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly signer: 'root' | 'stranger' | 'itself';
  readonly revoked: boolean;
}

const HOUR_MS = 3_600_000;
export const DAY_MS: number = 24 * HOUR_MS;

/** Every good leaf lives this long, and a flawed one too. */
export const LEAF_LIFE_MS: number = 30 * DAY_MS;

/** RFC 5280 appendix A.1, ub-common-name. */
const COMMON_NAME_LIMIT = 64;
const WRONG_NAME = 'wrong-name.invalid';

/**
 * Decides what a certificate says, from what a test asks for.
 *
 * @param now - the time that validity counts from: a good leaf is valid from an hour before it, for 30 days
 * @throws {OptionError} `ERR_TLS_SMTP_OPTION` for a value outside its type, a name that does not fit into a
 *   certificate, or `partial-wildcard` without a host name to cut
 */
export function planLeaf(options: LeafOptions, now: Date): LeafPlan {
  const { name, names, kind = 'server', key = 'ec', flaw } = options;
  if (kind !== 'server' && kind !== 'client') throw new OptionError('kind', "must be 'server' or 'client'");
  if (key !== 'ec' && key !== 'rsa') throw new OptionError('key', "must be 'ec' or 'rsa'");
  if (names !== undefined && !Array.isArray(names)) throw new OptionError('names', 'must be an array of strings');
  const commonName = name ?? names?.[0] ?? 'localhost';
  checkCommonName(commonName);
  const plan: LeafPlan = {
    commonName,
    altNames: (names ?? (name === undefined ? ['localhost', '127.0.0.1'] : [name])).map(altName),
    kind,
    key,
    ...lifeFrom(now, -HOUR_MS),
    signer: 'root',
    revoked: false,
  };
  return flaw === undefined ? plan : flawed(plan, flaw, now);
}

/** @throws {OptionError} for what is no common name of RFC 5280 */
export function checkCommonName(name: string): void {
  if (typeof name !== 'string' || name === '') throw new OptionError('name', 'must be a string that is not empty');
  if (name.length <= COMMON_NAME_LIMIT) return;
  throw new OptionError(
    'name',
    `is longer than ${COMMON_NAME_LIMIT} characters; give a short one, and the long in names`,
  );
}

function flawed(plan: LeafPlan, flaw: Flaw, now: Date): LeafPlan {
  switch (flaw) {
    case 'expired':
      return { ...plan, ...lifeFrom(now, -DAY_MS - LEAF_LIFE_MS) };
    case 'not-yet-valid':
      return { ...plan, ...lifeFrom(now, DAY_MS) };
    case 'wrong-name':
      return { ...plan, commonName: WRONG_NAME, altNames: [{ type: 'dns', value: WRONG_NAME }] };
    case 'self-signed':
      return { ...plan, signer: 'itself' };
    case 'unknown-ca':
      return { ...plan, signer: 'stranger' };
    case 'revoked':
      return { ...plan, revoked: true };
    case 'weak':
      return { ...plan, key: 'rsa-1024' };
    case 'cn-only':
      return { ...plan, altNames: [] };
    case 'partial-wildcard':
      return { ...plan, ...partialWildcards(plan) };
    default:
      flaw satisfies never;
      throw new OptionError('flaw', 'is none that a certificate can have; the type Flaw lists them');
  }
}

function lifeFrom(now: Date, offsetMs: number): { readonly notBefore: Date; readonly notAfter: Date } {
  const start = now.getTime() + offsetMs;
  return { notBefore: new Date(start), notAfter: new Date(start + LEAF_LIFE_MS) };
}

/** The common name is cut too, so that a matcher which also reads that is not satisfied by it. */
function partialWildcards(plan: LeafPlan): Pick<LeafPlan, 'commonName' | 'altNames'> {
  const altNames = plan.altNames.flatMap(({ type, value }) => {
    const cut = type === 'dns' ? cutFirstLabel(value) : undefined;
    return cut === undefined ? [] : [{ type, value: cut }];
  });
  const [first] = altNames;
  if (first === undefined) throw new OptionError('flaw', "is 'partial-wildcard', which takes a host name to cut");
  return { commonName: cutFirstLabel(plan.commonName) ?? first.value, altNames };
}

function cutFirstLabel(name: string): string | undefined {
  const [label = ''] = name.split('.', 1);
  if (isIP(name) !== 0 || label === '' || label.includes('*')) return undefined;
  return `${label.slice(0, Math.max(1, label.length - 1))}*${name.slice(label.length)}`;
}

function altName(name: string): AltName {
  if (typeof name !== 'string' || name === '') throw new OptionError('names', 'must hold strings that are not empty');
  if (isIP(name) === 0) {
    // A dNSName is an IA5String: what is not ASCII would be written as something else.
    if (!/^[\x20-\x7e]+$/.test(name)) throw new OptionError('names', 'must be printable ASCII; write A-labels (xn--…)');
    return { type: 'dns', value: name };
  }
  if (name.includes('%')) throw new OptionError('names', 'must not hold an address with a zone');
  // The URL parser turns `::ffff:192.0.2.1` into groups of hexadecimal digits, the only form the encoder reads.
  return { type: 'ip', value: isIPv6(name) ? new URL(`http://[${name}]`).hostname.slice(1, -1) : name };
}
