import { createSecureContext, type SecureContext } from 'node:tls';
import { OptionError } from '../errors.js';
import type { ResolvedCredentials } from './resolved.js';

const contexts = new WeakMap<ResolvedCredentials, SecureContext>();

/**
 * The context of a client, or of a hand-made server: built once for the same credentials, and kept as long as they are.
 * Building one takes as long as a handshake, and twenty times that with a bundle of roots.
 *
 * @throws {OptionError} for what no store gave; Node's or OpenSSL's own error
 */
export function secureContextOf(credentials: ResolvedCredentials): SecureContext {
  if (typeof credentials?.tls !== 'object') {
    throw new OptionError(
      'credentials',
      'must be what CredentialStore.resolve() gives; it gives null where nothing is set',
    );
  }
  const kept = contexts.get(credentials);
  if (kept !== undefined) return kept;
  const context = createSecureContext({ minVersion: 'TLSv1.2', ...credentials.tls });
  contexts.set(credentials, context);
  return context;
}

let trustingNobody: SecureContext | null = null;

/** The context of a client that has nothing configured: encrypted, and nobody's identity is proven. */
export function emptyContext(): SecureContext {
  trustingNobody ??= createSecureContext({ minVersion: 'TLSv1.2', ca: [] });
  return trustingNobody;
}
