import type { TlsInfo } from '../inspect/tls-info.js';

/** Whether a client is asked for a certificate, and whether it must show one that verifies. */
export type CertificateRule = 'none' | 'try' | 'verify';

/**
 * Judges a handshake that TLS let through: *verified* is only who showed a certificate, in this very handshake, whose
 * chain verified in it. Node up to 22 calls a client that resumes a session authorized, also where it never had a
 * certificate; so the word of the stack is not enough (docs/guide/policy.md).
 *
 * @param rule - what the client was held to
 * @returns why the connection has to end, as a code; `null`: it may go on, and `certificate` tells what it is worth
 */
export function clientVerdict(
  rule: CertificateRule,
  tls: Pick<TlsInfo, 'certificate' | 'verifyError' | 'resumed'>,
): string | null {
  if (rule !== 'verify') return null;
  if (tls.resumed) return 'SESSION_RESUMED';
  if (tls.certificate === 'none') return 'NO_CERTIFICATE';
  return tls.certificate === 'verified' ? null : (tls.verifyError ?? 'NOT_VERIFIED');
}
