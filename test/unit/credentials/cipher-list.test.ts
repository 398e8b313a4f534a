import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { meansTls12Only } from '../../../src/credentials/cipher-list.js';

describe('meansTls12Only, SPEC §5', () => {
  it('holds of lists that name suites of TLS 1.2 one by one', () => {
    for (const list of [
      'ECDHE-RSA-AES128-GCM-SHA256',
      'ECDHE-ECDSA-AES256-GCM-SHA384:ecdhe-rsa-aes128-gcm-sha256',
      'ECDHE-RSA-AES128-GCM-SHA256:!aNULL',
      'ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=1',
    ]) {
      assert.equal(meansTls12Only(list), true, list);
    }
  });

  it('holds of no list with keywords, with a suite of TLS 1.3, or with nothing', () => {
    for (const list of [
      'HIGH:!aNULL',
      'ECDHE+AESGCM',
      'ECDHE-RSA-AES128-GCM-SHA256:HIGH',
      'TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-GCM-SHA256',
      'DEFAULT',
      '!aNULL',
      '',
    ]) {
      assert.equal(meansTls12Only(list), false, list);
    }
  });
});
