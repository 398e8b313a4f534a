import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import { loadAsn1 } from '../../src/testing/asn1.js';
import type { IssuedCertificate } from '../../src/testing/authority.js';
import { type CertificateContent, writeCertificate } from '../../src/testing/x509-writer.js';
import { largeRsaKey } from './large-rsa-key.js';

const HOUR_MS = 3_600_000;

/** A client certificate of an authority that nobody knows, with a key of one's own. */
export async function strangerWith(privateKey: KeyObject): Promise<IssuedCertificate> {
  const { privateKey: signer } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const asn1 = await loadAsn1();
  const issuer = { commonName: 'nobody', publicKey: createPublicKey(signer), privateKey: signer };
  const cert = writeCertificate(asn1, content('client', 'stranger', createPublicKey(privateKey)), issuer);
  return { cert, key: pem(privateKey) };
}

/**
 * A leaf and authorities, each the issuer of the one before; the last one's issuer is missing.
 *
 * @param namedCurve - of the authorities' keys; the leaf's is one that TLS takes
 */
export async function longChain(length: number, namedCurve = 'P-256'): Promise<IssuedCertificate> {
  const asn1 = await loadAsn1();
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const authority = generateKeyPairSync('ec', { namedCurve });
  const chain = Array.from({ length }, (_, at) => {
    const said =
      at === 0 ? content('client', 'leaf', own.publicKey) : content('authority', nameOf(at), authority.publicKey);
    return writeCertificate(asn1, said, { commonName: nameOf(at + 1), ...authority });
  });
  return { cert: chain.join(''), key: pem(own.privateKey) };
}

/**
 * The same with authorities whose keys are large. They are one certificate under other names, for to sign takes long:
 * their signatures are wrong, which a verifier finds out only when it has computed each, as it would right ones.
 */
export async function forgedChain(length: number, signer: KeyObject): Promise<IssuedCertificate> {
  const asn1 = await loadAsn1();
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKey = createPublicKey(signer);
  const issuer = (commonName: string) => ({ commonName, publicKey, privateKey: signer });
  const leaf = writeCertificate(asn1, content('client', nameOf(0), createPublicKey(privateKey)), issuer(nameOf(1)));
  const one = writeCertificate(asn1, content('authority', 'SUBJECT', publicKey), issuer('NEXTONE'));
  const octets = Buffer.from(one.replace(/-----.*-----|\s/g, ''), 'base64').toString('latin1');
  const authorities = Array.from({ length: length - 1 }, (_, at) => {
    const named = octets.replace('SUBJECT', nameOf(at + 1)).replace('NEXTONE', nameOf(at + 2));
    return new X509Certificate(Buffer.from(named, 'latin1')).toString();
  });
  return { cert: [leaf, ...authorities].join(''), key: pem(privateKey) };
}

/** RSA of 16,384 bits: OpenSSL verifies with no larger one. */
export function largestRsaKey(): KeyObject {
  return largeRsaKey(16_384);
}

/** Always of seven letters. */
function nameOf(index: number): string {
  return `ca ${String(index).padStart(4, '0')}`;
}

function content(kind: CertificateContent['kind'], commonName: string, publicKey: KeyObject): CertificateContent {
  const now = Date.now();
  return {
    serial: Uint8Array.of(0x41, ...randomBytes(8)),
    commonName,
    publicKey,
    notBefore: new Date(now - HOUR_MS),
    notAfter: new Date(now + 24 * HOUR_MS),
    kind,
    altNames: [],
  };
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
