import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bitsOf, eximCipher } from '../../../src/inspect/cipher.js';

describe('cipher', () => {
  it('knows the strength of a suite by either of its names', () => {
    const suites = [
      'TLS_AES_256_GCM_SHA384',
      'TLS_AES_128_GCM_SHA256',
      'ECDHE-RSA-AES128-GCM-SHA256',
      'TLS_CHACHA20_POLY1305_SHA256',
      'ECDHE-ECDSA-CHACHA20-POLY1305',
      'DES-CBC3-SHA',
      'NULL-SHA',
      'x',
    ];
    assert.deepEqual(suites.map(bitsOf), [256, 128, 128, 256, 256, 168, 0, 0]);
  });

  it('writes Exim’s $tls_cipher', () => {
    assert.equal(eximCipher('TLSv1.3', 'TLS_AES_256_GCM_SHA384'), 'TLSv1.3:TLS_AES_256_GCM_SHA384:256');
  });
});
