import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { OptionError } from '../errors.js';
import { hostName } from './host-name.js';

/**
 * Whether a certificate is made out to a host. By SAN alone, never by CN; a wildcard is the whole first label and stands
 * for exactly one (RFC 9525 §6.3, RFC 8461 §4.1, RFC 7672 §3.2.3): the defaults of OpenSSL and Node are wider.
 *
 * @param host - a host name (against SAN dNSName; a dot at its end does not count) or an address (against SAN iPAddress).
 *   A text that is neither is nobody's name: to OpenSSL `.x.test` would be every host below it
 * @throws {OptionError} `ERR_TLS_SMTP_OPTION` for what is no certificate, and where the host is no text
 * @returns `null` where the certificate names the host, else the code that says it does not
 */
export function checkIdentity(certificate: X509Certificate, host: string): string | null {
  if (typeof certificate?.checkHost !== 'function') throw new OptionError('certificate', 'must be an X509Certificate');
  if (typeof host !== 'string') throw new OptionError('host', 'must be a host name or an address');
  return names(certificate, host) ? null : 'ERR_TLS_CERT_ALTNAME_INVALID';
}

function names(certificate: X509Certificate, host: string): boolean {
  if (isIP(host) !== 0) return certificate.checkIP(host) !== undefined;
  const name = hostName(host);
  return name !== null && certificate.checkHost(name, { subject: 'never', partialWildcards: false }) !== undefined;
}
