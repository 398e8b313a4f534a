import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OptionError } from '../../../src/errors.js';
import { type Flaw, type LeafOptions, type LeafPlan, planLeaf } from '../../../src/testing/leaf-plan.js';

const NOW = new Date('2030-06-15T12:00:00Z');

const GOOD: LeafPlan = {
  commonName: 'mx1.example.com',
  altNames: [{ type: 'dns', value: 'mx1.example.com' }],
  kind: 'server',
  key: 'ec',
  notBefore: new Date('2030-06-15T11:00:00Z'),
  notAfter: new Date('2030-07-15T11:00:00Z'),
  signer: 'root',
  revoked: false,
};

function named(options: LeafOptions): readonly string[] {
  const { commonName, altNames } = planLeaf(options, NOW);
  return [commonName, ...altNames.map(({ type, value }) => `${type}:${value}`)];
}

describe('names', () => {
  const rows: readonly (readonly [LeafOptions, readonly string[]])[] = [
    [{}, ['localhost', 'dns:localhost', 'ip:127.0.0.1']],
    [{ name: 'mx.example' }, ['mx.example', 'dns:mx.example']],
    [{ name: '192.0.2.1' }, ['192.0.2.1', 'ip:192.0.2.1']],
    [{ names: ['b.example', 'a.example'] }, ['b.example', 'dns:b.example', 'dns:a.example']],
    [{ name: 'one', names: ['two.example'] }, ['one', 'dns:two.example']],
    [{ name: 'client one', names: [] }, ['client one']],
    [{ names: ['*.example.com', '::1'] }, ['*.example.com', 'dns:*.example.com', 'ip:::1']],
    [{ name: 'x', names: ['::FFFF:192.0.2.1'] }, ['x', 'ip:::ffff:c000:201']],
  ];
  for (const [options, expected] of rows) {
    it(`${JSON.stringify(options)} gives ${expected.join(' ')}`, () => assert.deepEqual(named(options), expected));
  }
});

describe('flaws', () => {
  const changes: Readonly<Record<Flaw, Partial<LeafPlan>>> = {
    expired: { notBefore: new Date('2030-05-15T12:00:00Z'), notAfter: new Date('2030-06-14T12:00:00Z') },
    'not-yet-valid': { notBefore: new Date('2030-06-16T12:00:00Z'), notAfter: new Date('2030-07-16T12:00:00Z') },
    'wrong-name': { commonName: 'wrong-name.invalid', altNames: [{ type: 'dns', value: 'wrong-name.invalid' }] },
    'self-signed': { signer: 'itself' },
    'unknown-ca': { signer: 'stranger' },
    revoked: { revoked: true },
    weak: { key: 'rsa-1024' },
    'cn-only': { altNames: [] },
    'partial-wildcard': { commonName: 'mx*.example.com', altNames: [{ type: 'dns', value: 'mx*.example.com' }] },
  };
  it('none: a server certificate with a P-256 key, from an hour ago for 30 days', () => {
    assert.deepEqual(planLeaf({ name: 'mx1.example.com' }, NOW), GOOD);
  });
  it('a client certificate and an RSA key are a matter of the options alone', () => {
    const plan = planLeaf({ name: 'mx1.example.com', kind: 'client', key: 'rsa' }, NOW);
    assert.deepEqual(plan, { ...GOOD, kind: 'client', key: 'rsa' });
  });
  for (const flaw of Object.keys(changes) as Flaw[]) {
    it(`${flaw}: changes this and nothing else`, () => {
      assert.deepEqual(planLeaf({ name: 'mx1.example.com', flaw }, NOW), { ...GOOD, ...changes[flaw] });
    });
  }
});

describe('partial wildcards', () => {
  const rows: readonly (readonly [LeafOptions, readonly string[]])[] = [
    [{ name: 'a.example.com' }, ['a*.example.com', 'dns:a*.example.com']],
    [{}, ['localhos*', 'dns:localhos*']],
    [{ names: ['mx1.example.com', '192.0.2.1', '*.example.com'] }, ['mx*.example.com', 'dns:mx*.example.com']],
    [{ name: '192.0.2.1', names: ['mx1.example.com'] }, ['mx*.example.com', 'dns:mx*.example.com']],
  ];
  for (const [options, expected] of rows) {
    it(`${JSON.stringify(options)} gives ${expected.join(' ')}`, () => {
      assert.deepEqual(named({ ...options, flaw: 'partial-wildcard' }), expected);
    });
  }
});

describe('refusals', () => {
  const rows: readonly (readonly [string, string, object])[] = [
    ['an unknown kind', 'kind', { kind: 'both' }],
    ['an unknown key', 'key', { key: 'dsa' }],
    ['an unknown flaw', 'flaw', { flaw: 'ugly' }],
    ['names that are no list', 'names', { names: 'mx.example' }],
    ['an entry that is no string', 'names', { name: 'x', names: [25] }],
    ['an empty entry', 'names', { name: 'x', names: [''] }],
    ['an entry that is not ASCII', 'names', { name: 'x', names: ['bücher.example'] }],
    ['an address with a zone', 'names', { name: 'x', names: ['fe80::1%eth0'] }],
    ['an empty common name', 'name', { name: '' }],
    ['a common name that is no string', 'name', { name: 25 }],
    ['a common name of 65 characters (RFC 5280 appendix A.1)', 'name', { name: 'x'.repeat(65) }],
    ['a partial wildcard of an address', 'flaw', { name: '192.0.2.1', flaw: 'partial-wildcard' }],
    ['a partial wildcard of a wildcard', 'flaw', { name: '*.example.com', flaw: 'partial-wildcard' }],
  ];
  for (const [title, option, options] of rows) {
    it(title, () => {
      assert.throws(
        () => planLeaf(options, NOW),
        (error) => error instanceof OptionError && error.option === option,
      );
    });
  }
  it('but not a common name of 64 characters', () => {
    assert.equal(planLeaf({ name: 'x'.repeat(64) }, NOW).commonName.length, 64);
  });
});
