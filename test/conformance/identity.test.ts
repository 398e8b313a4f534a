import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { SmtpTransport } from '../../src/client/index.js';
import { checkIdentity, TlsInfo } from '../../src/inspect/index.js';
import { type Flaw, TestAuthority } from '../../src/testing/index.js';
import { OddAuthority } from '../support/odd-certificate.js';
import { tlsPair } from '../support/tls-pair.js';
import { startServer } from '../support/with-server.js';

const authority = await TestAuthority.create();
const odd = await OddAuthority.create();

interface Leaf {
  readonly name?: string;
  readonly names?: readonly string[];
  readonly flaw?: Flaw;
}

/** Which of the hosts the certificate names. */
async function named(leaf: Leaf, hosts: readonly string[]): Promise<string[]> {
  const certificate = new X509Certificate((await authority.issue(leaf)).cert);
  return hosts.filter((host) => checkIdentity(certificate, host) === null);
}

/** What a client that asks for `mx.test` finds, over a real handshake. */
async function verdict(leaf: Leaf, { trusted = true } = {}): Promise<string> {
  const { cert, key } = await authority.issue(leaf);
  await using pair = await tlsPair({ cert, key }, { servername: 'mx.test', ...(trusted && { ca: authority.ca }) });
  const { certificate, verifyError } = TlsInfo.from(pair.client);
  return verifyError ?? certificate;
}

describe('host names against certificates', () => {
  it('[R77] only SAN dNSName counts, the CN never', async () => {
    assert.deepEqual(await named({ name: 'cn.test', names: ['mx.test'] }, ['cn.test', 'mx.test']), ['mx.test']);
    assert.deepEqual(await named({ name: 'mx.test', flaw: 'cn-only' }, ['mx.test']), []);
    // Node's own check reads the CN of both of these.
    assert.deepEqual(await named({ name: 'mx.test', names: ['192.0.2.1'] }, ['mx.test']), []);
    assert.equal(await verdict({ name: 'mx.test', flaw: 'cn-only' }), 'ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('[R78] the SAN names the MX host, the certificate is in its time and chains to a trusted root', async () => {
    assert.deepEqual(
      [
        await verdict({ name: 'mx.test' }),
        await verdict({ names: ['other.test'] }),
        await verdict({ name: 'mx.test', flaw: 'wrong-name' }),
        await verdict({ name: 'mx.test', flaw: 'expired' }),
        await verdict({ name: 'mx.test', flaw: 'not-yet-valid' }),
        await verdict({ name: 'mx.test', flaw: 'self-signed' }),
        await verdict({ name: 'mx.test', flaw: 'unknown-ca' }),
        await verdict({ name: 'mx.test' }, { trusted: false }),
      ],
      [
        'verified',
        'ERR_TLS_CERT_ALTNAME_INVALID',
        'ERR_TLS_CERT_ALTNAME_INVALID',
        'CERT_HAS_EXPIRED',
        'CERT_NOT_YET_VALID',
        'DEPTH_ZERO_SELF_SIGNED_CERT',
        'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
        'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      ],
    );
  });

  it('[R79] a wildcard is the whole left-most label and stands for exactly one', async () => {
    const hosts = ['a.x.test', 'xn--bcher-kva.x.test', 'x.test', 'a.b.x.test', '.x.test', '*.x.test', 'a.y.test'];
    assert.deepEqual(await named({ names: ['*.x.test'] }, hosts), ['a.x.test', 'xn--bcher-kva.x.test']);
    assert.deepEqual(await named({ names: ['a.*.test'] }, ['a.x.test', 'a.*.test']), []);
    assert.deepEqual(await named({ names: ['*.*.test'] }, ['a.x.test']), []);
    assert.deepEqual(await named({ names: ['*'] }, ['test', 'a.test']), []);
  });

  it('[R80] smtp*.example.com and *smtp.example.com match nothing', async () => {
    const hosts = ['smtp1.example.com', 'asmtp.example.com', 'smtp.example.com'];
    assert.deepEqual(await named({ names: ['smtp*.example.com'] }, hosts), []);
    assert.deepEqual(await named({ names: ['*smtp.example.com'] }, hosts), []);
    assert.deepEqual(await named({ names: ['s*p.example.com'] }, hosts), []);
    assert.deepEqual(await named({ name: 'mx1.x.test', flaw: 'partial-wildcard' }, ['mx1.x.test']), []);
  });

  it('[R81] a CN counts for DANE-TA alone, which is not spoken here: never, without any SAN dNSName neither', async () => {
    assert.deepEqual(await named({ name: 'mx.test', names: [] }, ['mx.test']), []);
    assert.deepEqual(await named({ name: 'mx.test', names: ['192.0.2.1'] }, ['mx.test', '192.0.2.1']), ['192.0.2.1']);
  });

  it('[R82] ASCII case and a dot at the end do not count; an address is never a dNSName', async () => {
    const hosts = ['MX.bücher.test', 'MX.XN--bcher-kva.TEST.', 'mx.xn--bcher-kva.test..', 'mx.xn--bcher-\u212ava.test'];
    assert.deepEqual(await named({ names: ['Mx.xn--BCHER-kva.test'] }, hosts), ['MX.XN--bcher-kva.TEST.']);
    const address = new X509Certificate(odd.issue({ altNames: [{ type: 'dns', value: '192.0.2.1' }] }).cert);
    assert.notEqual(checkIdentity(address, '192.0.2.1'), null);
    assert.deepEqual(await named({ names: ['2001:db8::1'] }, ['2001:DB8:0::1', '2001:db8::2']), ['2001:DB8:0::1']);
  });

  it('[R72, R83] the name that was configured is the reference, and not what DNS or the connection says', async () => {
    await using mail = await startServer(); // its certificate names mx.test and 127.0.0.1
    const transport = new SmtpTransport({ tls: { verifyCertificates: mail.authority.ca } });
    const deliver = async (host: string): Promise<unknown[]> => {
      const { status, attempts } = await transport.deliver({
        hosts: [{ host, address: '127.0.0.1', port: mail.port }],
        envelope: { from: 'a@x.test', to: ['b@y.test'] },
        message: 'Subject: x\r\n\r\nx\r\n',
      });
      return [status, attempts[0]?.tls?.verifyError, attempts[0]?.error?.code];
    };
    assert.deepEqual(await deliver('mx.test'), ['delivered', undefined, undefined]);
    assert.deepEqual(await deliver('submission.test'), [
      'deferred',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'ERR_TLS_SMTP_VERIFICATION_FAILED',
    ]);
  });

  it('[R84] a SAN with NUL or anything that is no host name matches nobody', () => {
    const values = [
      'mx.test\0.evil.test',
      'mx.test\0',
      'mx.test\n',
      'mx.test ',
      'mx.test, DNS:evil.test',
      '.test',
      'mx..test',
    ];
    for (const value of values) {
      const certificate = new X509Certificate(odd.issue({ altNames: [{ type: 'dns', value }] }).cert);
      for (const host of ['mx.test', 'evil.test', value, value.replace(/\0.*/, '')]) {
        assert.notEqual(checkIdentity(certificate, host), null, JSON.stringify([value, host]));
      }
    }
  });
});
