import { generateKeyPair, type KeyObject, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { OptionError } from '../errors.js';
import { type Asn1, loadAsn1 } from './asn1.js';
import { checkCommonName, DAY_MS, LEAF_LIFE_MS, type LeafOptions, type LeafPlan, planLeaf } from './leaf-plan.js';
import { type Issuer, type RevokedEntry, writeCertificate, writeCrl } from './x509-writer.js';

export type { Flaw, LeafOptions } from './leaf-plan.js';

export interface TestAuthorityOptions {
  /** The common name of the root, at most 64 characters: with two authorities in one test, it tells them apart. */
  readonly name?: string;
}

/** PEM both: the certificate alone, without a chain, and its private key as PKCS#8, not encrypted. */
export interface IssuedCertificate {
  readonly cert: string;
  readonly key: string;
}

const ROOT_LIFE_MS = 3_652 * DAY_MS;
const SERIAL_OCTETS = 16;
const DEFAULT_NAME = 'tls-smtp test authority';
const STRANGER_NAME = 'tls-smtp unknown authority';

/**
 * A certificate authority in memory, for tests: one P-256 root, and leaves made on demand, good ones and flawed ones.
 * Nothing is written to disk, and the root's key does not leave the object.
 *
 * @see RFC 5280
 */
export class TestAuthority {
  /** The root certificate in PEM: what a test gives to `ca`. */
  readonly ca: string;

  readonly #asn1: Asn1;
  readonly #root: Issuer;
  readonly #revoked: RevokedEntry[] = [];
  #stranger: Promise<Issuer> | undefined;
  #crlNumber = 0;

  private constructor(asn1: Asn1, root: Issuer) {
    if (root?.privateKey === undefined)
      throw new OptionError('new TestAuthority()', 'is private: TestAuthority.create() makes one');
    this.#asn1 = asn1;
    this.#root = root;
    this.ca = rootCertificate(asn1, root);
  }

  /**
   * Makes an authority with a new root.
   *
   * @throws {DependencyMissingError} `ERR_TLS_SMTP_DEPENDENCY_MISSING` where `@peculiar/asn1-schema` or
   *   `@peculiar/asn1-x509`, optional peers of this package, is not installed
   * @throws {OptionError} `ERR_TLS_SMTP_OPTION` for an unknown option, or a name that is empty or too long
   */
  static async create(options: TestAuthorityOptions = {}): Promise<TestAuthority> {
    refuseUnknown(options, ['name']);
    const { name = DEFAULT_NAME } = options;
    checkCommonName(name);
    const [asn1, root] = await Promise.all([loadAsn1(), newIssuer(name)]);
    return new TestAuthority(asn1, root);
  }

  /**
   * Makes a certificate and its key. With an EC key it takes some milliseconds; RSA keys are made off the main thread
   * and take about a tenth of a second.
   *
   * @returns a leaf that is valid from an hour ago for 30 days, unless `flaw` says otherwise
   * @throws {OptionError} `ERR_TLS_SMTP_OPTION` for an unknown option, a value outside its type, a name that does not
   *   fit into a certificate, or `partial-wildcard` without a host name to cut
   */
  async issue(options: LeafOptions = {}): Promise<IssuedCertificate> {
    refuseUnknown(options, ['name', 'names', 'kind', 'key', 'flaw']);
    const now = new Date();
    const plan = planLeaf(options, now);
    const { publicKey, privateKey } = await newKeyPair(plan.key);
    const issuer = await this.#issuerFor(plan, { commonName: plan.commonName, publicKey, privateKey });
    const serial = newSerial();
    const cert = writeCertificate(this.#asn1, { ...plan, serial, publicKey }, issuer);
    if (plan.revoked) this.#revoked.push({ serial, revokedAt: now });
    return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
  }

  /**
   * Writes the revocation list of this moment, with every certificate issued so far with the flaw `revoked`.
   *
   * @returns PEM, valid for 30 days; a later call gives a list with a higher number
   * @see RFC 5280 §5
   */
  crl(): string {
    const thisUpdate = new Date();
    const nextUpdate = new Date(thisUpdate.getTime() + LEAF_LIFE_MS);
    this.#crlNumber += 1;
    const content = { number: this.#crlNumber, thisUpdate, nextUpdate, revoked: this.#revoked };
    return writeCrl(this.#asn1, content, this.#root);
  }

  async #issuerFor({ signer }: LeafPlan, itself: Issuer): Promise<Issuer> {
    if (signer === 'root') return this.#root;
    if (signer === 'itself') return itself;
    this.#stranger ??= newIssuer(STRANGER_NAME);
    return this.#stranger;
  }
}

/** Older than any expired leaf: a verifier that wants nested lifetimes finds the flaw of the leaf and no other. */
function rootCertificate(asn1: Asn1, root: Issuer): string {
  const start = Date.now() - LEAF_LIFE_MS - 2 * DAY_MS;
  const content = {
    serial: newSerial(),
    commonName: root.commonName,
    publicKey: root.publicKey,
    notBefore: new Date(start),
    notAfter: new Date(start + ROOT_LIFE_MS),
    kind: 'authority' as const,
    altNames: [],
  };
  return writeCertificate(asn1, content, root);
}

async function newIssuer(commonName: string): Promise<Issuer> {
  return { commonName, ...(await newKeyPair('ec')) };
}

const makeKeyPair = promisify(generateKeyPair);

function newKeyPair(key: LeafPlan['key']): Promise<{ publicKey: KeyObject; privateKey: KeyObject }> {
  if (key === 'ec') return makeKeyPair('ec', { namedCurve: 'P-256' });
  return makeKeyPair('rsa', { modulusLength: key === 'rsa' ? 2048 : 1024 });
}

/** RFC 5280 §4.1.2.2: positive. The second bit is set so that DER drops no leading octet. */
function newSerial(): Uint8Array {
  const serial = randomBytes(SERIAL_OCTETS);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}

function refuseUnknown(options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw new OptionError('options', 'must be an object');
  const unknown = Object.keys(options).find((option) => !known.includes(option));
  if (unknown !== undefined) throw new OptionError(unknown, `is unknown; there are ${known.join(', ')}`);
}
