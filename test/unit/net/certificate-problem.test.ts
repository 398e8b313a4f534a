import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { certificateProblem } from '../../../src/net/certificate-problem.js';
import { HandshakeFailedError } from '../../../src/net/handshake-failure.js';

describe('certificateProblem', () => {
  it('has words for what is wrong with a certificate, and none for what it does not know', () => {
    assert.equal(certificateProblem('CERT_REVOKED'), 'it is revoked');
    assert.equal(certificateProblem('constructor'), null);
  });

  it('stands in the error of a handshake, behind the class of failure that it always is', () => {
    const error = new HandshakeFailedError({ code: 'UNABLE_TO_GET_CRL', certificate: true });
    assert.deepEqual(
      [error.reason, error.nodeCode, error.message],
      [
        'peer-certificate',
        'UNABLE_TO_GET_CRL',
        "TLS handshake: the peer's certificate was not acceptable: tls.crl has no revocation list of its issuer (UNABLE_TO_GET_CRL)",
      ],
    );
    const strange = new HandshakeFailedError({ code: 'EE_KEY_TOO_SMALL', certificate: true });
    assert.equal(strange.message, "TLS handshake: the peer's certificate was not acceptable (EE_KEY_TOO_SMALL)");
  });
});
