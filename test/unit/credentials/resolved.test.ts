import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { Credentials, factsOf } from '../../../src/credentials/resolved.js';
import { TestAuthority } from '../../../src/testing/authority.js';

const day = (text: string): Date => new Date(`${text}T00:00:00Z`);
const identity = (subject: string, from: string, until: string) => {
  return { option: 'tls.certificate', source: '/c.pem', subject, notBefore: day(from), notAfter: day(until) };
};

describe('Credentials', () => {
  it('end when the first of their certificates does', () => {
    const both = [identity('CN=a', '2020-01-01', '2030-01-01'), identity('CN=b', '2020-01-01', '2029-01-01')];
    const { subject, notAfter } = new Credentials('x', {}, both);
    assert.deepEqual([subject, notAfter], ['CN=a', day('2029-01-01')]);
    assert.deepEqual(
      [new Credentials('x', {}, []).subject, new Credentials('x', {}, []).notAfter.getTime()],
      ['', 8.64e15],
    );
  });

  it('say which certificate has ended or has not begun', () => {
    const credentials = new Credentials('x', {}, [identity('CN=a', '2020-01-01', '2021-01-01')]);
    assert.deepEqual(credentials.expiryWarnings(day('2020-06-01').getTime()), []);
    assert.deepEqual(credentials.expiryWarnings(day('2022-01-01').getTime()), [
      'tls.certificate: /c.pem: the certificate has expired on 2021-01-01T00:00:00.000Z',
    ]);
    assert.deepEqual(credentials.expiryWarnings(day('2019-01-01').getTime()), [
      'tls.certificate: /c.pem: the certificate is not valid before 2020-01-01T00:00:00.000Z',
    ]);
  });

  it('show no key to who prints them (SECURITY S48)', () => {
    const credentials = new Credentials('x', { key: 'SECRET', passphrase: 'SECRET' }, []);
    const shown = `${inspect(credentials, { depth: 9, showHidden: true })}${JSON.stringify({ credentials })}${String(credentials)}`;
    assert.ok(!shown.includes('SECRET'), shown);
    assert.equal(credentials.tls.key, 'SECRET');
  });
});

describe('factsOf', () => {
  it('reads subject and validity of a leaf', async () => {
    const { X509Certificate } = await import('node:crypto');
    const { cert } = await (await TestAuthority.create()).issue({ name: 'mx.test' });
    const facts = factsOf('tls.certificate', '/c.pem', new X509Certificate(cert));
    assert.equal(facts.subject, 'CN=mx.test');
    assert.equal(Math.round((facts.notAfter.getTime() - facts.notBefore.getTime()) / 86_400_000), 30);
  });
});
