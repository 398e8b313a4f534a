import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { CredentialInvalidError, KeyMismatchError } from '../../../src/credentials/errors.js';
import { type Identity, type KeyRules, readCertificates, readIdentities } from '../../../src/credentials/pem.js';
import type { PemText } from '../../../src/credentials/source.js';
import { type IssuedCertificate, TestAuthority } from '../../../src/testing/authority.js';

/** One identity, as most have it. */
function readIdentity(certificate: PemText, key: PemText | null): Identity {
  const [identity] = readIdentities([certificate], key === null ? [] : [key], RULES);
  assert.ok(identity);
  return identity;
}

const RULES: KeyRules = { passphrase: null, strictFiles: false, warn: () => {} };

describe('PEM', () => {
  it('keeps the chain in the order of the file, the leaf first', async () => {
    const authority = await TestAuthority.create();
    const { cert, key } = await authority.issue({ name: 'mx.test' });
    const source = {
      option: 'tls.certificate',
      source: 'PEM text',
      text: `${key}\n${cert}\ncomment\n${authority.ca}`,
      file: null,
    };
    const identity = readIdentity(source, null);
    assert.equal(identity.leaf.subject, 'CN=mx.test');
    assert.equal(identity.certificate.match(/BEGIN CERTIFICATE/g)?.length, 2);
    assert.equal(readCertificates(source).length, 2);
  });
});

describe('readIdentity, SPEC §3', () => {
  const authority = TestAuthority.create();
  const issue = async (name: string, key: 'ec' | 'rsa' = 'ec'): Promise<IssuedCertificate> =>
    (await authority).issue({ name, key });
  const certificate = (text: string): PemText => ({ option: 'tls.certificate', source: '/c.pem', text, file: null });
  const privateKey = (text: string): PemText => ({ option: 'tls.privateKey', source: '/k.pem', text, file: null });

  it('reads certificate and key from two sources, EC and RSA, PKCS#8 and the older forms', async () => {
    for (const [kind, type] of [
      ['ec', 'sec1'],
      ['rsa', 'pkcs1'],
    ] as const) {
      const { cert, key } = await issue('mx.test', kind);
      const older = createPrivateKey(key).export({ type, format: 'pem' }).toString();
      for (const text of [key, older]) {
        const identity = readIdentity(certificate(cert), privateKey(text));
        assert.deepEqual([identity.certificate, identity.privateKey], [cert.trimEnd().concat('\n'), text.trimEnd()]);
      }
    }
  });

  it('reads a file with CRLF line ends', async () => {
    const { cert, key } = await issue('mx.test');
    const text = `${cert}${key}`.replaceAll('\n', '\r\n');
    assert.equal(readIdentity(certificate(text), null).leaf.subject, 'CN=mx.test');
  });

  it('takes the key of its own source, and not the one that lies beside the certificate', async () => {
    const [mine, other] = [await issue('mx.test'), await issue('other.test')];
    const identity = readIdentity(certificate(`${other.key}${mine.cert}`), privateKey(mine.key));
    assert.equal(identity.privateKey, mine.key.trimEnd());
  });

  it('passes over blocks that are neither certificate nor key', async () => {
    const { cert, key } = await issue('mx.test');
    const parameters = '-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n';
    const identity = readIdentity(certificate(`${parameters}${cert}${parameters}${key}`), null);
    assert.ok(!identity.certificate.includes('DH PARAMETERS'));
  });

  it('refuses a key of another certificate and names both sources', async () => {
    const [mine, other] = [await issue('mx.test'), await issue('mx.test')];
    assert.throws(
      () => readIdentity(certificate(mine.cert), privateKey(other.key)),
      new KeyMismatchError('tls.privateKey', '/k.pem', 'is not the key of /c.pem'),
    );
    assert.throws(
      () => readIdentity(certificate(`${mine.cert}${other.key}`), null),
      new KeyMismatchError('tls.certificate', '/c.pem', 'is not the key of /c.pem'),
    );
  });

  it('refuses a chain that does not begin with the leaf: the key is not that of its first block', async () => {
    const { cert, key } = await issue('mx.test');
    const text = `${(await authority).ca}${cert}`;
    assert.throws(() => readIdentity(certificate(text), privateKey(key)), KeyMismatchError);
  });

  it('says of an encrypted key that it is encrypted, in either form', async () => {
    const { cert, key } = await issue('mx.test', 'rsa');
    const parsed = createPrivateKey(key);
    const cipher = { cipher: 'aes-256-cbc', passphrase: 'swordfish', format: 'pem' } as const;
    for (const type of ['pkcs8', 'pkcs1'] as const) {
      assert.throws(
        () => readIdentity(certificate(cert), privateKey(parsed.export({ ...cipher, type }).toString())),
        new CredentialInvalidError(
          'tls.privateKey',
          '/k.pem',
          'holds an encrypted private key, and tls.passphrase is not set',
        ),
      );
    }
  });

  it('says which certificate block does not parse', async () => {
    const { cert, key } = await issue('mx.test');
    const broken = cert.replace(/\n.{20}/, '\n!!!');
    assert.throws(() => readIdentity(certificate(`${cert}${broken}`), privateKey(key)), {
      code: 'ERR_TLS_SMTP_CREDENTIAL_INVALID',
      message: /^tls\.certificate: \/c\.pem: CERTIFICATE block 2 does not parse \(/,
    });
  });

  it('says what is missing, and how to mend it', async () => {
    const { cert, key } = await issue('mx.test');
    const hint = '; set tls.privateKey, or append the key to this file';
    for (const [given, keyed, error] of [
      [cert, null, new CredentialInvalidError('tls.certificate', '/c.pem', `holds no PRIVATE KEY block${hint}`)],
      [cert, cert, new CredentialInvalidError('tls.privateKey', '/k.pem', 'holds no PRIVATE KEY block')],
      [
        key,
        key,
        new CredentialInvalidError('tls.certificate', '/c.pem', 'holds no CERTIFICATE block, but a private key'),
      ],
      ['', key, new CredentialInvalidError('tls.certificate', '/c.pem', 'holds no CERTIFICATE block')],
      [
        cert.slice(0, -10),
        key,
        new CredentialInvalidError('tls.certificate', '/c.pem', 'holds a CERTIFICATE block without an end'),
      ],
    ] as const) {
      assert.throws(() => readIdentity(certificate(given), keyed === null ? null : privateKey(keyed)), error);
    }
  });

  it('shows no key material, whatever is wrong with the key', async () => {
    const [mine, other] = [await issue('mx.test'), await issue('mx.test')];
    const [first = '', second = ''] = mine.key.split('\n').slice(1);
    const damaged = [
      mine.key.replace(first, `${first.slice(4)}AAAA`),
      mine.key.replace(first, `!${first.slice(1)}`),
      mine.key.replace(first, ''),
      mine.key.replace(/-----END[\s\S]*/, ''),
      mine.key.replaceAll('\n', '\\n'),
    ];
    for (const text of damaged) {
      const attempt = (): unknown => readIdentity(certificate(other.cert), privateKey(text));
      assert.throws(attempt, (error: Error) => {
        const shown = `${inspect(error, { depth: 9, showHidden: true })}${error.stack}${JSON.stringify(error)}`;
        return ![first.slice(8, 28), second.slice(0, 20)].some((secret) => secret !== '' && shown.includes(secret));
      });
    }
  });
});

describe('readCertificates', () => {
  it('gives each block as it stands, in order, and names the one that does not parse', async () => {
    const [one, two] = [(await TestAuthority.create()).ca, (await TestAuthority.create()).ca];
    const source = { option: 'tls.verifyCertificates', source: '/roots.pem', text: `a\n${one}b\n${two}`, file: null };
    assert.deepEqual(readCertificates(source).map(String), [one, two]);
    const broken = { ...source, text: `${one}${two.replace(/\n.{20}/, '\n!!!')}` };
    assert.throws(
      () => readCertificates(broken),
      /tls\.verifyCertificates: \/roots\.pem: CERTIFICATE block 2 does not/,
    );
  });
});
