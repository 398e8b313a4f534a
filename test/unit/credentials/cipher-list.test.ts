import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allowsSuite, cipherListOf, namedSuites, weaknessesOf } from '../../../src/credentials/cipher-list.js';

describe('cipherListOf', () => {
  it('has colons between its items, whichever separator of OpenSSL stood there', () => {
    const list = 'TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-GCM-SHA256:!aNULL:@SECLEVEL=1';
    for (const separator of [':', ' ', ',', ';', ' : ', '::']) {
      assert.equal(cipherListOf(list.replaceAll(':', separator)), list, separator);
    }
  });

  it('refuses suites of TLS 1.3 that there are not, and to take one away: OpenSSL would pass over them', () => {
    for (const [list, problem] of [
      ['TLS_AES_128_GCM_SHA265', /^option tls\.requireCiphers names no suite of TLS 1\.3/],
      ['ECDHE-RSA-AES128-GCM-SHA256:TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', /go by their OpenSSL names$/],
      ['HIGH:-TLS_AES_256_GCM_SHA384', /take none away$/],
      ['HIGH:!TLS_AES_256_GCM_SHA384', /take none away$/],
    ] as const) {
      assert.throws(() => cipherListOf(list), { code: 'ERR_TLS_SMTP_OPTION', message: problem }, list);
    }
  });
});

describe('namedSuites, SPEC §5', () => {
  it('names of TLS 1.2 alone leave no suite of TLS 1.3, and the other way round', () => {
    for (const list of [
      'ECDHE-RSA-AES128-GCM-SHA256',
      'ECDHE-ECDSA-AES256-GCM-SHA384:NO-SUCH-SUITE',
      'ECDHE-RSA-AES128-GCM-SHA256;ECDHE-RSA-AES256-GCM-SHA384',
      'ECDHE-RSA-AES128-GCM-SHA256:+ECDHE-RSA-AES256-GCM-SHA384',
      'ECDHE-RSA-AES128-GCM-SHA256:!aNULL',
      'ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=1',
    ]) {
      assert.equal(namedSuites(list).tls13?.size, 0, list);
    }
    assert.deepEqual(namedSuites('TLS_AES_128_GCM_SHA256'), {
      tls12: new Set(),
      tls13: new Set(['TLS_AES_128_GCM_SHA256']),
    });
  });

  it('keywords leave TLS 1.3 alone, but where a suite of it is named', () => {
    for (const list of ['HIGH:!aNULL', 'ECDHE+AESGCM', 'ECDHE-RSA-AES128-GCM-SHA256:HIGH', 'DEFAULT', '!aNULL', '']) {
      assert.deepEqual(namedSuites(list), { tls12: null, tls13: null }, list);
    }
    assert.deepEqual(namedSuites('TLS_AES_128_GCM_SHA256:HIGH'), {
      tls12: null,
      tls13: new Set(['TLS_AES_128_GCM_SHA256']),
    });
  });
});

describe('allowsSuite', () => {
  it('says no to what is not named where names decide, and yes where keywords do', () => {
    const table = [
      'ECDHE-RSA-AES128-GCM-SHA256',
      'TLS_AES_128_GCM_SHA256',
      'TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-GCM-SHA256',
      'TLS_AES_128_GCM_SHA256:HIGH',
      'HIGH',
    ].map((list) => {
      const suites = namedSuites(list);
      return [
        'ECDHE-RSA-AES128-GCM-SHA256',
        'ECDHE-RSA-AES256-GCM-SHA384',
        'TLS_AES_128_GCM_SHA256',
        'TLS_AES_256_GCM_SHA384',
      ].map((suite) => allowsSuite(suites, suite));
    });
    assert.deepEqual(table, [
      [true, false, false, false],
      [false, false, true, false],
      [true, false, true, false],
      [true, true, true, false],
      [true, true, true, true],
    ]);
  });
});

describe('weaknessesOf', () => {
  const found = (list: string): string[] =>
    weaknessesOf(list).map((words) => /do not encrypt|anonymous/.exec(words)?.[0] ?? words);

  it('finds suites without encryption, and those without a certificate, under each of their names', () => {
    for (const list of ['NULL', 'eNULL', 'NULL-SHA256', 'ECDHE-RSA-NULL-SHA', 'HIGH:!aNULL:NULL-SHA', 'kRSA+eNULL']) {
      assert.deepEqual(found(list), ['do not encrypt'], list);
    }
    for (const list of ['aNULL', 'HIGH:ADH', 'AECDH-AES256-SHA', 'ADH-AES256-GCM-SHA384', 'kDHE+aNULL']) {
      assert.deepEqual(found(list), ['anonymous'], list);
    }
    assert.deepEqual(found('aNULL:eNULL'), ['do not encrypt', 'anonymous']);
  });

  it('finds those that a keyword brings along at security level 0', () => {
    assert.deepEqual(found('ALL:@SECLEVEL=0'), ['do not encrypt', 'anonymous']);
    assert.deepEqual(found('ECDHE:!eNULL:@SECLEVEL=0'), ['anonymous']);
    assert.deepEqual(found('HIGH:!aNULL:!eNULL:@SECLEVEL=0'), []);
    assert.deepEqual(found('DEFAULT:@SECLEVEL=0'), []);
    assert.deepEqual(found('ECDHE-RSA-AES128-SHA:@SECLEVEL=0'), []);
  });

  it('finds nothing in lists that OpenSSL keeps clean', () => {
    for (const list of ['', 'ALL', 'HIGH:!aNULL', 'DEFAULT', 'ECDHE+AESGCM:!NULL', 'TLS_AES_128_GCM_SHA256']) {
      assert.deepEqual(found(list), [], list);
    }
  });
});
