import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type ConnectionOptions, connect, createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { OptionError } from '../../../src/errors.js';
import { type Flaw, type IssuedCertificate, TestAuthority } from '../../../src/testing/authority.js';

/** The matching of RFC 9525: no common name, no partial wildcards. */
const STRICT = { subject: 'never', partialWildcards: false } as const;
const NODE_MAJOR = Number(process.versions.node.split('.', 1)[0]);
const LOADS_WEAK_KEYS = NODE_MAJOR < 24;

let authority: TestAuthority;
before(async () => {
  authority = await TestAuthority.create();
});

/** Verifies strictly; the error that `node:tls` passes on to the client has the code `STRICT_MISMATCH`. */
function strictly(host: string, { raw }: { raw: Buffer }): Error | undefined {
  const matched = new X509Certificate(raw).checkHost(host, STRICT);
  return matched === undefined ? Object.assign(new Error('no match'), { code: 'STRICT_MISMATCH' }) : undefined;
}

function isOptionError(option: string): (error: unknown) => boolean {
  return (error) => error instanceof OptionError && error.option === option;
}

/** One handshake on loopback; `secure`, or the code of the error that the client sees. */
async function handshake(
  { cert, key }: IssuedCertificate,
  client: ConnectionOptions = {},
  server: TlsOptions = {},
): Promise<string> {
  const listener = createServer({ cert, key, ...server });
  listener.on('tlsClientError', () => {});
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  const { port } = listener.address() as AddressInfo;
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca: authority.ca, ...client });
  try {
    await once(socket, 'secureConnect');
    return socket.authorized ? 'secure' : 'not authorized';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  } finally {
    socket.destroy();
    listener.close();
  }
}

/** What a server that asks for a certificate and trusts the authority says of `issued`. */
async function verdictOnClient(issued: IssuedCertificate): Promise<string> {
  const { cert, key } = await authority.issue();
  const ask = { requestCert: true, rejectUnauthorized: false };
  const listener = createServer({ cert, key, ca: authority.ca, crl: authority.crl(), ...ask });
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  const { port } = listener.address() as AddressInfo;
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca: authority.ca, ...issued });
  const [secured] = (await once(listener, 'secureConnection')) as [TLSSocket];
  const verdict = secured.authorized ? 'secure' : String(secured.authorizationError);
  socket.destroy();
  secured.destroy();
  listener.close();
  return verdict;
}

describe('the root', () => {
  it('is its own issuer, a certificate authority, for ten years', () => {
    const root = new X509Certificate(authority.ca);
    assert.equal(root.ca, true);
    assert.equal(root.verify(root.publicKey), true);
    assert.equal(root.subject, 'CN=tls-smtp test authority');
    assert.equal(new Date(root.validTo).getUTCFullYear() - new Date(root.validFrom).getUTCFullYear(), 10);
  });

  it('can be named, and no two are alike', async () => {
    const [one, two] = await Promise.all([TestAuthority.create({ name: 'one' }), TestAuthority.create()]);
    assert.equal(new X509Certificate(one.ca).subject, 'CN=one');
    assert.notEqual(two.ca, authority.ca);
  });

  it('is refused for an option that does not exist, and for a name that no certificate can bear', async () => {
    const options: object = { host: 'mx.example' };
    await assert.rejects(TestAuthority.create(options), isOptionError('host'));
    await assert.rejects(TestAuthority.create({ name: 'x'.repeat(65) }), isOptionError('name'));
  });

  it('signs every leaf but those that another key signs', async () => {
    const { publicKey } = new X509Certificate(authority.ca);
    const flaws: readonly Flaw[] = ['expired', 'revoked', 'weak', 'cn-only', 'self-signed', 'unknown-ca'];
    const issued = await Promise.all(flaws.map((flaw) => authority.issue({ flaw })));
    const verified = issued.map(({ cert }) => new X509Certificate(cert).verify(publicKey));
    assert.deepEqual(verified, [true, true, true, true, false, false]);
  });
});

describe('a leaf', () => {
  it('fits its key, which is PKCS#8: P-256, RSA of 2048 bits, or weak RSA of 1024', async () => {
    const asked = [{}, { key: 'rsa' }, { flaw: 'weak' }, { flaw: 'weak', key: 'ec' }] as const;
    const made = await Promise.all(asked.map((options) => authority.issue(options)));
    const keys = made.map(({ cert, key }) => {
      assert.match(key, /^-----BEGIN PRIVATE KEY-----\n/);
      const privateKey = createPrivateKey(key);
      assert.equal(new X509Certificate(cert).checkPrivateKey(privateKey), true);
      return privateKey.asymmetricKeyDetails?.namedCurve ?? privateKey.asymmetricKeyDetails?.modulusLength;
    });
    assert.deepEqual(keys, ['prime256v1', 2048, 1024, 1024]);
  });

  it('has a positive serial number of 16 octets, a new one each time', async () => {
    const issued = await Promise.all(Array.from({ length: 20 }, () => authority.issue()));
    const serials = issued.map(({ cert }) => new X509Certificate(cert).serialNumber);
    assert.equal(new Set(serials).size, 20);
    for (const serial of serials) assert.match(serial, /^[4-7][0-9A-F]{31}$/);
  });

  it('matches its names strictly, and no other', async () => {
    const { cert } = await authority.issue({ names: ['mx1.example.com', '*.example.org', '192.0.2.1', '2001:db8::1'] });
    const certificate = new X509Certificate(cert);
    const hosts = ['mx1.example.com', 'a.example.org', 'a.b.example.org', 'mx2.example.com'];
    assert.deepEqual(
      [hosts.map((host) => certificate.checkHost(host, STRICT)), certificate.checkIP('192.0.2.1')],
      [['mx1.example.com', '*.example.org', undefined, undefined], '192.0.2.1'],
    );
    assert.notEqual(certificate.checkIP('2001:db8::1'), undefined);
  });

  it('makes RSA keys beside the event loop, not in it', async () => {
    let turns = 0;
    let running = true;
    const turn = (): void => {
      turns += 1;
      if (running) setImmediate(turn);
    };
    setImmediate(turn);
    await authority.issue({ key: 'rsa' });
    running = false;
    assert.ok(turns > 2, `${turns} turns`);
  });

  it('is refused for an option that does not exist', async () => {
    const options: object = { host: 'mx.example' };
    await assert.rejects(authority.issue(options), isOptionError('host'));
  });
});

describe('a TLS client that trusts the root sees', () => {
  it('nothing wrong with a good certificate, EC or RSA, by name or by address, with and without the CRL', async () => {
    const [ec, rsa] = await Promise.all([authority.issue(), authority.issue({ key: 'rsa' })]);
    const seen = [
      await handshake(ec, { checkServerIdentity: strictly }),
      await handshake(ec, { crl: authority.crl() }),
      await handshake(rsa, { maxVersion: 'TLSv1.2' }),
      await handshake(ec, { servername: '' }),
    ];
    assert.deepEqual(seen, ['secure', 'secure', 'secure', 'secure']);
  });

  const codes: readonly (readonly [Flaw, string])[] = [
    ['expired', 'CERT_HAS_EXPIRED'],
    ['not-yet-valid', 'CERT_NOT_YET_VALID'],
    ['wrong-name', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['self-signed', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['unknown-ca', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['partial-wildcard', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ];
  for (const [flaw, code] of codes) {
    for (const key of ['ec', 'rsa'] as const) {
      it(`${code} for ${flaw} (${key})`, async () => {
        assert.equal(await handshake(await authority.issue({ flaw, key })), code);
      });
    }
  }

  it('CERT_REVOKED for revoked, with the CRL and not without', async () => {
    const issued = await authority.issue({ flaw: 'revoked' });
    assert.deepEqual(
      [await handshake(issued, { crl: authority.crl() }), await handshake(issued)],
      ['CERT_REVOKED', 'secure'],
    );
  });

  it('nothing wrong with self-signed where it is itself trusted', async () => {
    const issued = await authority.issue({ flaw: 'self-signed' });
    assert.equal(await handshake(issued, { ca: issued.cert }), 'secure');
  });

  it('nothing wrong with a cn-only certificate unless it matches strictly', async () => {
    const issued = await authority.issue({ flaw: 'cn-only' });
    assert.deepEqual(
      [await handshake(issued), await handshake(issued, { checkServerIdentity: strictly })],
      ['secure', 'STRICT_MISMATCH'],
    );
  });

  it('nothing wrong with a partial wildcard of three labels unless it matches strictly', async () => {
    const issued = await authority.issue({ name: 'mx1.example.com', flaw: 'partial-wildcard' });
    const client = { servername: 'mx1.example.com' };
    assert.deepEqual(
      [await handshake(issued, client), await handshake(issued, { ...client, checkServerIdentity: strictly })],
      ['secure', 'STRICT_MISMATCH'],
    );
  });

  it('a weak key refused at security level 2, and let through at level 0', async () => {
    const issued = await authority.issue({ flaw: 'weak' });
    const lenient = { ciphers: 'DEFAULT:@SECLEVEL=0' };
    // OpenSSL says "EE certificate key too weak", for which Node has no name.
    assert.deepEqual(
      [await handshake(issued, { ciphers: 'DEFAULT:@SECLEVEL=2' }, lenient), await handshake(issued, lenient, lenient)],
      ['UNSPECIFIED', 'secure'],
    );
  });

  it(`a weak key ${LOADS_WEAK_KEYS ? 'at the default level' : 'nowhere: no server loads it'}`, async () => {
    const issued = await authority.issue({ flaw: 'weak' });
    if (LOADS_WEAK_KEYS) assert.equal(await handshake(issued), 'secure');
    else await assert.rejects(handshake(issued), { code: 'ERR_SSL_EE_KEY_TOO_SMALL' });
  });
});

describe('a TLS server that trusts the root says of a client', () => {
  it('that a good one is authorized, and why a flawed one is not', async () => {
    const flaws = [undefined, 'expired', 'not-yet-valid', 'unknown-ca', 'revoked'] as const;
    const verdicts: string[] = [];
    for (const flaw of flaws) {
      const issued = await authority.issue({ name: 'client one', kind: 'client', ...(flaw && { flaw }) });
      verdicts.push(await verdictOnClient(issued));
    }
    assert.deepEqual(verdicts, [
      'secure',
      'CERT_HAS_EXPIRED',
      'CERT_NOT_YET_VALID',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'CERT_REVOKED',
    ]);
  });

  it('that a server certificate is of no use there, and a client one is of none at a server', async () => {
    const [server, client] = await Promise.all([authority.issue(), authority.issue({ kind: 'client' })]);
    assert.deepEqual([await verdictOnClient(server), await handshake(client)], ['INVALID_PURPOSE', 'INVALID_PURPOSE']);
  });
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

/** On each test: Node counts a skipped `describe` as no test at all. */
const NEEDS_OPENSSL = { skip: hasOpenssl ? false : 'openssl is not on the PATH' };

describe('openssl', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tls-smtp-'));
    await writeFile(join(folder, 'ca.pem'), authority.ca);
  });
  after(() => rm(folder, { recursive: true }));

  function openssl(input: string, ...args: readonly string[]): { status: number | null; output: string } {
    const { status, stdout, stderr } = spawnSync('openssl', args, { cwd: folder, input, encoding: 'utf8' });
    return { status, output: stdout + stderr };
  }

  it('verifies root and leaves, to the letter of RFC 5280', NEEDS_OPENSSL, async () => {
    const asked = [{}, { key: 'rsa' }, { names: ['::1', '*.example.com'] }] as const;
    const certificates = [authority.ca];
    for (const options of asked) certificates.push((await authority.issue(options)).cert);
    for (const certificate of certificates) {
      const { status, output } = openssl(certificate, 'verify', '-x509_strict', '-CAfile', 'ca.pem');
      assert.equal(status, 0, output);
    }
  });

  it('does not verify an expired leaf', NEEDS_OPENSSL, async () => {
    const { cert } = await authority.issue({ flaw: 'expired' });
    const { status, output } = openssl(cert, 'verify', '-CAfile', 'ca.pem');
    assert.notEqual(status, 0);
    assert.match(output, /certificate has expired/);
  });

  it(
    'reads and verifies the CRL, empty at first, then with each revoked leaf and a higher number',
    NEEDS_OPENSSL,
    async () => {
      const other = await TestAuthority.create();
      await writeFile(join(folder, 'other.pem'), other.ca);
      const empty = openssl(other.crl(), 'crl', '-noout', '-text', '-CAfile', 'other.pem');
      assert.match(empty.output, /verify OK/);
      assert.match(empty.output, /X509v3 CRL Number: \n\s+1\n[\s\S]*No Revoked Certificates\./);

      const revoked = await Promise.all([other.issue({ flaw: 'revoked' }), other.issue({ flaw: 'revoked' })]);
      const good = await other.issue();
      const { output } = openssl(other.crl(), 'crl', '-noout', '-text', '-CAfile', 'other.pem');
      assert.match(output, /verify OK/);
      assert.match(output, /X509v3 CRL Number: \n\s+2\n/);
      const listed = [...output.matchAll(/Serial Number: ([0-9A-F]+)/g)].map(([, serial]) => serial);
      const expected = revoked.map(({ cert }) => new X509Certificate(cert).serialNumber);
      assert.deepEqual(listed.sort(), expected.sort());
      assert.equal(listed.includes(new X509Certificate(good.cert).serialNumber), false);
    },
  );
});
