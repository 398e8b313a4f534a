import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { crlNextUpdate, dhPrimeBits } from './der.js';
import {
  CredentialInvalidError,
  causeCode,
  KeyFileExposedError,
  KeyMismatchError,
  KeyTooSmallError,
} from './errors.js';
import type { PemText } from './source.js';

/** A certificate with its key, checked to belong together. */
export interface Identity {
  readonly option: string;
  readonly source: string;
  /** The leaf, then its intermediates in the order of the file, as PEM. */
  readonly certificate: string;
  readonly privateKey: string;
  readonly leaf: X509Certificate;
  readonly chain: readonly X509Certificate[];
}

/** A private key, with where it came from. */
interface FoundKey {
  readonly source: PemText;
  readonly key: KeyObject;
  readonly pem: string;
}

export interface KeyRules {
  readonly passphrase: string | null;
  /** A file that others can read is an error and not a warning. */
  readonly strictFiles: boolean;
  readonly warn: (message: string) => void;
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;

/** NIST SP 800-57: 112 bits of security. OpenSSL's level 2, the default from Node 24 on, refuses less. */
const LEAST_RSA_BITS = 2_048;
const LEAST_DH_BITS = 2_048;

/**
 * Reads certificate files, and the keys from their own sources or from the same files, and pairs them by public key.
 *
 * @param keys - empty: the certificates' files hold the keys too (Exim: tls_privatekey unset)
 * @throws {CredentialInvalidError} where a block does not parse or is missing, or two identities are of one key type
 * @throws {KeyMismatchError} where a certificate's key is not among the keys
 */
export function readIdentities(
  certificates: readonly PemText[],
  keys: readonly PemText[],
  rules: KeyRules,
): readonly Identity[] {
  const chains = certificates.map((source) => ({ source, ...readChain(source, rules.warn) }));
  const keySources = keys.length > 0 ? keys : certificates;
  const found = keySources.flatMap((source) => readKeys(source, rules));
  if (found.length === 0) {
    const [first] = keySources;
    if (first === undefined) return [];
    const hint = keys.length === 0 ? '; set tls.privateKey, or append the key to this file' : '';
    throw invalid(first, `holds no PRIVATE KEY block${hint}`);
  }
  const identities = chains.map((one) => paired(one, found));
  assertOneOfEachType(identities);
  return identities;
}

/** Every certificate of a PEM text, each parsed once so that a bad one is named. */
export function readCertificates(source: PemText): readonly X509Certificate[] {
  const blocks = blocksOf(source, isCertificate);
  if (blocks.length === 0) throw noCertificate(source);
  return blocks.map((pem, index) => parseCertificate(source, pem, index + 1));
}

/**
 * Every revocation list of a PEM text.
 * @param assertParses - throws where OpenSSL cannot read a list
 */
export function readCrls(
  source: PemText,
  assertParses: (pem: string) => void,
  warn: (message: string) => void,
): readonly string[] {
  const blocks = blocksOf(source, (label) => label === 'X509 CRL');
  if (blocks.length === 0) throw invalid(source, 'holds no X509 CRL block');
  blocks.forEach((pem, index) => {
    let nextUpdate: Date | null;
    try {
      assertParses(pem);
      nextUpdate = crlNextUpdate(derOf(pem));
    } catch (cause) {
      throw invalid(source, `X509 CRL block ${index + 1} does not parse (${causeCode(cause)})`);
    }
    if (nextUpdate === null || nextUpdate.getTime() > Date.now()) return;
    warn(
      `${source.option}: ${source.source}: X509 CRL block ${index + 1} was due for replacement on ` +
        `${nextUpdate.toISOString()}; until then nobody of its issuer is verified`,
    );
  });
  return blocks;
}

/** @throws {CredentialInvalidError}, {@link KeyTooSmallError} for a prime of less than 2048 bits (RFC 9325 §4.1) */
export function readDhParameters(source: PemText): string {
  const [pem] = blocksOf(source, (label) => label === 'DH PARAMETERS');
  if (pem === undefined) throw invalid(source, 'holds no DH PARAMETERS block');
  let bits: number;
  try {
    bits = dhPrimeBits(derOf(pem));
  } catch {
    throw invalid(source, 'DH PARAMETERS block does not parse');
  }
  if (bits >= LEAST_DH_BITS) return pem;
  throw new KeyTooSmallError(source.option, source.source, `has ${bits} bits; ${LEAST_DH_BITS} at least`);
}

function readChain(
  source: PemText,
  warn: (message: string) => void,
): { readonly pems: readonly string[]; readonly chain: readonly X509Certificate[]; readonly leaf: X509Certificate } {
  const pems = blocksOf(source, isCertificate);
  const chain = pems.map((pem, index) => parseCertificate(source, pem, index + 1));
  const [leaf] = chain;
  if (leaf === undefined) throw noCertificate(source);
  chain.forEach((certificate, index) => {
    const next = chain[index + 1];
    if (next === undefined || certificate.checkIssued(next)) return;
    warn(
      `${source.option}: ${source.source}: CERTIFICATE block ${index + 2} did not issue block ${index + 1}; ` +
        'the chain is out of order or incomplete',
    );
  });
  const { asymmetricKeyType, asymmetricKeyDetails } = leaf.publicKey;
  const bits = asymmetricKeyDetails?.modulusLength;
  if (asymmetricKeyType === 'rsa' && bits !== undefined && bits < LEAST_RSA_BITS) {
    warn(`${source.option}: ${source.source}: the RSA key has ${bits} bits; give it ${LEAST_RSA_BITS} at least`);
  }
  return { pems, chain, leaf };
}

function paired(
  { source, pems, chain, leaf }: { readonly source: PemText } & ReturnType<typeof readChain>,
  keys: readonly FoundKey[],
): Identity {
  const match = keys.find(({ key }) => leaf.checkPrivateKey(key));
  if (match !== undefined) {
    const { option, source: name } = source;
    const { pem } = match;
    return { option, source: name, certificate: `${pems.join('\n')}\n`, privateKey: pem, leaf, chain };
  }
  const [first] = keys;
  const other = chain.findIndex((certificate) => keys.some(({ key }) => certificate.checkPrivateKey(key)));
  const hint = other > 0 ? `; it is that of CERTIFICATE block ${other + 1}, which has to come first` : '';
  const { option, source: name } = first?.source ?? source;
  throw new KeyMismatchError(option, name, `is not the key of ${source.source}${hint}`);
}

/** OpenSSL keeps one certificate of each key type and drops the others without a word. */
function assertOneOfEachType(identities: readonly Identity[]): void {
  const types = new Set<string>();
  for (const { option, source, leaf } of identities) {
    const type = leaf.publicKey.asymmetricKeyType ?? 'unknown';
    if (types.has(type)) {
      throw new CredentialInvalidError(
        option,
        source,
        `is a second ${type} certificate; a list holds one of each type`,
      );
    }
    types.add(type);
  }
}

function readKeys(source: PemText, { passphrase, strictFiles, warn }: KeyRules): readonly FoundKey[] {
  const blocks = blocksOf(source, (label) => label.endsWith('PRIVATE KEY'));
  const exposed = blocks.length > 0 ? exposure(source) : null;
  if (exposed !== null && strictFiles) throw new KeyFileExposedError(source.option, source.source, exposed);
  if (exposed !== null) warn(`${source.option}: ${source.source}: ${exposed}`);
  return blocks.map((pem) => {
    const encrypted = pem.includes('ENCRYPTED');
    const key = parseKey(source, pem, encrypted ? passphrase : null, encrypted);
    return { source, key, pem: encrypted ? key.export({ type: 'pkcs8', format: 'pem' }).toString().trimEnd() : pem };
  });
}

/** Who but the owner may read the key. Access lists and the rights of the folders above are not looked at. */
function exposure({ file }: PemText): string | null {
  if (file === null || process.getuid === undefined) return null;
  const rights = (file.mode & 0o777).toString(8).padStart(3, '0');
  if ((file.mode & 0o077) !== 0) return `holds a private key and others than its owner may use it (mode ${rights})`;
  if (file.owner !== 0 && file.owner !== process.getuid()) return 'holds a private key and belongs to another user';
  return null;
}

function isCertificate(label: string): boolean {
  return label === 'CERTIFICATE' || label === 'TRUSTED CERTIFICATE';
}

function blocksOf(source: PemText, wanted: (label: string) => boolean): string[] {
  return [...source.text.matchAll(BLOCK)].filter((match) => wanted(match[1] ?? '')).map((match) => match[0]);
}

function derOf(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');
}

function parseCertificate(source: PemText, pem: string, block: number): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw invalid(source, `CERTIFICATE block ${block} does not parse (${causeCode(cause)})`);
  }
}

function parseKey(source: PemText, pem: string, passphrase: string | null, encrypted: boolean): KeyObject {
  if (encrypted && passphrase === null) {
    throw invalid(source, 'holds an encrypted private key, and tls.passphrase is not set');
  }
  try {
    return createPrivateKey(passphrase === null ? pem : { key: pem, passphrase });
  } catch (cause) {
    const problem = encrypted ? 'cannot be decrypted with tls.passphrase' : 'does not parse';
    throw invalid(source, `PRIVATE KEY block ${problem} (${causeCode(cause)})`); // no cause: no key material
  }
}

/** What people give by mistake: the key's file, or a text that was cut. */
function noCertificate(source: PemText): CredentialInvalidError {
  if (source.text.includes('-----BEGIN CERTIFICATE'))
    return invalid(source, 'holds a CERTIFICATE block without an end');
  const keyInstead = source.text.includes('PRIVATE KEY-----') ? ', but a private key' : '';
  return invalid(source, `holds no CERTIFICATE block${keyInstead}`);
}

function invalid(source: PemText, problem: string): CredentialInvalidError {
  return new CredentialInvalidError(source.option, source.source, problem);
}
