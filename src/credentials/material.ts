import { createHash, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { cipherListOf, namedSuites, weaknessesOf } from './cipher-list.js';
import { ExpansionFailedError } from './errors.js';
import { type CredentialSettings, EXPANDABLE, type ExpandableName, problemOf } from './options.js';
import { type Identity, readCertificates, readCrls, readDhParameters, readIdentities } from './pem.js';
import { Credentials, factsOf } from './resolved.js';
import { type PemText, type Reading, readCollection, readPem } from './source.js';
import type { WatchedFile } from './watched-file.js';

/** The value of an option for one connection. */
interface Value {
  readonly value: unknown;
  readonly byPeer: boolean;
}

/** The values of all options for one connection; what is unset is absent. */
export type Values = Partial<Readonly<Record<ExpandableName, Value>>>;

/** What loading found beside the credentials. */
export interface Findings {
  /** Each file that was looked at, also in vain. */
  readonly files: WatchedFile[];
  readonly warnings: string[];
}

/** Not among the types of Node 20, which has it from 20.18 on. */
const PARTIAL_CHAIN: object = { allowPartialTrustChain: true };

/**
 * A text that is the same for the same values and no others.
 * @param fixed - what is the same for all that are compared; it may be long, and is not looked at
 */
export function keyOf(values: Values, fixed: Values = {}): string {
  let key = '';
  for (const name of EXPANDABLE) {
    const one = values[name];
    if (one === undefined) key += '-';
    else if (one === fixed[name]) key += '=';
    else key += (one.byPeer ? '!' : '') + keyPart(one.value);
  }
  return key;
}

/**
 * Reads and checks all that the values name.
 *
 * @param findings - filled also where it throws: what was looked at by then
 * @throws {CredentialError} that names option, file and block
 */
export async function loadMaterial(
  values: Values,
  settings: CredentialSettings,
  findings: Findings,
): Promise<Credentials> {
  const warn = (message: string): void => void findings.warnings.push(message);
  const dueAt = performance.now() + settings.expansionTimeoutMs;
  const reading = (name: ExpandableName): Reading => {
    const byPeer = values[name]?.byPeer ?? false;
    return { option: `tls.${name}`, byPeer, root: settings.root, dueAt, files: findings.files };
  };
  const identities = await loadIdentities(values, settings, reading, warn);
  const ca = await loadTrust(values, reading, warn);
  const crl = await loadCrls(values, reading, warn);
  const dhparam = await loadDhParameters(values, reading);
  for (const identity of identities) warnOfIssuer(identity, ca, warn);
  const tls: SecureContextOptions = {
    ...identityOptions(identities),
    ...trustOptions(ca),
    ...(crl.length > 0 && { crl: [...crl] }),
    ...(dhparam !== null && { dhparam }),
    ...cipherOptions(values),
  };
  for (const weakness of weaknessesOf(tls.ciphers ?? '')) warn(`tls.requireCiphers lets in ${weakness}`);
  const facts = identities.map(({ option, source, leaf }) => factsOf(option, source, leaf));
  return new Credentials(
    createHash('sha256').update(JSON.stringify(tls)).digest('base64url'),
    tls,
    facts,
    findings.warnings,
  );
}

type ReadingOf = (name: ExpandableName) => Reading;

async function loadIdentities(
  { certificate, privateKey }: Values,
  { passphrase, strictKeyFiles }: CredentialSettings,
  reading: ReadingOf,
  warn: (message: string) => void,
): Promise<readonly Identity[]> {
  if (certificate === undefined) return [];
  const certificates = await readAll(reading('certificate'), certificate.value); // one by one: the first bad one is named
  const keys = privateKey === undefined ? [] : await readAll(reading('privateKey'), privateKey.value);
  return readIdentities(certificates, keys, { passphrase, strictFiles: strictKeyFiles, warn });
}

/** Allowed, for who lists nobody trusts nobody; but a file that was meant to hold something is as empty. */
const EMPTY_COLLECTION =
  'tls.verifyCertificates: the file is empty, so that nobody verifies: whom tls.verifyHosts names is never let in';

/** @returns `null`: nobody was named; `'system'`; or those that are trusted, each itself */
async function loadTrust(
  { verifyCertificates }: Values,
  reading: ReadingOf,
  warn: (message: string) => void,
): Promise<readonly string[] | 'system' | null> {
  if (verifyCertificates === undefined) return null;
  if (verifyCertificates.value === 'system') return 'system';
  const sources = await readCollection(reading('verifyCertificates'), verifyCertificates.value, 'certificates');
  const all = sources.flatMap((source) => readCertificates(source));
  if (all.length === 0) warn(EMPTY_COLLECTION);
  return [...new Set(all.map((certificate) => certificate.toString()))];
}

async function loadCrls(
  { crl }: Values,
  reading: ReadingOf,
  warn: (message: string) => void,
): Promise<readonly string[]> {
  if (crl === undefined) return [];
  const sources = await readCollection(reading('crl'), crl.value, 'crls');
  const assertParses = (pem: string): void => void createSecureContext({ ca: [], crl: pem });
  return sources.flatMap((source) => readCrls(source, assertParses, warn));
}

async function loadDhParameters({ dhparam }: Values, reading: ReadingOf): Promise<string | null> {
  if (dhparam === undefined || dhparam.value === 'auto') return dhparam === undefined ? null : 'auto';
  return readDhParameters(await readPem(reading('dhparam'), dhparam.value));
}

async function readAll(reading: Reading, value: unknown): Promise<readonly PemText[]> {
  const all: PemText[] = [];
  for (const one of Array.isArray(value) ? value : [value]) all.push(await readPem(reading, one));
  return all;
}

function identityOptions(identities: readonly Identity[]): SecureContextOptions {
  const [only] = identities;
  if (only === undefined) return {};
  if (identities.length === 1) return { cert: only.certificate, key: only.privateKey };
  return { cert: identities.map((one) => one.certificate), key: identities.map((one) => one.privateKey) };
}

/** The system's store is shared by all contexts of the process; to change a flag of it would copy it, for 20 ms. */
function trustOptions(ca: readonly string[] | 'system' | null): SecureContextOptions {
  return ca === 'system' ? {} : { ca: [...(ca ?? [])], ...PARTIAL_CHAIN };
}

/** @throws {OptionError} as `cipherListOf` */
function cipherOptions({ requireCiphers }: Values): SecureContextOptions {
  if (typeof requireCiphers?.value !== 'string') return {};
  const ciphers = cipherListOf(requireCiphers.value);
  return { ciphers, ...(namedSuites(ciphers).tls13?.size === 0 && { maxVersion: 'TLSv1.2' }) };
}

function warnOfIssuer(
  { option, source, leaf, chain }: Identity,
  ca: readonly string[] | 'system' | null,
  warn: (message: string) => void,
): void {
  // OpenSSL completes a chain of one from the trusted certificates, and would send them along.
  if (chain.length === 1 && Array.isArray(ca) && ca.some((pem) => leaf.checkIssued(new X509Certificate(pem)))) {
    warn(
      `${option}: ${source}: its issuer is in tls.verifyCertificates and will be sent with it to clients that are verified`,
    );
  }
}

/** @throws {ExpansionFailedError} where a callback answered with something that the option cannot be */
export function assertFits(name: ExpandableName, value: unknown): void {
  const problem = problemOf(name, value);
  if (problem !== null) throw new ExpansionFailedError(`tls.${name}`, new TypeError(`the answer ${problem}`));
}

function keyPart(value: unknown): string {
  if (typeof value === 'string') return `${value.length}:${value}`;
  if (Buffer.isBuffer(value)) return `${value.length}b${value.toString('latin1')}`;
  return Array.isArray(value) ? `[${value.length}]${value.map(keyPart).join('')}` : '?';
}
