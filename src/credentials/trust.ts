import { createSecureContext, type SecureContext } from 'node:tls';
import { readCertificates } from './pem.js';
import { type PemSource, readPem } from './source.js';

/**
 * The context of a client: whom it trusts. Building one costs more than a handshake, so build it once and keep it.
 *
 * The listed certificates are all that is trusted; the system's are not added. Each is trusted itself, also where it is a
 * leaf or an intermediate ("expected certificates").
 *
 * @param source - Exim tls_verify_certificates; `null`: nobody is trusted, and nobody's identity will be verified
 * @throws {CredentialError} that names option, file and block
 */
export async function trustContext(option: string, source: PemSource | null): Promise<SecureContext> {
  const ca = source === null ? [] : [...readCertificates(await readPem(option, source))];
  return createSecureContext({ minVersion: 'TLSv1.2', ca, ...PARTIAL_CHAIN });
}

/** Not among the types of Node 20, which has it from 20.18 on. */
const PARTIAL_CHAIN: object = { allowPartialTrustChain: true };
