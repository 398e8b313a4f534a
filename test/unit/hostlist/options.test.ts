import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { describe, it } from 'node:test';
import { type HostListOptions, isMatcher, settingsOf } from '../../../src/hostlist/options.js';

describe('settingsOf', () => {
  it('has a default for each option', () => {
    const { primaryHostname, localAddresses, resolver, ...rest } = settingsOf(undefined);
    assert.deepEqual(rest, { named: {}, maxGlobs: 1_000, timeoutMs: 5_000 });
    assert.equal(resolver, settingsOf({}).resolver);
    assert.equal(typeof primaryHostname, 'string');
    const addresses = Object.values(networkInterfaces()).flatMap((one) => one?.map(({ address }) => address) ?? []);
    assert.deepEqual(localAddresses(), addresses);
  });

  it('refuses what is unknown or of the wrong kind, and names the option', () => {
    const bad: Readonly<Record<string, unknown>> = {
      named: 7,
      resolver: { reverse() {} },
      primaryHostname: 'a b',
      localAddresses: ['10.0.0.1'],
      maxGlobs: -1,
      timeoutMs: 0,
      onWarning: 'log',
      resolvers: 1,
    };
    for (const [option, value] of Object.entries(bad)) {
      assert.throws(() => settingsOf({ [option]: value } as HostListOptions), { code: 'ERR_TLS_SMTP_OPTION', option });
    }
  });
});

describe('isMatcher', () => {
  it('tells what answers like a list from the texts and callbacks that become one', () => {
    const sources = [{ match: async () => assert.fail() }, 'a.test', ['a.test'], async () => true];
    assert.deepEqual(sources.map(isMatcher), [true, false, false, false]);
  });
});
