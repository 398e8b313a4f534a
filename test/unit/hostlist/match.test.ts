import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { itemsOf } from '../../../src/exim-list.js';
import { readAddress } from '../../../src/hostlist/address.js';
import { ItemIndex } from '../../../src/hostlist/item-index.js';
import {
  type Addresses,
  evaluate,
  type FileItems,
  type Known,
  type Names,
  subjectOf,
} from '../../../src/hostlist/match.js';
import { parseItems } from '../../../src/hostlist/parse.js';
import { stepsOf } from '../../../src/hostlist/steps.js';
import type { Peer } from '../../../src/peer.js';

interface Facts {
  readonly names?: Names;
  readonly addresses?: Readonly<Record<string, Addresses>>;
  readonly rule?: Known['rule'];
  /** The items of each file, as a list; `null` is a file that cannot be read. */
  readonly file?: string | null;
}

/** @returns the result, and by which item; or what is needed, and by which item */
function ask(list: string, peer: Peer, facts: Facts = {}): string {
  const context = { primaryHostname: () => 'here.test', hasList: () => true };
  const known: Known = {
    rule: facts.rule ?? 'other',
    names: () => facts.names,
    addresses: (name) => facts.addresses?.[name],
    file: () => (facts.file === undefined ? undefined : fileOf(facts.file)),
    list: (item) => ({ kind: 'need', need: 'list', item }),
    ownAddresses: () => [readAddress('192.0.2.7') ?? []],
  };
  const subject = subjectOf(peer);
  assert.ok(subject !== null);
  const answer = evaluate(stepsOf(parseItems(itemsOf('host list', list), context, 10)), subject, known);
  if (answer.kind === 'need') return `needs ${answer.need} for ${answer.item.text}`;
  return `${answer.match.result} by ${answer.match.item}${answer.match.unknown ? ', unknown' : ''}`;
}

function fileOf(list: string | null): FileItems {
  if (list === null) return { kind: 'unreadable', reason: 'ENOENT' };
  const context = { primaryHostname: () => 'here.test', hasList: () => true };
  return { kind: 'items', index: new ItemIndex(parseItems(itemsOf('host list', list), context, 10)) };
}

const named = (...names: string[]): Names => ({ kind: 'found', names });
const NONE = { kind: 'none', reason: 'ENOTFOUND' } as const;
const DEFER = { kind: 'defer', reason: 'ESERVFAIL' } as const;
const IS_PEER = { kind: 'peer' } as const;
const IS_OTHER = { kind: 'other' } as const;
const peer: Peer = { address: '10.0.0.13' };

describe('subjectOf', () => {
  it('tells sides apart by what is known, and refuses an address that is none', () => {
    assert.deepEqual(
      [{}, peer, { name: 'a.test' }, { ...peer, name: 'a.test' }].map((one) => subjectOf(one)?.side),
      ['local', 'server', 'client', 'client'],
    );
    assert.equal(subjectOf({ address: 'garbage' }), null);
    assert.deepEqual(subjectOf({ name: 'MX.Test.' })?.names, named('mx.test'));
    assert.deepEqual(subjectOf({ name: '[10.0.0.1]' })?.names, named());
  });
});

describe('evaluate', () => {
  it('needs nothing that an earlier item makes idle', () => {
    assert.equal(ask('10.0.0.13 : a.test : *.b.test', peer), 'yes by 10.0.0.13');
    assert.equal(ask('* : *.b.test', peer), 'yes by *');
    assert.equal(ask('*.b.test : 10.0.0.13', peer), 'needs names for *.b.test');
    assert.equal(ask('a.test : *.b.test', peer), 'needs addresses for a.test');
    assert.equal(ask('*.b.test : a.test', peer), 'needs names for *.b.test');
    assert.equal(ask('a.test : *.b.test', peer, { addresses: { 'a.test': IS_OTHER } }), 'needs names for *.b.test');
    assert.equal(ask('10.0.0.1 : /f : *', peer), 'needs file for /f');
    assert.equal(ask('10.0.0.13 : /f', peer), 'yes by 10.0.0.13');
    assert.equal(ask('!+l : *', peer), 'needs list for !+l');
  });

  it('ends in yes where the last item looked at is negated', () => {
    assert.equal(ask('!10.0.0.1', peer), 'yes by null');
    assert.equal(ask('!10.0.0.1 : 10.0.0.2', peer), 'no by null');
    assert.equal(ask('10.0.0.13 : !10.0.0.1', { address: '192.0.2.1' }), 'yes by null');
    assert.equal(ask('', peer), 'no by null');
    assert.equal(ask('!*.a.test', peer, { names: NONE, rule: 'require' }), 'yes by null, unknown');
  });

  it('matches a local session by * and the empty item alone, and needs nothing for it', () => {
    assert.equal(ask('a.test : *.b.test : @[] : 10.0.0.0/8', {}), 'no by null');
    assert.equal(ask('a.test : *', {}), 'yes by *');
    assert.equal(ask('10.0.0.1 : : !*', {}), 'yes by ');
    assert.equal(ask(':', peer), 'no by null');
    assert.equal(ask(':', { name: 'a.test' }), 'no by null');
  });

  it('compares with each confirmed name', () => {
    assert.equal(ask('*.a.test : !*.b.test', peer, { names: named('x.b.test', 'x.c.test') }), 'no by !*.b.test');
    assert.equal(ask('!*.b.test : *.c.test', peer, { names: named('x.c.test', 'x.b.test') }), 'no by !*.b.test');
  });

  it('ends at a name that it needs and has not: no, also where the item is negated; or what a marker says', () => {
    assert.equal(ask('!*.a.test : *', peer, { names: NONE }), 'no by !*.a.test, unknown');
    assert.equal(ask('+ignore_unknown : !*.a.test : *', peer, { names: NONE }), 'yes by *, unknown');
    assert.equal(ask('+include_unknown : !*.a.test : *', peer, { names: NONE }), 'yes by !*.a.test, unknown');
    assert.equal(ask('*.a.test : +include_unknown : *.b.test', peer, { names: NONE }), 'no by *.a.test, unknown');
  });

  it('passes over it in a list of those who must do something, where no marker says otherwise', () => {
    assert.equal(ask('*.a.test : 10.0.0.13', peer, { names: NONE, rule: 'require' }), 'yes by 10.0.0.13, unknown');
    assert.equal(
      ask('a.test : 10.0.0.13', peer, { addresses: { 'a.test': NONE }, rule: 'require' }),
      'yes by 10.0.0.13, unknown',
    );
    assert.equal(
      ask('+include_unknown : *.a.test', peer, { names: NONE, rule: 'require' }),
      'yes by *.a.test, unknown',
    );
  });

  it('defers where DNS does, or what a marker says; but nothing that stands before it', () => {
    assert.equal(ask('*.a.test : *', peer, { names: DEFER }), 'defer by *.a.test');
    assert.equal(ask('*.a.test : *', peer, { names: DEFER, rule: 'require' }), 'defer by *.a.test');
    assert.equal(ask('+ignore_defer : *.a.test : 10.0.0.13', peer, { names: DEFER }), 'yes by 10.0.0.13');
    assert.equal(ask('+include_defer : !*.a.test', peer, { names: DEFER }), 'yes by !*.a.test');
    assert.equal(ask('10.0.0.13 : *.a.test', peer, { names: DEFER }), 'yes by 10.0.0.13');
    assert.equal(ask('a.test : *.a.test', peer, { names: DEFER, addresses: { 'a.test': IS_PEER } }), 'yes by a.test');
  });

  it('looks a plain name up, and takes it for unknown where it has no address', () => {
    assert.equal(ask('!a.test : *', peer, { addresses: { 'a.test': IS_PEER } }), 'no by !a.test');
    assert.equal(ask('a.test : 10.0.0.13', peer, { addresses: { 'a.test': NONE } }), 'no by a.test, unknown');
    assert.equal(ask('a.test : 10.0.0.13', peer, { addresses: { 'a.test': DEFER } }), 'defer by a.test');
    assert.equal(
      ask('+ignore_unknown : a.test : b.test', peer, { addresses: { 'a.test': NONE, 'b.test': IS_PEER } }),
      'yes by b.test, unknown',
    );
  });

  it('on the client side compares with the name first, and looks up only what could say the opposite', () => {
    const client: Peer = { address: '10.0.0.13', name: 'mx.c.test' };
    assert.equal(ask('a.test : mx.c.test', client), 'yes by mx.c.test');
    assert.equal(ask('a.test : *.c.test', client), 'yes by *.c.test');
    assert.equal(ask('a.test : !mx.c.test', client), 'needs addresses for a.test');
    assert.equal(ask('a.test', client), 'needs addresses for a.test');
    assert.equal(ask('a.test', client, { addresses: { 'a.test': IS_PEER } }), 'yes by a.test');
    assert.equal(ask('*.z.test : 10.0.0.13', client), 'yes by 10.0.0.13');
    assert.equal(ask('a.test : *.z.test', { name: 'mx.c.test' }), 'no by null');
  });

  it('keeps the first match where names of both signs hold the address', () => {
    const addresses = { 'a.test': IS_PEER, 'b.test': IS_PEER };
    assert.equal(ask('a.test : !b.test : *.c.test', { ...peer, name: 'mx.c.test' }, { addresses }), 'yes by a.test');
    assert.equal(ask('!b.test : a.test : *.c.test', { ...peer, name: 'mx.c.test' }, { addresses }), 'no by !b.test');
  });

  it('asks for the names of the peer first where many plain names are open: one of them may be its own', () => {
    const list = Array.from({ length: 12 }, (_, at) => `h${at}.test`).join(' : ');
    assert.equal(ask(list, peer), 'needs names for h0.test');
    assert.equal(ask(list, peer, { names: named('h11.test') }), 'yes by h11.test');
    assert.equal(ask(list, peer, { names: NONE }), 'needs addresses for h0.test');
  });

  it('has the addresses of this machine in @[]', () => {
    assert.equal(ask('!@[] : *', { address: '192.0.2.7' }), 'no by !@[]');
    assert.equal(ask('!@[] : *', peer), 'yes by *');
  });

  it('puts the lines of a file in the place of its item, each turned round by !', () => {
    assert.equal(ask('/f : *', peer, { file: '10.0.0.1 : !10.0.0.13' }), 'no by /f');
    assert.equal(ask('!/f', peer, { file: '10.0.0.1 : !10.0.0.13' }), 'yes by !/f');
    assert.equal(ask('10.0.0.1 : /f : 10.0.0.13', peer, { file: '' }), 'yes by 10.0.0.13');
  });

  it('ends by the sign of the last line, or of the item where the file is empty', () => {
    const ends = (list: string, file: string): string => ask(list, peer, { file });
    assert.deepEqual([ends('/f', '10.0.0.1'), ends('/f', '!10.0.0.1')], ['no by null', 'yes by null']);
    assert.deepEqual([ends('!/f', '10.0.0.1'), ends('!/f', '!10.0.0.1')], ['yes by null', 'no by null']);
    assert.deepEqual([ends('/f', ''), ends('!/f', '')], ['no by null', 'yes by null']);
  });

  it('stops at what a file cannot decide as anywhere else: ! does not turn that round', () => {
    assert.equal(ask('!/f : *', peer, { file: '*.a.test', names: NONE }), 'no by !/f, unknown');
    assert.equal(ask('!/f', peer, { file: '+include_unknown : *.a.test', names: NONE }), 'yes by !/f, unknown');
    assert.equal(ask('!/f : *', peer, { file: '*.a.test', names: DEFER }), 'defer by !/f');
    assert.equal(ask('!/f : *', peer, { file: '*.a.test' }), 'needs names for !/f');
    assert.equal(ask('+ignore_defer : !/f : *', peer, { file: null }), 'defer by !/f');
  });
});
