/** OpenSSL's codes for what is wrong with a client's certificate, and ours; others are printed as they are. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ['ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE', 'it showed none'],
  ['NO_CERTIFICATE', 'it showed none'],
  ['SESSION_RESUMED', 'it showed none and resumed a session'],
  ['CERT_HAS_EXPIRED', 'it has expired'],
  ['CERT_NOT_YET_VALID', 'it is not valid yet'],
  ['CERT_REVOKED', 'it is revoked'],
  ['CRL_HAS_EXPIRED', 'the revocation list of its issuer (tls.crl) is out of date'],
  ['CRL_NOT_YET_VALID', 'the revocation list of its issuer (tls.crl) is not valid yet'],
  ['UNABLE_TO_GET_CRL', 'tls.crl has no revocation list of its issuer'],
  ['INVALID_PURPOSE', 'it is not meant for TLS clients'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'it is signed by itself'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'its root is not in tls.verifyCertificates'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'its issuer is not in tls.verifyCertificates'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'its issuer is not in tls.verifyCertificates'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'its issuer is not in tls.verifyCertificates'],
  ['CERT_SIGNATURE_FAILURE', 'its signature is wrong'],
  ['UNSPECIFIED', 'OpenSSL has a reason that Node does not tell, such as a key that is too short'],
  ['CERT_CHAIN_TOO_LONG', 'its chain is too long'],
]);

/** @returns what is wrong, in words that follow "the peer's certificate was not acceptable"; `null`: no words for it */
export function certificateProblem(code: string): string | null {
  return WORDS.get(code) ?? null;
}
