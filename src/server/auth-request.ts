import type { PeerCertificate } from '../inspect/peer-certificate.js';
import type { TlsInfo } from '../inspect/tls-info.js';
import type { SaslClaim, SaslMechanism } from '../smtp/sasl.js';

/** What a client claims to be, for `onAuth` to judge. */
export interface AuthRequest {
  readonly method: SaslMechanism;
  /** EXTERNAL: whom the client wants to act for, mostly empty; who it is stands in `certificate`. */
  readonly username: string;
  /**
   * PLAIN and LOGIN; never empty. It is not enumerable, so that neither `console.log`, JSON nor a spread copy of the
   * request takes it along.
   */
  readonly password?: string;
  /** The client's, where it has verified in this handshake; EXTERNAL always has it. */
  readonly certificate?: PeerCertificate;
}

/** @param tls - of the session; a certificate that has not verified says nothing about anybody, and is left out */
export function authRequest({ password, ...claim }: SaslClaim, tls: TlsInfo | null): AuthRequest {
  const certificate = tls?.certificateVerified === true ? tls.peerCertificate : undefined;
  const request: AuthRequest = { ...claim, ...(certificate !== undefined && { certificate }) };
  if (password !== undefined) Object.defineProperty(request, 'password', { value: password });
  return Object.freeze(request);
}
