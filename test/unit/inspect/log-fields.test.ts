import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OptionError } from '../../../src/errors.js';
import { type LogSelectors, logFields } from '../../../src/inspect/log-fields.js';

const tls = {
  cipher: 'TLSv1.3:TLS_AES_256_GCM_SHA384:256',
  certificateVerified: true,
  peerDn: '/O=Acme/CN=client one',
  sni: 'mx.test',
  resumed: true,
};
const [X, CV, DN, SNI] = [`X=${tls.cipher}`, 'CV=yes', 'DN="/O=Acme/CN=client one"', 'SNI=mx.test'];

describe('logFields (Exim log_selector)', () => {
  it('shows cipher and verification by default, as Exim does', () => {
    assert.equal(logFields(tls), `${X} ${CV}`);
    assert.equal(logFields(tls, ''), `${X} ${CV}`);
    assert.equal(logFields({ ...tls, certificateVerified: false }), `${X} CV=no`);
  });

  it('switches each field on and off, one selector after the other', () => {
    const cases: readonly (readonly [LogSelectors, string])[] = [
      ['+tls_peerdn', `${X} ${CV} ${DN}`],
      ['+tls_peerdn -tls_cipher', `${CV} ${DN}`],
      ['  +TLS_SNI\t-tls_certificate_verified ', `${X} ${SNI}`],
      [['+tls_peerdn', '+tls_sni'], `${X} ${CV} ${DN} ${SNI}`],
      [['tls_sni -tls_cipher'], `${CV} ${SNI}`],
      ['+tls_resumption', `${X}* ${CV}`],
      ['+all', `${X}* ${CV} ${DN} ${SNI}`],
      ['-all', ''],
      ['-all +tls_sni', SNI],
      ['+tls_sni -tls_sni', `${X} ${CV}`],
    ];
    assert.deepEqual(
      cases.map(([selectors]) => logFields(tls, selectors)),
      cases.map(([, line]) => line),
    );
  });

  it('leaves out a name that is not there', () => {
    const { sni: _sni, ...rest } = tls;
    assert.equal(logFields({ ...rest, peerDn: '', resumed: false }, '+all'), `${X} ${CV}`);
  });

  it('refuses a selector that it does not know, with those that there are', () => {
    for (const wrong of ['+tls_peer_dn', '+', '++tls_sni', '+constructor', '+a\nb', 1, null, {}, [1]]) {
      assert.throws(
        () => logFields(tls, wrong as LogSelectors),
        (error) => error instanceof OptionError && !/[\n]/.test(error.message) && error.option === 'log selector',
      );
    }
  });
});
