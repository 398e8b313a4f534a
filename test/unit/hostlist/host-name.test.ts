import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { endsInNumber, hostName } from '../../../src/hostlist/host-name.js';

describe('hostName', () => {
  it('makes names comparable: lower case, A-labels, no dot at the end', () => {
    const names = ['MX.Example.COM', 'mx.example.com.', 'a_b-c.test', 'bücher.example', 'MX。example', 'localhost'].map(
      hostName,
    );
    assert.deepEqual(names, [
      'mx.example.com',
      'mx.example.com',
      'a_b-c.test',
      'xn--bcher-kva.example',
      'mx.example',
      'localhost',
    ]);
  });

  it('refuses whatever else a PTR record may hold', () => {
    const long = `${'a'.repeat(63)}.`.repeat(3) + 'a'.repeat(61);
    assert.equal(hostName(long), long);
    const bad = [
      '',
      '.',
      '..',
      'a..b',
      '.a',
      'a b',
      'a\nb',
      'a\0',
      'a/b',
      'a*',
      `${long}a`,
      'a'.repeat(64),
      'a\u{1f600}\u{ad}\ud800',
    ];
    for (const name of bad) assert.equal(hostName(name), null, JSON.stringify(name));
  });
});

describe('endsInNumber', () => {
  it('tells slips in addresses from names', () => {
    const found = ['1.2.3', 'host.123', '0x7f', 'a.0x7f', 'a1', '1a', 'mx.1a', 'a.example'].filter(endsInNumber);
    assert.deepEqual(found, ['1.2.3', 'host.123', '0x7f', 'a.0x7f']);
  });
});
