import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OptionError } from '../../../src/errors.js';
import { type ServerTlsOptions, serverTlsSettings } from '../../../src/net/server-tls-options.js';
import { TicketKeys } from '../../../src/net/ticket-keys.js';

describe('serverTlsSettings', () => {
  it('has the defaults of SPEC §5', () => {
    const { ciphers, credentials, policy, tickets, ...rest } = serverTlsSettings(undefined);
    assert.ok(tickets instanceof TicketKeys);
    assert.deepEqual(policy.certificateRules, ['none']);
    assert.deepEqual(rest, {
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
      alpn: ['smtp', 'esmtp'],
      onConnectPorts: [],
      handshakeTimeoutMs: 30_000,
      whenUnavailable: 'lockout',
      rememberEsmtp: false,
      requiresHosts: false,
      promisesTls: null,
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
      [{ ticketKeys: Buffer.alloc(48) }, /tls\.ticketKeys is unknown; tls\.ticketSecret is meant/],
      [
        { ticketSecret: 'too short to be one' },
        /tls\.ticketSecret must be a Buffer or a string of 32 octets at least$/,
      ],
      [{ whenUnavailable: 'x' }, /tls\.whenUnavailable must be one of lockout, continue/],
    ];
    for (const [options, words] of bad) assert.throws(() => serverTlsSettings(options), words);
  });
});

describe('serverTlsSettings, SPEC §5', () => {
  it('takes every option as it was given', () => {
    const given: ServerTlsOptions = {
      certificate: '/c.pem',
      privateKey: Buffer.from('k'),
      requireCiphers: 'HIGH:!aNULL',
      minVersion: 'TLSv1.3',
      maxVersion: 'TLSv1.3',
      handshakeTimeoutMs: 1,
      alpn: ['smtp'],
      onConnectPorts: [465],
      whenUnavailable: 'continue',
      rememberEsmtp: true,
    };
    const { certificate, privateKey, requireCiphers, ...rest } = given;
    const settings = serverTlsSettings(given);
    const { ciphers: _default, policy: _lists, tickets: _keys, requiresHosts, promisesTls, ...taken } = settings;
    assert.deepEqual(taken, { ...rest, credentials: { certificate, privateKey, requireCiphers } });
    assert.deepEqual([requiresHosts, promisesTls], [false, null]);
  });

  it('compiles the host lists, and knows who is promised TLS or must use it', async () => {
    const { policy, requiresHosts, promisesTls } = serverTlsSettings({
      certificate: '/c.pem',
      verifyCertificates: '/ca.pem',
      hostLists: { named: { friends: '192.0.2.0/24' } },
      requireHosts: '+friends',
      tryVerifyHosts: '*',
    });
    const peer = { address: '192.0.2.7' };
    assert.deepEqual(
      [(await policy.require(peer)).value, (await policy.clientCertificate(peer)).value, policy.certificateRules],
      [true, 'try', ['none', 'try']],
    );
    assert.deepEqual([requiresHosts, promisesTls], [true, 'tls.requireHosts']);
    assert.equal(serverTlsSettings({ advertiseHosts: '' }).promisesTls, 'tls.advertiseHosts');
  });

  it('TLS 1.0 and 1.1 come by one option alone, which has a long name', () => {
    const { minVersion, maxVersion } = serverTlsSettings({ dangerouslyAllowTlsVersion: 'TLSv1' });
    assert.deepEqual([minVersion, maxVersion], ['TLSv1', 'TLSv1.3']);
  });

  it('takes resumeClearHosts, who is nobody by default', async () => {
    const of = async (given: object): Promise<boolean> => {
      return (await serverTlsSettings(given).policy.resumeClear({ address: '192.0.2.1' })).value;
    };
    assert.deepEqual([await of({}), await of({ resumeClearHosts: '192.0.2.0/24' })], [false, true]);
  });

  it('leaves out what is undefined, as if it were not written', () => {
    const { credentials, minVersion } = serverTlsSettings({
      certificate: undefined,
      minVersion: undefined,
    } as unknown as ServerTlsOptions);
    assert.deepEqual([credentials, minVersion], [{}, 'TLSv1.2']);
  });

  it('does not read what a polluted prototype holds', () => {
    const given = Object.create({ minVersion: 'TLSv1.3', handshakeTimeoutMs: 5 }) as ServerTlsOptions;
    const { minVersion, handshakeTimeoutMs } = serverTlsSettings(given);
    assert.deepEqual([minVersion, handshakeTimeoutMs], ['TLSv1.2', 30_000]);
  });

  it('names the option, with its path, in a field of the error', () => {
    for (const [given, option] of [
      [{ handshakeTimeoutMs: -1 }, 'tls.handshakeTimeoutMs'],
      [{ handshakeTimeoutMs: 1.5 }, 'tls.handshakeTimeoutMs'],
      [{ handshakeTimeoutMs: Number.NaN }, 'tls.handshakeTimeoutMs'],
      [{ handshakeTimeoutMs: '30' }, 'tls.handshakeTimeoutMs'],
      [{ handshakeTimeoutMs: 3_600_001 }, 'tls.handshakeTimeoutMs'],
      [{ maxVersion: 'TLSv1.1' }, 'tls.maxVersion'],
      [{ minVersion: null }, 'tls.minVersion'],
      [{ whenunavailable: 'continue' }, 'tls.whenunavailable'],
      [{ ciphers: 'HIGH' }, 'tls.ciphers'],
      [{ certificate: new Uint8Array(3) }, 'tls.certificate'],
      [{ certificate: '/c.pem', privateKey: {} }, 'tls.privateKey'],
    ] as const) {
      assert.throws(
        () => serverTlsSettings(given as object),
        (error: Error) => error instanceof OptionError && error.option === option,
      );
    }
  });

  for (const [given, option] of [
    [{ alpn: 'smtp' }, 'tls.alpn'],
    [{ alpn: [''] }, 'tls.alpn'],
    [{ alpn: [5] }, 'tls.alpn'],
    [{ requireCiphers: 5 }, 'tls.requireCiphers'],
    [{ onConnectPorts: 465 }, 'tls.onConnectPorts'],
    [{ onConnectPorts: [70_000] }, 'tls.onConnectPorts'],
    [{ onConnectPorts: ['465'] }, 'tls.onConnectPorts'],
    [{ rememberEsmtp: 'yes' }, 'tls.rememberEsmtp'],
    [{ dangerouslyAllowTlsVersion: 'TLSv1.2' }, 'tls.dangerouslyAllowTlsVersion'],
    [{ dangerouslyAllowTlsVersion: 'TLSv1', minVersion: 'TLSv1.2' }, 'tls.dangerouslyAllowTlsVersion'],
    [{ verifyHosts: '*' }, 'tls.verifyHosts'],
    [{ requireHosts: 5 }, 'tls.requireHosts'],
  ] as const) {
    it(`refuses ${JSON.stringify(given)}: a value that cannot be meant`, () => {
      assert.throws(
        () => serverTlsSettings(given as unknown as ServerTlsOptions),
        (error: Error) => error instanceof OptionError && error.option === option,
      );
    });
  }
});
