import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ForcedFailure, OptionError } from '../../../src/errors.js';
import { HostListSyntaxError } from '../../../src/hostlist/index.js';
import { type ServerPolicyOptions, ServerTlsPolicy } from '../../../src/policy/server-policy.js';

const PEER = { address: '192.0.2.1' };
const MATERIAL = { certificate: 'x', verifyCertificates: 'x' };

/** What a list says of the peer: written, or by a callback. */
const LISTS = {
  yes: '192.0.2.0/24',
  no: '198.51.100.0/24',
  defer: () => Promise.reject(new Error('the database is away')),
  unset: () => Promise.reject(new ForcedFailure()),
} as const;

async function answers(options: ServerPolicyOptions & Partial<typeof MATERIAL>): Promise<unknown[]> {
  const policy = new ServerTlsPolicy(options);
  const all = [policy.advertise(PEER), policy.require(PEER), policy.clientCertificate(PEER), policy.resumeClear(PEER)];
  return (await Promise.all<{ readonly value: unknown }>(all)).map(({ value }) => value);
}

describe('ServerTlsPolicy, SPEC §5', () => {
  it('by default offers STARTTLS to everybody once there is a certificate (RFC 8314 §4.1), and asks nobody for anything', async () => {
    assert.deepEqual(await answers({}), [false, false, 'none', false]);
    assert.deepEqual(await answers({ certificate: 'x' }), [true, false, 'none', false]);
  });

  it('takes the safe side where a list cannot tell (the golden table of its answers)', async () => {
    const table: Record<string, unknown[]> = {};
    for (const [word, list] of Object.entries(LISTS)) {
      table[word] = await answers({
        ...MATERIAL,
        advertiseHosts: list,
        requireHosts: list,
        verifyHosts: list,
        resumeClearHosts: list,
      });
    }
    assert.deepEqual(table, {
      yes: [true, true, 'verify', true],
      no: [false, false, 'none', false],
      defer: [true, true, 'verify', false],
      unset: [false, false, 'none', false],
    });
  });

  it('tests verifyHosts before tryVerifyHosts', async () => {
    const table: string[] = [];
    for (const [must, verifyHosts] of Object.entries(LISTS)) {
      for (const [may, tryVerifyHosts] of Object.entries(LISTS)) {
        const policy = new ServerTlsPolicy({ ...MATERIAL, verifyHosts, tryVerifyHosts });
        table.push(`${must} ${may}: ${(await policy.clientCertificate(PEER)).value}`);
      }
    }
    assert.deepEqual(table, [
      'yes yes: verify',
      'yes no: verify',
      'yes defer: verify',
      'yes unset: verify',
      'no yes: try',
      'no no: none',
      'no defer: try',
      'no unset: none',
      'defer yes: verify',
      'defer no: verify',
      'defer defer: verify',
      'defer unset: verify',
      'unset yes: try',
      'unset no: none',
      'unset defer: try',
      'unset unset: none',
    ]);
  });

  it('says why', async () => {
    const policy = new ServerTlsPolicy({ certificate: 'x', requireHosts: LISTS.defer });
    assert.deepEqual(await policy.require(PEER), {
      value: true,
      reason: 'requireHosts: the callback failed, which counts as a match',
    });
    assert.deepEqual(await policy.resumeClear(PEER), { value: false, reason: 'resumeClearHosts is not set' });
    assert.match((await policy.advertise(PEER)).reason, /^advertiseHosts: /);
  });

  it('a name that cannot be confirmed lets nobody by a list of those who must (SPEC §2)', async () => {
    const resolver = { reverse: async () => [], forward: async () => [] };
    const policy = new ServerTlsPolicy({ ...MATERIAL, hostLists: { resolver }, verifyHosts: '!*.example.com : *' });
    assert.equal((await policy.clientCertificate(PEER)).value, 'verify');
  });

  it('refuses to verify against nothing, and a list that cannot be read', () => {
    for (const name of ['verifyHosts', 'tryVerifyHosts'] as const) {
      assert.throws(
        () => new ServerTlsPolicy({ certificate: 'x', [name]: '*' }),
        (error: Error) => error instanceof OptionError && error.option === `tls.${name}`,
      );
    }
    assert.throws(() => new ServerTlsPolicy({ requireHosts: '010.0.0.1' }), HostListSyntaxError);
  });

  it('answers at once where nothing has to be waited for, and asks a list of the application with a promise', async () => {
    const resolver = { reverse: async () => [], forward: async () => [] };
    const policy = new ServerTlsPolicy({
      ...MATERIAL,
      hostLists: { resolver },
      requireHosts: '192.0.2.0/24 : *.example.com',
      verifyHosts: '*.example.com',
      tryVerifyHosts: () => true,
    });
    assert.deepEqual(policy.ask('advertiseHosts', PEER), { value: true, reason: 'advertiseHosts: *' });
    assert.equal(policy.ask('advertiseHosts', PEER), policy.ask('advertiseHosts', {}), 'nothing is made for it');
    assert.equal(policy.ask('resumeClearHosts', PEER), policy.ask('resumeClearHosts', {}));
    const required = policy.ask('requireHosts', PEER);
    assert.ok(!(required instanceof Promise) && required.value);
    assert.ok(policy.ask('verifyHosts', PEER) instanceof Promise);
    assert.ok(policy.ask('tryVerifyHosts', PEER) instanceof Promise);
  });

  it('a list of the application that rejects cannot tell, and nothing rejects', async () => {
    const broken = { match: () => Promise.reject(new Error('secret')) };
    const policy = new ServerTlsPolicy({ ...MATERIAL, requireHosts: broken, resumeClearHosts: broken });
    assert.deepEqual(await policy.require(PEER), {
      value: true,
      reason: 'requireHosts: the list failed, which counts as a match',
    });
    assert.equal((await policy.resumeClear(PEER)).value, false);
  });

  it('names the option and the item of a list that cannot be read or had', () => {
    assert.throws(
      () => new ServerTlsPolicy({ requireHosts: '010.0.0.1' }),
      (error: Error) =>
        error instanceof HostListSyntaxError && /^option tls\.requireHosts: .*010\.0\.0\.1/.test(error.message),
    );
    assert.throws(
      () => new ServerTlsPolicy({ requireHosts: 5 as unknown as string }),
      (error: Error) => error instanceof OptionError && error.option === 'tls.requireHosts',
    );
  });

  it('knows under which rules a client can come, for what is built ahead', () => {
    const rules = (options: ServerPolicyOptions): unknown =>
      new ServerTlsPolicy({ ...MATERIAL, ...options }).certificateRules;
    assert.deepEqual(rules({}), ['none']);
    assert.deepEqual(rules({ tryVerifyHosts: '*' }), ['none', 'try']);
    assert.deepEqual(rules({ verifyHosts: '192.0.2.1', tryVerifyHosts: '*' }), ['none', 'try', 'verify']);
  });

  it('warns of what a list says and perhaps does not mean, with the option', () => {
    const policy = new ServerTlsPolicy({ ...MATERIAL, requireHosts: '192.0.2.1/24', verifyHosts: '* : 192.0.2.1' });
    assert.deepEqual(policy.lint(), [
      'tls.requireHosts: 192.0.2.1/24: it means 192.0.2.0/24: bits behind the prefix are cut off',
      'tls.verifyHosts: 192.0.2.1: it never decides: * before it matches all that it matches',
    ]);
    assert.deepEqual(new ServerTlsPolicy({ certificate: 'x' }).lint(), []);
  });
});
