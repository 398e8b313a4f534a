import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { perSni } from '../../../src/credentials/expansion.js';
import { credentialSettings, problemOf } from '../../../src/credentials/options.js';
import { OptionError } from '../../../src/errors.js';

describe('credentialSettings', () => {
  it('has its defaults, and passes over what is not its own: a server hands over its whole `tls`', () => {
    const { given, ...rest } = credentialSettings({ minVersion: 'TLSv1.2', certificate: '/c.pem' });
    assert.deepEqual(rest, {
      passphrase: null,
      root: null,
      strictKeyFiles: false,
      expansionTimeoutMs: 10_000,
      maxContexts: 2_000,
    });
    assert.deepEqual([given.certificate, given.privateKey], ['/c.pem', undefined]);
  });

  it('reads own properties only', () => {
    assert.equal(
      credentialSettings(Object.create({ certificate: '/c.pem', strictKeyFiles: true })).given.certificate,
      undefined,
    );
  });

  it('refuses what cannot be meant, and names it', () => {
    const cases: [object, string][] = [
      [{ certificate: 5 }, 'tls.certificate'],
      [{ certificate: [] }, 'tls.certificate'],
      [{ certificate: ['/c.pem', 5] }, 'tls.certificate'],
      [{ certificate: '/c.pem', privateKey: {} }, 'tls.privateKey'],
      [{ privateKey: '/k.pem' }, 'tls.privateKey'],
      [{ dhparam: true }, 'tls.dhparam'],
      [{ verifyCertificates: ['/ca.pem'] }, 'tls.verifyCertificates'],
      [{ crl: 5 }, 'tls.crl'],
      [{ crl: perSni(() => '/crl.pem') }, 'tls.crl'],
      [{ requireCiphers: '' }, 'tls.requireCiphers'],
      [{ passphrase: 5 }, 'tls.passphrase'],
      [{ credentialsRoot: 'certs' }, 'tls.credentialsRoot'],
      [{ strictKeyFiles: 'yes' }, 'tls.strictKeyFiles'],
      [{ expansionTimeoutMs: 0 }, 'tls.expansionTimeoutMs'],
      [{ expansionTimeoutMs: '5' }, 'tls.expansionTimeoutMs'],
      [{ maxContexts: 1.5 }, 'tls.maxContexts'],
    ];
    for (const [options, option] of cases) {
      assert.throws(
        () => credentialSettings(options),
        (error: Error) => error instanceof OptionError && error.option === option,
        option,
      );
    }
  });

  it('takes callbacks for the six that expand, and lists of identities', () => {
    const given = credentialSettings({
      certificate: perSni(() => '/c.pem'),
      privateKey: ['/a.pem', Buffer.from('b')],
    }).given;
    assert.deepEqual([typeof given.certificate, Array.isArray(given.privateKey)], ['function', true]);
  });
});

describe('problemOf', () => {
  it('says what is wrong with an answer, in the words of the option', () => {
    assert.deepEqual(
      [
        problemOf('certificate', '/c.pem'),
        problemOf('certificate', null),
        problemOf('crl', 5),
        problemOf('requireCiphers', 5),
      ],
      [
        null,
        'must be an absolute path, PEM text or a Buffer, or a list of them',
        'must be an absolute path, PEM text or a Buffer',
        'must be an OpenSSL cipher list',
      ],
    );
  });
});
