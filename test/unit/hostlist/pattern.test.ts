import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readPattern } from '../../../src/hostlist/pattern.js';

const context = { primaryHostname: () => 'Here.Example', hasList: (name: string) => name === 'relays' };
const kind = (text: string): string => {
  const read = readPattern(text, context);
  return typeof read === 'string' ? `expected ${read}` : read.kind;
};

describe('readPattern', () => {
  it('tells the kinds of items apart', () => {
    const kinds = [
      '*',
      '',
      '@',
      '@[]',
      '10.0.0.0/8',
      '::1',
      'mx.test',
      '*.test',
      '*x.test',
      'mx?.test',
      '^a$',
      '/etc/x',
      '+relays',
    ];
    assert.deepEqual(kinds.map(kind), [
      'any',
      'local',
      'name',
      'own-addresses',
      'network',
      'network',
      'name',
      'suffix',
      'suffix',
      'glob',
      'regex',
      'file',
      'list',
    ]);
  });

  it('reads @ as the name of this host, and names without case', () => {
    assert.deepEqual(readPattern('@', context), { kind: 'name', name: 'here.example' });
    assert.deepEqual(readPattern('MX.Test.', context), { kind: 'name', name: 'mx.test' });
    assert.deepEqual(readPattern('*.BÜCHER.test', context), {
      kind: 'suffix',
      labels: 'xn--bcher-kva.test',
      part: null,
    });
    assert.deepEqual(readPattern('*b.c.d', context), { kind: 'suffix', labels: 'c.d', part: 'b' });
    assert.deepEqual(readPattern('*b', context), { kind: 'suffix', labels: '', part: 'b' });
  });

  it('remembers that host bits were written', () => {
    const hostBits = (text: string): unknown => (readPattern(text, context) as { hostBits?: boolean }).hostBits;
    assert.deepEqual(['10.1.2.3/8', '10.0.0.0/8', '10.1.2.3', '::ffff:10.0.0.1/104'].map(hostBits), [
      true,
      false,
      false,
      true,
    ]);
  });

  it('says what was expected of everything else', () => {
    assert.match(kind('lsearch;/x'), /callback/);
    assert.match(kind('192.168.*'), /network as 192\.168\.0\.0\/16/);
    assert.match(kind('10.0.0.?'), /network as/);
    assert.match(kind('[::1]'), /IPv6 address/);
    assert.match(kind('1.2.3'), /four decimal numbers/);
    assert.match(kind('host.123'), /does not end in a number/);
    assert.match(kind('a b'), /host name of letters/);
    assert.match(kind('*.'), /domain behind the \*/);
    assert.match(kind('+unknown'), /named lists/);
    assert.match(kind('/etc/'), /absolute path/);
    assert.match(kind('!a.test'), /host name of letters/);
    assert.match(kind('a'.repeat(4_097)), /at most 4096/);
    for (const text of ['/etc/x', '+relays', '+ignore_unknown']) {
      assert.match(String(readPattern(text, { ...context, hasList: null })), /inside a file/, text);
    }
  });
});
