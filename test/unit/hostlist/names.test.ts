import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readAddress } from '../../../src/hostlist/address.js';
import { MAX_LOOKUPS } from '../../../src/hostlist/match.js';
import {
  codeOf,
  dnsResolver,
  type HostResolver,
  isTimedOut,
  Lookups,
  unlessAborted,
  within,
} from '../../../src/hostlist/names.js';
import { NameServer } from '../../support/name-server.js';
import { resolverOf } from '../../support/resolver.js';

const HERE = '10.0.0.1';

async function namesOf(resolver: HostResolver): Promise<unknown> {
  const lookups = new Lookups(resolver, readAddress(HERE) ?? [], new AbortController().signal);
  await lookups.askNames();
  return lookups.names;
}

describe('Lookups', () => {
  it('believes a reverse name only where it leads back to the address', async () => {
    const resolver = resolverOf({
      reverse: { [HERE]: ['good.test', 'bank.example', 'gone.test', 'MAPPED.test.', 'bad name', 'x\r\ny'] },
      forward: { 'good.test': ['10.0.0.9', HERE], 'bank.example': ['192.0.2.1'], 'mapped.test': ['::ffff:10.0.0.1'] },
    });
    assert.deepEqual(await namesOf(resolver), { kind: 'found', names: ['good.test', 'mapped.test'] });
    assert.deepEqual(resolver.asked.slice(0, 2), [`reverse ${HERE}`, 'forward good.test']);
  });

  it('has no name where there is none, or none that is confirmed', async () => {
    assert.deepEqual(await namesOf(resolverOf({})), {
      kind: 'none',
      reason: 'the name of the address cannot be had (ENOTFOUND)',
    });
    assert.deepEqual(await namesOf(resolverOf({ reverse: { [HERE]: [] } })), {
      kind: 'none',
      reason: 'the name of the address cannot be had (ENODATA)',
    });
    const forged = resolverOf({ reverse: { [HERE]: ['bank.example'] }, forward: { 'bank.example': ['192.0.2.1'] } });
    assert.deepEqual(await namesOf(forged), { kind: 'none', reason: 'no name of the address leads back to it' });
  });

  it('is undecided for any other failure, of the reverse look-up and of a confirmation, and for too many names', async () => {
    const failing = resolverOf({ reverse: { [HERE]: 'ESERVFAIL' } });
    const half = resolverOf({
      reverse: { [HERE]: ['a.test', 'b.test'] },
      forward: { 'a.test': [HERE], 'b.test': 'ETIMEOUT' },
    });
    const many = resolverOf({ reverse: { [HERE]: Array.from({ length: 17 }, (_, at) => `h${at}.test`) } });
    const odd: HostResolver = { reverse: () => assert.fail('a bug'), forward: async () => [] };
    for (const resolver of [failing, half, many, odd]) {
      assert.equal(((await namesOf(resolver)) as { kind: string }).kind, 'defer');
    }
  });

  it('tells whether the peer is among the addresses of a name, and asks each name once', async () => {
    const resolver = resolverOf({
      reverse: { [HERE]: ['a.test'] },
      forward: { 'a.test': [HERE], 'b.test': ['192.0.2.1', 'garbage'], 'c.test': 'ESERVFAIL' },
    });
    const lookups = new Lookups(resolver, readAddress(HERE) ?? [], new AbortController().signal);
    await lookups.askNames();
    for (const name of ['b.test', 'c.test', 'd.test']) await lookups.askAddresses(name);
    const kinds = ['a.test', 'b.test', 'c.test', 'd.test', 'e.test'].map((name) => lookups.addresses(name)?.kind);
    assert.deepEqual(kinds, ['peer', 'other', 'defer', 'none', undefined]);
    assert.deepEqual(resolver.asked, [`reverse ${HERE}`, ...['a', 'b', 'c', 'd'].map((one) => `forward ${one}.test`)]);
  });

  it('is undecided after as many look-ups as one match may cost', async () => {
    const lookups = new Lookups(resolverOf({}), readAddress(HERE) ?? [], new AbortController().signal);
    for (let at = 0; at < MAX_LOOKUPS; at++) await lookups.askAddresses(`h${at}.test`);
    assert.deepEqual([lookups.addresses('h0.test')?.kind, lookups.addresses('next.test')?.kind], ['none', 'defer']);
  });

  it('is undecided when the time is up, also where the resolver heeds no signal; an abort of the caller rejects', async () => {
    const silent: HostResolver = { reverse: () => new Promise(() => {}), forward: () => new Promise(() => {}) };
    const timedOut = await within(20, undefined, async (signal) => {
      const lookups = new Lookups(silent, readAddress(HERE) ?? [], signal);
      await lookups.askNames();
      await lookups.askAddresses('a.test');
      return [lookups.names?.kind, lookups.addresses('a.test')?.kind];
    });
    assert.deepEqual(timedOut, ['defer', 'defer']);
    const controller = new AbortController();
    const aborted = within(10_000, controller.signal, (signal) => new Lookups(silent, [1], signal).askNames());
    controller.abort(new Error('enough'));
    await assert.rejects(aborted, /enough/);
  });
});

describe('within', () => {
  it('leaves no timer and no listener behind', async () => {
    const outer = new AbortController();
    assert.equal(await within(60_000, outer.signal, async () => 7), 7);
    assert.equal(process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length, 0);
    await assert.rejects(
      within(1, AbortSignal.abort(new Error('before')), async () => 7),
      /before/,
    );
  });

  it('tells its own clock from the abort of the caller', async () => {
    const own = await within(1, undefined, async (signal) => {
      await assert.rejects(
        unlessAborted(signal, () => new Promise(() => {})),
        /no answer in time/,
      );
      return isTimedOut(signal);
    });
    assert.equal(own, true);
    assert.equal(isTimedOut(AbortSignal.abort()), false);
  });
});

describe('codeOf', () => {
  it('takes nothing of an error but a code that looks like one', () => {
    const errors = [{ code: 'ESERVFAIL' }, { code: 'a\r\nb' }, { code: 7 }, null, 'ENOTFOUND', new Error('x')];
    assert.deepEqual(errors.map(codeOf), ['ESERVFAIL', ...Array<string>(5).fill('no further code')]);
  });
});

describe('dnsResolver', () => {
  it('asks for the addresses of one family and for names, and fails with the codes of node:dns', async () => {
    await using server = await NameServer.start({
      'A a.test': '10.0.0.1',
      'AAAA a.test': '2001:db8::1',
      'PTR 1.0.0.10.in-addr.arpa': 'a.test',
      'A empty.test': null,
    });
    const resolver = dnsResolver([server.address]);
    const { signal } = new AbortController();
    assert.deepEqual(await resolver.forward('a.test', signal, 4), ['10.0.0.1']);
    assert.deepEqual(await resolver.forward('a.test', signal, 6), ['2001:db8::1']);
    assert.deepEqual(await resolver.reverse('10.0.0.1', signal), ['a.test']);
    await assert.rejects(resolver.forward('nowhere.test', signal, 4), { code: 'ENOTFOUND' });
    await assert.rejects(resolver.forward('empty.test', signal, 4), { code: 'ENODATA' });
    await assert.rejects(resolver.reverse('10.0.0.2', signal), { code: 'ENOTFOUND' });
    assert.deepEqual(server.asked.slice(0, 3), ['A a.test', 'AAAA a.test', 'PTR 1.0.0.10.in-addr.arpa']);
  });

  it('gives a query up when its signal is aborted', async () => {
    await using server = await NameServer.start({ 'A silent.test': 'silence' });
    const controller = new AbortController();
    const answer = dnsResolver([server.address]).forward('silent.test', controller.signal, 4);
    setTimeout(() => controller.abort(), 20);
    await assert.rejects(answer, { code: 'ECANCELLED' });
  });
});
