import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { serverTlsSettings } from '../../../src/net/server-tls-options.js';

describe('serverTlsSettings', () => {
  it('has the defaults of SPEC §5', () => {
    const { ciphers, credentials, ...rest } = serverTlsSettings(undefined);
    assert.deepEqual(rest, {
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
      alpn: ['smtp', 'esmtp'],
      onConnectPorts: [],
      handshakeTimeoutMs: 30_000,
      whenUnavailable: 'lockout',
    });
    assert.deepEqual(credentials, {});
    assert.match(
      ciphers,
      /^TLS_AES_256_GCM_SHA384:.*ECDHE\+AESGCM:ECDHE\+CHACHA20:DHE\+AESGCM:DHE\+CHACHA20:ECDHE\+AES$/,
    );
  });

  it('refuses what cannot be meant, with the name that is', () => {
    const bad: [object, RegExp][] = [
      [{ key: 'x' }, /tls\.key is unknown; tls\.privateKey is meant/],
      [{ cert: 'x' }, /tls\.cert is unknown; tls\.certificate is meant/],
      [{ rejectUnauthorized: true }, /tls\.rejectUnauthorized is unknown; tls\.verifyHosts is meant/],
      [{ certificate: 5 }, /tls\.certificate must be an absolute path, PEM text or a Buffer/],
      [{ privateKey: 'x' }, /tls\.privateKey is set without tls\.certificate/],
      [{ minVersion: 'TLSv1' }, /tls\.minVersion must be one of TLSv1\.2, TLSv1\.3/],
      [{ minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' }, /tls\.minVersion is above tls\.maxVersion/],
      [{ handshakeTimeoutMs: 0 }, /tls\.handshakeTimeoutMs must be a whole number/],
      [{ whenUnavailable: 'x' }, /tls\.whenUnavailable must be one of lockout, continue/],
    ];
    for (const [options, words] of bad) assert.throws(() => serverTlsSettings(options), words);
  });
});
