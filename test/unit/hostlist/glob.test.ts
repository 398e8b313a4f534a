import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { globMatches, readGlob } from '../../../src/hostlist/glob.js';

function matches(pattern: string, name: string): boolean {
  const glob = readGlob(pattern);
  assert.ok(typeof glob !== 'string', `${pattern}: ${glob}`);
  return globMatches(glob, name);
}

describe('globs', () => {
  it('stay within a label', () => {
    const names = [
      'mx1.example.com',
      'mx12.example.com',
      'mx.example.com',
      'mx.1.example.com',
      'mx1.example.com.evil.test',
    ];
    assert.deepEqual(
      names.map((name) => matches('mx?.example.com', name)),
      [true, false, false, false, false],
    );
    assert.deepEqual(
      names.map((name) => matches('mx*.example.com', name)),
      [true, true, true, false, false],
    );
    assert.deepEqual(
      names.map((name) => matches('mx[0-9].example.com', name)),
      [true, false, false, false, false],
    );
    assert.deepEqual(
      names.map((name) => matches('mx[^2-9].example.com', name)),
      [true, false, false, false, false],
    );
  });

  it('have a * at the beginning that stands for anything, dots too', () => {
    assert.deepEqual(
      ['mx1.a.test', 'x.mx1.a.test', 'x.y.mx1.a.test', 'mx12.a.test'].map((name) => matches('*.mx?.a.test', name)),
      [false, true, true, false],
    );
    assert.deepEqual(
      ['mx1.test', 'amx1.test', 'b.amx1.test'].map((name) => matches('*mx?.test', name)),
      [true, true, true],
    );
  });

  it('have ** for any number of labels, also none', () => {
    assert.deepEqual(
      ['mx.test', 'mx.a.test', 'mx.a.b.test', 'a.mx.test'].map((name) => matches('mx.**.test', name)),
      [true, true, true, false],
    );
    const pair = (name: string): boolean => matches('a?.**.b?.c.**.d', name);
    assert.deepEqual(['a1.b1.c.d', 'a1.x.b1.b2.c.y.d', 'a1.x.b1.y.c.d', 'b1.c.d'].map(pair), [
      true,
      true,
      false,
      false,
    ]);
    assert.equal(matches('**', 'a.b'), true);
    assert.equal(matches('a?.**.a?', 'a1'), false); // one label cannot be both ends
  });

  it('let nothing of other glob languages through: each is refused, in words', () => {
    for (const bad of [
      '(a|b).c*',
      '(a+)+b*',
      '@(a|b)*.x',
      'mx{1..3}*.x',
      'a\\*.x',
      'mx[!0-9].x',
      'a,b*',
      '!a*',
      '$*',
      'a/b*',
    ]) {
      assert.match(String(readGlob(bad)), /^letters, digits/, bad);
    }
    for (const bad of ['mx[z-a].x', 'mx[].x', 'mx[a.x', 'mxa].x', 'mx^.x?', 'mx[[a]].x', 'mx[a.b].x', 'mx[^].x']) {
      assert.match(String(readGlob(bad)), /^a class such as/, bad);
    }
    assert.match(String(readGlob('a*b*c*.x')), /at most 2 \* in one label/);
    assert.match(String(readGlob('*.**.a?.**.b')), /at most 2 \*\*/);
    assert.match(String(readGlob('a**.x')), /only as a whole label/);
    assert.match(String(readGlob('a*..x')), /without empty labels/);
    assert.match(String(readGlob(`${'a'.repeat(253)}*`)), /at most 253/);
  });
});
