import assert from 'node:assert/strict';
import { getDiffieHellman } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { type Findings, keyOf, loadMaterial, type Values } from '../../../src/credentials/material.js';
import { credentialSettings, type ExpandableName } from '../../../src/credentials/options.js';
import type { Credentials } from '../../../src/credentials/resolved.js';
import { TestAuthority } from '../../../src/testing/authority.js';
import { dhParameters } from '../../support/dh-parameters.js';

const authority = await TestAuthority.create();
const stranger = await TestAuthority.create({ name: 'stranger' });
const ec = await authority.issue({ name: 'ec.test' });
const rsa = await authority.issue({ name: 'rsa.test', key: 'rsa' });
const folder = await mkdtemp(join(tmpdir(), 'tls-smtp-material-'));
after(() => rm(folder, { recursive: true }));

const settings = credentialSettings({});

async function load(
  options: Partial<Record<ExpandableName, unknown>>,
  more: object = {},
): Promise<Credentials & { readonly found: Findings }> {
  const values: Values = Object.fromEntries(
    Object.entries(options).map(([name, value]) => [name, { value, byPeer: false }]),
  );
  const found: Findings = { files: [], warnings: [] };
  const credentials = await loadMaterial(values, credentialSettings(more), found);
  return Object.assign(credentials, { found });
}

async function file(name: string, content: string, mode = 0o600): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content, { mode });
  return path;
}

describe('loadMaterial: identities', () => {
  it('pairs a list of certificates with a list of keys by public key, whatever the order', async () => {
    const { tls, identities } = await load({ certificate: [ec.cert, rsa.cert], privateKey: [rsa.key, ec.key] });
    assert.deepEqual(
      [tls.cert, tls.key, identities.map(({ subject }) => subject)],
      [
        [ec.cert, rsa.cert],
        [ec.key.trimEnd(), rsa.key.trimEnd()],
        ['CN=ec.test', 'CN=rsa.test'],
      ],
    );
    const inOne = await load({ certificate: [ec.cert + ec.key, rsa.cert + rsa.key] });
    assert.deepEqual(inOne.tls.key, tls.key);
  });

  it('refuses a second identity of one key type: OpenSSL would drop the first without a word', async () => {
    const second = await authority.issue({ name: 'second.test' });
    await assert.rejects(
      load({ certificate: [ec.cert + ec.key, second.cert + second.key] }),
      /tls\.certificate: PEM text: is a second ec certificate/,
    );
  });

  it('decrypts a key with the passphrase, and says so where it is another or absent', async () => {
    const { createPrivateKey } = await import('node:crypto');
    const secret = { format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'swordfish' } as const;
    const privateKey = createPrivateKey(ec.key).export(secret).toString();
    const { tls } = await load({ certificate: ec.cert, privateKey }, { passphrase: 'swordfish' });
    assert.equal(tls.key, ec.key.trimEnd());
    await assert.rejects(
      load({ certificate: ec.cert, privateKey }, { passphrase: 'x' }),
      /cannot be decrypted with tls\.passphrase/,
    );
    await assert.rejects(
      load({ certificate: ec.cert, privateKey }),
      /encrypted private key, and tls\.passphrase is not set/,
    );
  });

  it('warns of a chain out of order, and names the block', async () => {
    const good = await load({ certificate: `${ec.cert}${authority.ca}`, privateKey: ec.key });
    const bad = await load({ certificate: `${ec.cert}${stranger.ca}`, privateKey: ec.key });
    assert.deepEqual(good.warnings, []);
    assert.deepEqual(bad.warnings, [
      'tls.certificate: PEM text: CERTIFICATE block 2 did not issue block 1; the chain is out of order or incomplete',
    ]);
  });

  it('[R71] an RSA key below 2048 bits is warned of', async () => {
    const weak = await authority.issue({ flaw: 'weak' });
    const { warnings } = await load({ certificate: weak.cert, privateKey: weak.key });
    assert.deepEqual(warnings, ['tls.certificate: PEM text: the RSA key has 1024 bits; give it 2048 at least']);
  });

  it('warns of a key file that others may use, and refuses it where strictKeyFiles is set (SECURITY S48)', async () => {
    for (const mode of [0o640, 0o604]) {
      const privateKey = await file(`open-${mode}.pem`, ec.key, mode);
      const { warnings } = await load({ certificate: ec.cert, privateKey });
      const words = `holds a private key and others than its owner may use it (mode ${mode.toString(8)})`;
      assert.deepEqual(warnings, [`tls.privateKey: ${privateKey}: ${words}`]);
      await assert.rejects(load({ certificate: ec.cert, privateKey }, { strictKeyFiles: true }), {
        code: 'ERR_TLS_SMTP_KEY_FILE_EXPOSED',
        source: privateKey,
      });
    }
    const certificate = await file('open-cert.pem', ec.cert, 0o644);
    const privateKey = await file('closed.pem', ec.key);
    assert.deepEqual((await load({ certificate, privateKey }, { strictKeyFiles: true })).warnings, []);
  });

  it('tells which block has to come first where the key is that of another', async () => {
    await assert.rejects(
      load({ certificate: `${authority.ca}${ec.cert}`, privateKey: ec.key }),
      /is not the key of PEM text; it is that of CERTIFICATE block 2, which has to come first/,
    );
  });
});

describe('loadMaterial: whom we trust', () => {
  const identity = { certificate: ec.cert, privateKey: ec.key };
  const trusted = async (verifyCertificates: unknown): Promise<unknown> =>
    (await load({ ...identity, verifyCertificates })).tls.ca;

  it('is nobody, unless somebody is named; the system only by that word', async () => {
    assert.deepEqual((await load(identity)).tls.ca, []);
    const { tls } = await load({ ...identity, verifyCertificates: 'system' });
    assert.deepEqual([tls.ca, 'allowPartialTrustChain' in tls], [undefined, false]);
  });

  it('is a file of certificates, PEM text or a Buffer, each one once', async () => {
    const text = `# ours\n${authority.ca}\n${stranger.ca}${authority.ca}`;
    for (const given of [await file('ca.pem', text), text, Buffer.from(text)]) {
      assert.deepEqual(await trusted(given), [authority.ca, stranger.ca]);
    }
  });

  it('is every <8 hex>.<n> of a directory', async () => {
    const path = join(folder, 'hashed');
    await mkdir(path);
    await writeFile(join(path, 'ab12cd34.0'), authority.ca);
    await writeFile(join(path, 'ab12cd34.1'), stranger.ca);
    await writeFile(join(path, 'ab12cd34.r0'), authority.crl());
    await writeFile(join(path, 'readme.pem'), 'no certificate');
    assert.deepEqual(await trusted(path), [authority.ca, stranger.ca]);
    const { tls, found } = await load({ ...identity, verifyCertificates: path, crl: path });
    assert.equal((tls.crl as string[]).length, 1);
    assert.ok(found.files.some((one) => one.path === path));
  });

  it('says of a directory without hash names that it has none', async () => {
    const path = join(folder, 'plain');
    await mkdir(path);
    await writeFile(join(path, 'ca.pem'), authority.ca);
    await assert.rejects(trusted(path), {
      code: 'ERR_TLS_SMTP_CREDENTIAL_INVALID',
      message: `tls.verifyCertificates: ${path}: is a directory without OpenSSL hash names (<8 hex>.0); run openssl rehash`,
    });
    await assert.rejects(load({ ...identity, crl: path }), /OpenSSL hash names \(<8 hex>\.r0\)/);
  });

  it('is nobody where the collection is empty, and an error where it is something else', async () => {
    assert.deepEqual(await trusted(await file('empty.pem', '\n')), []);
    assert.deepEqual(await trusted('/dev/null'), []);
    await assert.rejects(trusted(await file('text.pem', 'hello')), /holds no PEM block/);
    await assert.rejects(trusted(ec.key), /holds no CERTIFICATE block/);
    await assert.rejects(trusted('/nowhere/ca'), { code: 'ERR_TLS_SMTP_CREDENTIAL_UNREADABLE' });
  });

  it('warns where the issuer of our own certificate is among them (SECURITY S30)', async () => {
    const { warnings } = await load({ ...identity, verifyCertificates: authority.ca });
    assert.match(warnings.join(), /^tls\.certificate: PEM text: its issuer is in tls\.verifyCertificates/);
    assert.deepEqual((await load({ ...identity, verifyCertificates: stranger.ca })).warnings, []);
  });

  it('takes revocation lists, and names a block that is none', async () => {
    const crl = authority.crl();
    assert.deepEqual((await load({ ...identity, crl })).tls.crl, [crl.trimEnd()]);
    const broken = crl.replace(/\n.{20}/, '\nAAAA');
    await assert.rejects(
      load({ ...identity, crl: `${crl}${broken}` }),
      /tls\.crl: PEM text: X509 CRL block 2 does not parse/,
    );
    await assert.rejects(load({ ...identity, crl: ec.cert }), /tls\.crl: PEM text: holds no X509 CRL block/);
  });

  it('warns of a revocation list that was due for replacement', async (context) => {
    const crl = authority.crl();
    context.mock.timers.enable({ apis: ['Date'], now: Date.now() + 31 * 86_400_000 });
    assert.match(
      (await load({ crl })).warnings.join(),
      /X509 CRL block 1 was due for replacement on .* nobody of its issuer/,
    );
  });
});

describe('loadMaterial: DH parameters and ciphers', () => {
  it('takes a prime of 2048 bits, or auto, and refuses a shorter one', async () => {
    const { pem } = dhParameters(getDiffieHellman('modp14').getPrime());
    assert.equal((await load({ dhparam: pem })).tls.dhparam, pem.trimEnd());
    assert.equal((await load({ dhparam: 'auto' })).tls.dhparam, 'auto');
    await assert.rejects(
      load({ dhparam: await file('dh.pem', dhParameters(getDiffieHellman('modp2').getPrime()).pem) }),
      {
        code: 'ERR_TLS_SMTP_KEY_TOO_SMALL',
        message: `tls.dhparam: ${join(folder, 'dh.pem')}: has 1024 bits; 2048 at least`,
      },
    );
    await assert.rejects(load({ dhparam: pem.replace(/\n.{20}/, '\nAAAA') }), /DH PARAMETERS block does not parse/);
    await assert.rejects(load({ dhparam: ec.cert }), /tls\.dhparam: PEM text: holds no DH PARAMETERS block/);
  });

  it('means TLS 1.2 where only its suites are named', async () => {
    assert.equal((await load({ requireCiphers: 'ECDHE-RSA-AES128-GCM-SHA256' })).tls.maxVersion, 'TLSv1.2');
    assert.equal((await load({ requireCiphers: 'HIGH' })).tls.maxVersion, undefined);
  });
});

describe('loadMaterial: its id and what it looked at', () => {
  it('has one id for one content, and another where any part differs', async () => {
    const certificate = await file('id.pem', `${ec.cert}${ec.key}`);
    const same = [await load({ certificate }), await load({ certificate: ec.cert, privateKey: ec.key })];
    const others = [
      await load({ certificate, verifyCertificates: authority.ca }),
      await load({ certificate, verifyCertificates: 'system' }),
      await load({ certificate, crl: authority.crl() }),
      await load({ certificate, dhparam: 'auto' }),
      await load({ certificate, requireCiphers: 'HIGH' }),
    ];
    assert.equal(new Set(same.map(({ id }) => id)).size, 1);
    assert.equal(new Set([...same, ...others].map(({ id }) => id)).size, 6);
  });

  it('notes each file that it looked at, also in vain', async () => {
    const found: Findings = { files: [], warnings: [] };
    const values: Values = {
      certificate: { value: await file('noted.pem', ec.cert), byPeer: false },
      privateKey: { value: '/nowhere/key.pem', byPeer: false },
    };
    await assert.rejects(loadMaterial(values, settings, found));
    assert.deepEqual(
      found.files.map(({ path }) => path),
      [join(folder, 'noted.pem'), '/nowhere/key.pem'],
    );
  });
});

describe('keyOf', () => {
  it('is the same for the same values and for no others', () => {
    const one = (value: unknown, byPeer = false): Values => ({ certificate: { value, byPeer } });
    const all: Values[] = [
      one('/a'),
      one('/a', true),
      one(['/a']),
      one(['/a', '/b']),
      one(['/a2:/b']),
      one(Buffer.from('/a')),
      {},
      { privateKey: { value: '/a', byPeer: false } },
      { certificate: { value: '/a', byPeer: false }, privateKey: { value: '/b', byPeer: false } },
    ];
    assert.equal(new Set(all.map((each) => keyOf(each))).size, all.length);
    assert.equal(keyOf(one('/a')), keyOf(one('/a')));
    const fixed = one('/a');
    assert.equal(keyOf(fixed, fixed), '=-----');
  });
});
