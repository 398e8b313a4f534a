import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  ForcedFailure,
  HostList,
  type HostListOptions,
  type HostListSource,
  HostListSyntaxError,
  hostMatcher,
  type Peer,
} from '../../src/hostlist/index.js';
import { resolverOf } from '../support/resolver.js';

/** The hosts of Exim's own tests: names and addresses that lead to each other, names that do not exist, servers that fail. */
const resolver = resolverOf({
  reverse: {
    '10.0.0.1': ['ten-1.test'],
    '10.0.0.2': ['a.b.c'],
    '10.0.0.3': ['x.b.c'],
    '10.0.0.4': ['x.y'],
    '10.0.0.5': ['X.B.C'],
    '10.0.0.6': ['b.c'],
    '10.0.0.7': ['a.b'],
    '10.0.0.8': ['x.bad.example'],
  },
  forward: {
    'ten-1.test': ['10.0.0.1'],
    'a.b.c': ['10.0.0.2'],
    'x.b.c': ['10.0.0.3', '10.0.0.5'],
    'x.y': ['10.0.0.4'],
    'b.c': ['10.0.0.6'],
    'a.b': ['10.0.0.7'],
    'x.bad.example': ['10.0.0.8'],
    'a.example': ['10.0.0.9'],
    'again.dns': 'ESERVFAIL',
  },
});

async function ask(source: HostListSource, peer: Peer, options: HostListOptions = {}): Promise<string> {
  return (await hostMatcher(source, { resolver, ...options }).match(peer)).result;
}

const from = (address: string): Peer => ({ address });

describe('host lists, as the reference implementation answers', () => {
  it('[H02] the host bits of a network do not matter: 4.5.6.7:1.2.3.6/24 has 1.2.3.4', async () => {
    assert.equal(await ask('4.5.6.7:1.2.3.6/24', from('1.2.3.4')), 'yes');
    assert.equal(await ask('4.5.6.7:1.2.3.6/24', from('1.2.4.4')), 'no');
  });

  it('[H03] an empty item is the session without an address, and nothing else: :4.5.6.7', async () => {
    assert.equal(await ask(':4.5.6.7', {}), 'yes');
    assert.equal(await ask(':4.5.6.7', from('1.2.3.4')), 'no');
    assert.equal(await ask(':4.5.6.7', from('4.5.6.7')), 'yes');
  });

  it('[H04] a malformed address is a syntax error (Exim: an item that ends the list)', () => {
    for (const list of ['1.2.3', '1.2.3.4/abc', '<; aaaa:bbbb', '10/8', '010.0.0.1', '1.2.3.4/33', '1.2.3.4:25']) {
      assert.throws(() => HostList.parse(list), HostListSyntaxError, list);
    }
  });

  it('[H05] a lookup is refused, and the error points to callbacks', () => {
    for (const item of ['net24-lsearch;/etc/nets', 'lsearch;/etc/hosts', 'pgsql;select 1', 'net-iplsearch;/x']) {
      assert.throws(
        () => HostList.parse([item]),
        { code: 'ERR_TLS_SMTP_HOST_LIST_SYNTAX', expected: /callback/ },
        item,
      );
    }
  });

  it('[H07] +include_unknown : ^ten-1\\. has the nameless host, and ten-1', async () => {
    const list = '+include_unknown : ^ten-1\\.';
    assert.equal(await ask(list, from('192.0.2.99')), 'yes');
    assert.equal(await ask(list, from('10.0.0.1')), 'yes');
    assert.equal(await ask(list, from('10.0.0.2')), 'no');
  });

  it('[H08] a name that DNS cannot tell for now defers the list, or what a marker says', async () => {
    assert.equal(await ask('again.dns : 10.0.0.13', from('10.0.0.13')), 'defer');
    assert.equal(await ask('+ignore_defer : again.dns : 10.0.0.13', from('10.0.0.13')), 'yes');
    assert.equal(await ask('+include_defer : again.dns : 10.0.0.13', from('10.0.0.13')), 'yes');
    assert.equal(await ask('+include_defer : again.dns', from('10.0.0.14')), 'yes');
    assert.equal(await ask('+ignore_defer : again.dns', from('10.0.0.14')), 'no');
  });

  it('[H08] a name without an address ends the list, or is passed over under +ignore_unknown', async () => {
    assert.equal(await ask('not-exist.example : 10.0.0.13', from('10.0.0.13')), 'no');
    assert.equal(await ask('+ignore_unknown : not-exist.example : 10.0.0.13', from('10.0.0.13')), 'yes');
  });

  it('[H09] a list that ends with a negated item has every other host', async () => {
    assert.equal(await ask('!a.example', from('10.0.0.9')), 'no');
    assert.equal(await ask('!a.example', from('10.0.0.1')), 'yes');
    assert.equal(await ask('!10.0.0.1', {}), 'yes');
    assert.equal(await ask('10.0.0.0/8 : !10.0.0.1', from('192.0.2.1')), 'yes');
  });

  it('[H09] the first match decides', async () => {
    const list = '1.2.3.4 : !1.2.3.0/24 : 1.2.0.0/16';
    const answers = await Promise.all(['1.2.3.4', '1.2.3.5', '1.2.4.5', '1.3.2.4'].map((one) => ask(list, from(one))));
    assert.deepEqual(answers, ['yes', 'no', 'yes', 'no']);
  });

  it('[H10] another separator and doubled colons write the same list', async () => {
    for (const list of ['<; 172.16.0.0/12 ; 3ffe:ffff:836f::/48', '172.16.0.0/12 : 3ffe::ffff::836f::::/48']) {
      assert.equal(await ask(list, from('172.31.255.255')), 'yes', list);
      assert.equal(await ask(list, from('3ffe:ffff:836f:1::2')), 'yes', list);
      assert.equal(await ask(list, from('3ffe:ffff:8370::1')), 'no', list);
    }
  });

  it('[H11] 127.0.0.1 : ::::1 is two items, 127.0.0.1:::: 1 is broken', async () => {
    assert.equal(await ask('127.0.0.1 : ::::1', from('::1')), 'yes');
    assert.equal(await ask('127.0.0.1 : ::::1', from('127.0.0.1')), 'yes');
    assert.throws(() => HostList.parse('127.0.0.1:::: 1'), { item: '127.0.0.1:: 1', index: 0, offset: 0 });
    assert.throws(() => HostList.parse('127.0.0.1:::::1'), { item: '127.0.0.1::', index: 0, offset: 0 });
  });

  it('[H12] !/file turns its lines round, also those that are negated', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tls-smtp-'));
    try {
      const file = join(folder, 'hosts');
      await writeFile(file, '# what is ours\n!a.b.c\n\n*.b.c # and the rest\n');
      assert.equal(await ask(`!${file}`, from('10.0.0.2')), 'yes');
      assert.equal(await ask(`!${file}`, from('10.0.0.3')), 'no');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('[H13] +n1 : *.b where n1 is !a.b has x.y: the negative end of n1 is a match', async () => {
    const options = { named: { n1: '!a.b' } };
    assert.equal(await ask('+n1 : *.b', from('10.0.0.4'), options), 'yes');
    assert.equal(await ask('+n1', from('10.0.0.7'), options), 'no');
  });

  it('[H15] *.b.c has x.b.c in any case, and not b.c', async () => {
    const answers = await Promise.all(['10.0.0.6', '10.0.0.3', '10.0.0.5'].map((one) => ask('*.b.c', from(one))));
    assert.deepEqual(answers, ['no', 'yes', 'yes']);
  });

  it('[H16] !*.bad.example : * says no to the nameless host: the list ends at what it cannot tell', async () => {
    const list = '!*.bad.example : *';
    const answers = await Promise.all(['192.0.2.99', '10.0.0.8', '10.0.0.1'].map((one) => ask(list, from(one))));
    assert.deepEqual(answers, ['no', 'no', 'yes']);
  });

  it('[H17] @[] has the addresses of this machine', async () => {
    const options = { localAddresses: () => ['192.0.2.7', 'fe80::7', '::ffff:192.0.2.8'] };
    const peers = ['192.0.2.7', 'fe80::7%eth0', '192.0.2.8', '192.0.2.9'];
    const answers = await Promise.all(peers.map((one) => ask('@[]', from(one), options)));
    assert.deepEqual(answers, ['yes', 'yes', 'yes', 'no']);
    assert.equal(await ask('@[]', from('127.0.0.1')), 'yes');
  });

  it('[H18] a forced failure is as if the option were not set, any other error defers', async () => {
    const forced = await hostMatcher(() => Promise.reject(new ForcedFailure())).match(from('10.0.0.1'));
    assert.deepEqual([forced.result, forced.unset], ['no', true]);
    const failed = await hostMatcher(() => Promise.reject(new Error('database away'))).match(from('10.0.0.1'));
    assert.deepEqual([failed.result, failed.unset], ['defer', undefined]);
  });
});
