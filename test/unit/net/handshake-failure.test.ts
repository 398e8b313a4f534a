import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import {
  classify,
  HandshakeFailedError,
  type HandshakeFailure,
  HandshakeTimeoutError,
} from '../../../src/net/handshake-failure.js';

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

describe('classify: one word on Node 20 to 26', () => {
  const words: Readonly<Record<HandshakeFailure, readonly string[]>> = {
    'not-tls': [
      'ERR_SSL_WRONG_VERSION_NUMBER',
      'ERR_SSL_HTTP_REQUEST',
      'ERR_SSL_HTTPS_PROXY_REQUEST',
      'ERR_SSL_PACKET_LENGTH_TOO_LONG',
      'ERR_SSL_RECORD_TOO_SMALL',
      'ERR_SSL_UNEXPECTED_MESSAGE',
      'ERR_SSL_BAD_RECORD_TYPE',
      'ERR_SSL_LENGTH_MISMATCH',
      'ERR_SSL_DATA_LENGTH_TOO_LONG',
    ],
    'protocol-version': [
      'ERR_SSL_UNSUPPORTED_PROTOCOL',
      'ERR_SSL_VERSION_TOO_LOW',
      'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
      'ERR_SSL_SSL/TLS_ALERT_PROTOCOL_VERSION',
    ],
    'no-shared-cipher': [
      'ERR_SSL_NO_SHARED_CIPHER',
      'ERR_SSL_NO_CIPHERS_AVAILABLE',
      'CIPHER_NOT_ALLOWED',
      'ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM',
      'ERR_SSL_NO_SUITABLE_KEY_SHARE',
      'ERR_SSL_NO_SHARED_GROUP',
    ],
    'no-application-protocol': [
      'ERR_SSL_NO_APPLICATION_PROTOCOL',
      'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
      'ERR_SSL_SSL/TLS_ALERT_NO_APPLICATION_PROTOCOL',
    ],
    'peer-certificate': [
      'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE',
      'ERR_SSL_CERTIFICATE_VERIFY_FAILED',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'CERT_HAS_EXPIRED',
    ],
    'our-certificate-refused': [
      'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
      'ERR_SSL_SSL/TLS_ALERT_UNKNOWN_CA',
      'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE',
      'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE',
      'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED',
      'ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN',
      'ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE',
      'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    ],
    'peer-closed': ['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ERR_STREAM_PREMATURE_CLOSE'],
    'peer-alert': [
      'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
      'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE',
      'ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR',
      'ERR_SSL_TLSV1_ALERT_INSUFFICIENT_SECURITY',
      'ERR_SSL_SSLV3_ALERT_ILLEGAL_PARAMETER',
      'ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR',
    ],
    other: ['no code', '', 'ERR_SSL_INTERNAL_ERROR'],
  };

  for (const [word, codes] of Object.entries(words)) {
    it(word, () => {
      assert.deepEqual(
        codes.map((code) => [code, classify(code)]),
        codes.map((code) => [code, word]),
      );
    });
  }

  it('an alert is TLS: one about a message that the peer could not read is no `not-tls`', () => {
    const alerts = [
      'ERR_SSL_TLSV1_ALERT_DECODE_ERROR',
      'ERR_SSL_SSL/TLS_ALERT_DECODE_ERROR',
      'ERR_SSL_SSLV3_ALERT_UNEXPECTED_MESSAGE',
      'ERR_SSL_SSL/TLS_ALERT_UNEXPECTED_MESSAGE',
    ];
    assert.deepEqual(
      alerts.map((code) => [code, classify(code)]),
      alerts.map((code) => [code, 'peer-alert']),
    );
  });

  it('a connection that timed out below TLS is the network’s doing and may succeed later', () => {
    const error = new HandshakeFailedError({ code: 'ETIMEDOUT' });
    assert.deepEqual([error.fault, error.temporary], ['network', true]);
  });
});

describe('HandshakeFailedError, SPEC §8', () => {
  it('says why in words, keeps Node’s code for logs, and blames the peer', () => {
    const { message, reason, nodeCode, fault, temporary, phase, code } = new HandshakeFailedError({
      code: 'ERR_SSL_NO_SHARED_CIPHER',
    });
    assert.deepEqual(
      { message, reason, nodeCode, fault, temporary, phase, code },
      {
        message: 'TLS handshake: no cipher suite that both sides allow (ERR_SSL_NO_SHARED_CIPHER)',
        reason: 'no-shared-cipher',
        nodeCode: 'ERR_SSL_NO_SHARED_CIPHER',
        fault: 'peer',
        temporary: false,
        phase: 'handshake',
        code: 'ERR_TLS_SMTP_HANDSHAKE_FAILED',
      },
    );
  });

  it('blames the network for a connection that went away, which may succeed later', () => {
    const { fault, temporary, reason } = new HandshakeFailedError({ code: 'ECONNRESET' });
    assert.deepEqual({ fault, temporary, reason }, { fault: 'network', temporary: true, reason: 'peer-closed' });
  });

  it('keeps nothing of its cause but a code, whatever the cause is', () => {
    const secret = 'raw bytes of the peer';
    for (const cause of [
      undefined,
      null,
      secret,
      5,
      new Error(secret),
      { code: 5, message: secret },
      { code: `A ${secret}` },
      { code: 'x'.repeat(1_000), message: secret },
      { code: '', message: secret },
    ]) {
      const error = new HandshakeFailedError(cause);
      assert.equal(error.nodeCode, 'no code');
      assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes(secret));
    }
  });
});

describe('HandshakeTimeoutError, SPEC §8', () => {
  it('says how long the peer had', () => {
    const { message, timeoutMs, fault, temporary, phase, code } = new HandshakeTimeoutError(1_234);
    assert.deepEqual(
      { message, timeoutMs, fault, temporary, phase, code },
      {
        message: 'TLS handshake: not finished within 1234 ms',
        timeoutMs: 1_234,
        fault: 'peer',
        temporary: true,
        phase: 'handshake',
        code: 'ERR_TLS_SMTP_HANDSHAKE_TIMEOUT',
      },
    );
  });
});
