import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { getCiphers } from 'node:tls';
import { bitsOf, eximCipher } from '../../../src/inspect/cipher.js';
import { serverTlsSettings } from '../../../src/net/server-tls-options.js';

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

describe('bitsOf, SPEC §4 (Exim $tls_bits)', () => {
  it('agrees on OpenSSL’s and IANA’s name of the same suite', () => {
    for (const [openssl, iana, bits] of [
      ['ECDHE-RSA-AES256-GCM-SHA384', 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', 256],
      ['ECDHE-ECDSA-AES128-SHA256', 'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256', 128],
      ['DHE-RSA-CHACHA20-POLY1305', 'TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 256],
      ['ECDHE-ARIA256-GCM-SHA384', 'TLS_ECDHE_RSA_WITH_ARIA_256_GCM_SHA384', 256],
      ['CAMELLIA128-SHA', 'TLS_RSA_WITH_CAMELLIA_128_CBC_SHA', 128],
      ['DES-CBC3-SHA', 'TLS_RSA_WITH_3DES_EDE_CBC_SHA', 168],
      ['DES-CBC-SHA', 'TLS_RSA_WITH_DES_CBC_SHA', 56],
      ['RC4-SHA', 'TLS_RSA_WITH_RC4_128_SHA', 128],
      ['ECDHE-RSA-NULL-SHA', 'TLS_ECDHE_RSA_WITH_NULL_SHA', 0],
      ['AES128-CCM8', 'TLS_RSA_WITH_AES_128_CCM_8', 128],
    ] as const) {
      assert.deepEqual([bitsOf(openssl), bitsOf(iana)], [bits, bits], openssl);
    }
  });

  it('knows every suite that this Node can speak', () => {
    const spoken = getCiphers().filter((suite) => !/null|^srp/.test(suite)); // there is no API for SRP
    const unknown = spoken.filter((suite) => bitsOf(suite.toUpperCase()) === 0);
    assert.deepEqual(unknown, []);
  });

  it('says 128 at least for every suite that we name by default', () => {
    const named = serverTlsSettings({})
      .ciphers.split(':')
      .filter((suite) => suite.startsWith('TLS_'));
    assert.ok(named.length === 3 && named.every((suite) => bitsOf(suite) >= 128));
  });
});
