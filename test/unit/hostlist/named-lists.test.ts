import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { itemsOf } from '../../../src/exim-list.js';
import { HostListSyntaxError } from '../../../src/hostlist/errors.js';
import { HostList } from '../../../src/hostlist/host-list.js';
import { NamedLists } from '../../../src/hostlist/named-lists.js';
import { parseItems } from '../../../src/hostlist/parse.js';

const [item] = parseItems(itemsOf('host list', '+a'), { primaryHostname: () => 'here.test', hasList: () => true }, 1);
assert.ok(item !== undefined);

describe('NamedLists', () => {
  it('compiles a list when it is first used, and once', () => {
    const compiled: unknown[] = [];
    const lists = new NamedLists({ a: '10.0.0.1', b: '10.0.0.2' }, 1_000, (source) => {
      compiled.push(source);
      return HostList.parse(source);
    });
    assert.equal(lists.matcher(item, 'a'), lists.matcher(item, 'a'));
    assert.deepEqual(compiled, ['10.0.0.1']);
  });

  it('hands on a list that is compiled, and asks a callback', async () => {
    const ready = HostList.parse('*');
    const lists = new NamedLists({ ready, asked: () => true }, 1_000, () => assert.fail('nothing to compile'));
    assert.equal(lists.matcher(item, 'ready'), ready);
    assert.equal((await lists.matcher(item, 'asked').match({})).result, 'yes');
  });

  it('knows own names only: a prototype names no list', () => {
    const lists = new NamedLists(Object.assign(Object.create({ b: '*' }), { a: '*', c: undefined }), 1, () =>
      HostList.parse(''),
    );
    assert.deepEqual(
      ['a', 'b', 'c', 'toString'].map((name) => lists.has(name)),
      [true, false, false, false],
    );
  });

  it('names the list that an error stands in, and refuses a list that leads back to itself', () => {
    const parse = (named: Readonly<Record<string, string>>): HostList => HostList.parse('+a', { named });
    assert.throws(() => parse({ a: '10.0.0.1 : 1.2.3' }), { item: '1.2.3', index: 1, offset: 11, list: 'a' });
    assert.throws(() => parse({ a: '+b', b: '1.2.3' }), { item: '1.2.3', list: 'b' });
    assert.throws(
      () => parse({ a: '10.0.0.1 : +b', b: '+a' }),
      (error) => {
        assert.ok(error instanceof HostListSyntaxError);
        assert.deepEqual([error.item, error.list], ['+a', 'b']);
        return /lead back to itself/.test(error.expected);
      },
    );
    assert.throws(() => parse({}), { item: '+a', list: null });
  });
});
