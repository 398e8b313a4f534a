import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { HostList, hostMatcher } from '../../../src/hostlist/host-list.js';
import type { HostListWarning } from '../../../src/hostlist/lint.js';
import type { HostResolver } from '../../../src/hostlist/names.js';
import { resolverOf } from '../../support/resolver.js';

const peer = { address: '10.0.0.1' };
const zone = () =>
  resolverOf({
    reverse: { '10.0.0.1': ['mx.a.test'] },
    forward: { 'mx.a.test': ['10.0.0.1'], 'b.test': ['192.0.2.1'] },
  });

describe('HostList', () => {
  it('explains its answer', async () => {
    const list = HostList.parse('192.0.2.0/24 : !10.0.0.0/8 : *', { resolver: zone() });
    const expected = {
      result: 'no',
      item: '!10.0.0.0/8',
      index: 1,
      reason: 'the address matches !10.0.0.0/8',
      unknown: false,
    };
    assert.deepEqual(await list.match(peer), expected);
    assert.deepEqual(list.matchSync(peer), expected);
    assert.deepEqual(await HostList.parse('').match(peer), {
      result: 'no',
      item: null,
      index: -1,
      reason: 'no item matches',
      unknown: false,
    });
  });

  it('knows its size and kinds; markers are no items', () => {
    const list = HostList.parse('+ignore_unknown : 10.0.0.1 : *.a.test');
    assert.deepEqual([list.size, list.stats.addresses, list.stats.suffixes], [2, 1, 1]);
  });

  it('asks DNS only where an item needs it, and each question once for a match', async () => {
    const resolver = zone();
    const list = HostList.parse('192.0.2.1 : b.test : *.c.test : +inner', {
      resolver,
      named: { inner: 'b.test : *.a.test' },
    });
    assert.equal((await list.match({ address: '192.0.2.1' })).result, 'yes');
    assert.deepEqual(resolver.asked, []);
    const match = await list.match(peer);
    assert.deepEqual([match.result, match.item, match.reason], ['yes', '+inner', '+inner: the name matches *.a.test']);
    assert.deepEqual(resolver.asked, ['forward b.test', 'reverse 10.0.0.1', 'forward mx.a.test']);
  });

  it('tells matchSync what would have to be asked, and by which item', () => {
    const named = { names: '*.a.test', asked: () => true, addresses: '10.0.0.1' };
    const ask = (list: string): unknown => HostList.parse(list, { named }).matchSync(peer);
    assert.deepEqual(ask('*.a.test'), { result: 'needs-names', item: '*.a.test' });
    assert.deepEqual(ask('!a.test'), { result: 'needs-addresses', item: '!a.test' });
    assert.deepEqual(ask('/nowhere'), { result: 'needs-file', item: '/nowhere' });
    assert.deepEqual(ask('+asked'), { result: 'needs-callback', item: '+asked' });
    assert.deepEqual(ask('+names'), { result: 'needs-names', item: '+names' });
    assert.deepEqual((ask('+addresses') as { result: string }).result, 'yes');
  });

  it('passes over unknown names in named lists too, where it is asked as a require list', async () => {
    const list = HostList.parse('+inner', { resolver: resolverOf({}), named: { inner: '*.a.test : 10.0.0.1' } });
    const [other, require] = [await list.match(peer), await list.match(peer, { use: 'require' })];
    assert.deepEqual([other.result, other.unknown, require.result, require.unknown], ['no', true, 'yes', true]);
  });

  it('asks a list of another resolver by that one', async () => {
    const inner = HostList.parse('*.a.test', { resolver: zone() });
    const list = HostList.parse('+inner', { resolver: resolverOf({}), named: { inner } });
    assert.equal((await list.match(peer)).result, 'yes');
  });

  it('is undecided where a named list is, whatever markers stand before it', async () => {
    const named = { failing: () => Promise.reject(new Error('away')) };
    const match = await HostList.parse('+ignore_defer : !+failing : *', { named }).match(peer);
    assert.deepEqual([match.result, match.item], ['defer', '!+failing']);
  });

  it('is undecided for an address that is none, and where the addresses of this machine cannot be had', async () => {
    assert.equal((await HostList.parse('*').match({ address: 'x' })).result, 'defer');
    assert.equal(HostList.parse('*').matchSync({ address: '1.2.3' }).result, 'defer');
    const broken = HostList.parse('@[] : *', { localAddresses: () => assert.fail('away') });
    assert.deepEqual([broken.matchSync(peer).result, (await broken.match(peer)).result], ['defer', 'defer']);
  });

  it('does not wait longer than timeoutMs for all it asks together', async () => {
    const silent: HostResolver = { reverse: () => new Promise(() => {}), forward: () => new Promise(() => {}) };
    const list = HostList.parse('a.test : b.test : *.c.test : +inner', {
      resolver: silent,
      timeoutMs: 30,
      named: { inner: '*.d.test' },
    });
    const start = performance.now();
    const match = await list.match(peer);
    assert.deepEqual(
      [match.result, match.reason],
      ['defer', 'the list ends at a.test: its addresses cannot be had (no answer in time)'],
    );
    assert.ok(performance.now() - start < 1_000);
    const outer = HostList.parse('+inner', { timeoutMs: 30, named: { inner: () => new Promise(() => {}) } });
    assert.equal((await outer.match(peer)).result, 'defer');
  });

  it('rejects with the reason of a caller who aborts, before and while it asks', async () => {
    const silent: HostResolver = { reverse: () => new Promise(() => {}), forward: () => new Promise(() => {}) };
    const list = HostList.parse('*.a.test', { resolver: silent });
    const controller = new AbortController();
    const match = list.match(peer, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await assert.rejects(match, /enough/);
    await assert.rejects(list.match(peer, { signal: AbortSignal.abort(new Error('before')) }), /before/);
  });

  it('reads a file that stands beside other items, and tells of its last good version when it goes bad', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tls-smtp-'));
    const published: unknown[] = [];
    const listen = (event: unknown): void => void published.push(event);
    subscribe('tls-smtp:hostlist', listen);
    try {
      const path = join(folder, 'hosts');
      await writeFile(path, '# ours\n10.0.0.0/8\n');
      const warnings: HostListWarning[] = [];
      const onWarning = (warning: HostListWarning): void => {
        warnings.push(warning);
        throw new Error('a logger that fails');
      };
      const list = HostList.parse(['!10.0.0.2', path, '*.b.test'], { onWarning, resolver: zone() });
      const good = await list.match(peer);
      assert.deepEqual(
        [good.result, good.item, good.index, good.reason],
        ['yes', path, 1, `line 2 of ${path}: the address matches 10.0.0.0/8`],
      );
      assert.equal(list.matchSync(peer).result, 'yes');
      await writeFile(path, '10/8\n');
      assert.equal(list.matchSync(peer).result, 'needs-file');
      assert.deepEqual(await list.match(peer), good);
      assert.deepEqual(
        warnings.map(({ kind, item, index }) => [kind, item, index]),
        [['file', path, 1]],
      );
      assert.deepEqual(published, [{ type: 'warning', warning: warnings[0] }]);
    } finally {
      unsubscribe('tls-smtp:hostlist', listen);
      await rm(folder, { recursive: true });
    }
  });

  it('lints what it parsed', () => {
    assert.deepEqual(
      HostList.parse('10.0.0.0/8 : !11.0.0.1')
        .lint()
        .map(({ kind }) => kind),
      ['ends-negative'],
    );
  });
});

describe('hostMatcher', () => {
  it('takes whatever an option for hosts may hold', async () => {
    const list = HostList.parse('10.0.0.1');
    assert.equal(hostMatcher(list), list);
    for (const source of ['10.0.0.1', ['10.0.0.1'], list, () => true, async () => true]) {
      assert.equal((await hostMatcher(source).match(peer)).result, 'yes');
    }
    assert.throws(() => hostMatcher(7 as unknown as string), { code: 'ERR_TLS_SMTP_OPTION' });
    assert.throws(() => hostMatcher('a', { timeout: 1 } as object), { code: 'ERR_TLS_SMTP_OPTION', option: 'timeout' });
    assert.throws(() => hostMatcher(() => true, { timeout: 1 } as object), { code: 'ERR_TLS_SMTP_OPTION' });
  });
});
