import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { CredentialInvalidError, causeCode, KeyMismatchError } from './errors.js';
import type { PemText } from './source.js';

/** A certificate with its key, checked to belong together. */
export interface Identity {
  /** The leaf, then its intermediates in the order of the file, as PEM. */
  readonly certificate: string;
  readonly privateKey: string;
  readonly leaf: X509Certificate;
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;

/**
 * Reads a certificate file, and the key from its own source or from the same file.
 *
 * @param key - `null`: the certificate's file holds the key too (Exim: tls_privatekey unset)
 * @throws {CredentialInvalidError} where a block does not parse or is missing; it names the block
 * @throws {KeyMismatchError} where the key is another's
 */
export function readIdentity(certificate: PemText, key: PemText | null): Identity {
  const chain = blocksOf(certificate, (label) => label === 'CERTIFICATE' || label === 'TRUSTED CERTIFICATE');
  const certificates = chain.map((pem, index) => parseCertificate(certificate, pem, index + 1));
  const [leaf] = certificates;
  if (leaf === undefined) throw invalid(certificate, 'holds no CERTIFICATE block');
  const keySource = key ?? certificate;
  const [keyPem] = blocksOf(keySource, (label) => label.endsWith('PRIVATE KEY'));
  if (keyPem === undefined) {
    const hint = key === null ? '; set tls.privateKey, or append the key to this file' : '';
    throw invalid(keySource, `holds no PRIVATE KEY block${hint}`);
  }
  if (!leaf.checkPrivateKey(parseKey(keySource, keyPem))) {
    throw new KeyMismatchError(keySource.option, keySource.source, `is not the key of ${certificate.source}`);
  }
  return { certificate: `${chain.join('\n')}\n`, privateKey: keyPem, leaf };
}

/** Every certificate of a PEM text, each parsed once so that a bad one is named. */
export function readCertificates(source: PemText): readonly string[] {
  const blocks = blocksOf(source, (label) => label === 'CERTIFICATE' || label === 'TRUSTED CERTIFICATE');
  if (blocks.length === 0) throw invalid(source, 'holds no CERTIFICATE block');
  blocks.forEach((pem, index) => {
    parseCertificate(source, pem, index + 1);
  });
  return blocks;
}

function blocksOf(source: PemText, wanted: (label: string) => boolean): string[] {
  return [...source.text.matchAll(BLOCK)].filter((match) => wanted(match[1] ?? '')).map((match) => match[0]);
}

function parseCertificate(source: PemText, pem: string, block: number): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw invalid(source, `CERTIFICATE block ${block} does not parse (${causeCode(cause)})`);
  }
}

function parseKey(source: PemText, pem: string): KeyObject {
  if (pem.includes('ENCRYPTED')) throw invalid(source, 'holds an encrypted private key; decrypt it first');
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw invalid(source, `PRIVATE KEY block does not parse (${causeCode(cause)})`); // the cause is left out: no key material
  }
}

function invalid(source: PemText, problem: string): CredentialInvalidError {
  return new CredentialInvalidError(source.option, source.source, problem);
}
