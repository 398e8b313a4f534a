import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Expander } from '../../../src/credentials/expander.js';
import { perSni } from '../../../src/credentials/expansion.js';
import type { ServerConnectionFacts } from '../../../src/credentials/facts.js';
import { type CredentialOptions, credentialSettings } from '../../../src/credentials/options.js';

const expander = (options: CredentialOptions): Expander => new Expander(credentialSettings(options));
const value = (given: unknown, byPeer = false): object => ({ value: given, byPeer });

describe('Expander.values', () => {
  it('gives the same object to every connection where nothing expands', async () => {
    const fixed = expander({ certificate: '/c.pem' });
    assert.ok(fixed.isFixed);
    assert.equal(await fixed.values({}), await fixed.values({ senderHostAddress: '192.0.2.1' }));
    assert.deepEqual(fixed.fixed, { certificate: value('/c.pem') });
  });

  it('asks all callbacks at once, each once, and leaves out what is unset', async () => {
    const asked: string[] = [];
    let answerAll: () => void = () => {};
    const everybodyAsked = new Promise<void>((resolve) => {
      answerAll = resolve;
    });
    const late = (name: string, answer: string | undefined) => async (): Promise<string | undefined> => {
      if (asked.push(name) === 2) answerAll();
      await everybodyAsked; // asked one after the other, the first would wait for ever
      return answer;
    };
    const all = expander({ certificate: late('c', '/c.pem'), crl: late('crl', undefined), requireCiphers: 'HIGH' });
    assert.deepEqual(await all.values({}), { certificate: value('/c.pem'), requireCiphers: value('HIGH') });
    assert.deepEqual(asked, ['c', 'crl']);
  });

  it('drops a key whose certificate is unset', async () => {
    assert.deepEqual(await expander({ certificate: () => undefined, privateKey: '/k.pem' }).values({}), {});
  });

  it('rejects with the first that failed, and for an answer that is none', async () => {
    const failing = expander({
      certificate: () => {
        throw new Error('x');
      },
    });
    await assert.rejects(async () => failing.values({}), {
      code: 'ERR_TLS_SMTP_EXPANSION_FAILED',
      option: 'tls.certificate',
    });
    const wrong = expander({ requireCiphers: (() => 5) as unknown as () => string });
    await assert.rejects(
      async () => wrong.values({}),
      (error: Error) => {
        assert.match(String(error.cause), /the answer must be an OpenSSL cipher list/);
        return error.name === 'ExpansionFailedError';
      },
    );
  });
});

describe('Expander.valuesFor, SPEC §3: perSni', () => {
  const asked: (string | undefined)[] = [];
  const bySni = ({ sni }: ServerConnectionFacts): string | undefined => {
    asked.push(sni);
    return sni === 'unknown.test' ? undefined : `/${sni ?? 'default'}.pem`;
  };
  const options = { certificate: perSni(bySni), dhparam: () => 'auto' };

  it('runs again with the name in lower case, without its last dot, and leaves the other options as they were', async () => {
    const named = expander(options);
    const first = await named.values({});
    asked.length = 0;
    assert.deepEqual(await named.valuesFor({ ...first, dhparam: { value: 'kept', byPeer: false } }, {}, 'MX.Test.'), {
      certificate: value('/mx.test.pem', true),
      dhparam: value('kept'),
    });
    assert.deepEqual(asked, ['mx.test']);
  });

  it('means the default for an unknown name, and is not asked about what is no host name (SECURITY S20, S49)', async () => {
    const named = expander(options);
    const first = await named.values({});
    asked.length = 0;
    const names = ['../../etc/passwd', '..', 'a/b', 'a\0b', '%2e%2e', 'ａ．test', '', 'x'.repeat(256), 'a..b', '[::1]'];
    for (const name of names) assert.equal(await named.valuesFor(first, {}, name), null, JSON.stringify(name));
    assert.deepEqual(asked, []);
    assert.equal(await named.valuesFor(first, {}, 'unknown.test'), null);
    assert.deepEqual(asked, ['unknown.test']);
  });

  it('takes the key that was given for the default, or a key for the name', async () => {
    const fixedKey = expander({ certificate: perSni(bySni), privateKey: '/k.pem' });
    assert.deepEqual((await fixedKey.valuesFor(await fixedKey.values({}), {}, 'a.test'))?.privateKey, value('/k.pem'));
    const namedKey = expander({ certificate: perSni(bySni), privateKey: perSni(({ sni }) => sni && `/${sni}.key`) });
    assert.deepEqual(
      (await namedKey.valuesFor(await namedKey.values({}), {}, 'a.test'))?.privateKey,
      value('/a.test.key', true),
    );
  });

  it('knows where no name changes anything', async () => {
    const plain = expander({ certificate: () => '/c.pem' });
    assert.deepEqual([plain.dependsOnServerName, expander(options).dependsOnServerName], [false, true]);
    assert.equal(await plain.valuesFor(await plain.values({}), {}, 'mx.test'), null);
  });
});
