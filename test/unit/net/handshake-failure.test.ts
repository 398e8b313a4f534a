import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { classify, HandshakeFailedError } from '../../../src/net/handshake-failure.js';

describe('handshake failures', () => {
  it('have one word on every version of Node, whatever OpenSSL calls them', () => {
    const codes = {
      ECONNRESET: 'peer-closed',
      ERR_SSL_WRONG_VERSION_NUMBER: 'not-tls',
      ERR_SSL_HTTP_REQUEST: 'not-tls',
      ERR_SSL_UNSUPPORTED_PROTOCOL: 'protocol-version',
      ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'protocol-version',
      ERR_SSL_NO_SHARED_CIPHER: 'no-shared-cipher',
      ERR_SSL_NO_APPLICATION_PROTOCOL: 'no-application-protocol',
      ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'our-certificate-refused',
      ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'peer-certificate',
      'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE': 'peer-alert',
      ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: 'peer-alert',
      ERR_OSSL_SOMETHING_NEW: 'other',
    };
    assert.deepEqual(Object.fromEntries(Object.keys(codes).map((code) => [code, classify(code)])), codes);
  });

  it('carry no text that is not a code', () => {
    const error = new HandshakeFailedError({ code: 'a\r\nb', message: 'secret' });
    assert.deepEqual(
      [error.message, error.nodeCode, error.fault],
      ['TLS handshake: the handshake failed (no code)', 'no code', 'peer'],
    );
  });
});
