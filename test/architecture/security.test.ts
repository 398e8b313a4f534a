import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { root, textOf } from './project.js';

const PAGE = 'docs/guide/security.md';

describe(PAGE, () => {
  it('has a file of src and a test for each attack', () => {
    const bad = attacks().filter(({ heldIn, tests }) => {
      const files = words(heldIn).filter((word) => /^[a-z][\w./-]*$/.test(word));
      const proofs = words(tests).filter((word) => word.includes('/'));
      if (files.length === 0 || (proofs.length === 0 && !tests.includes('the same'))) return true;
      const inSource = (file: string): boolean =>
        existsSync(join(root, 'src', `${file}.ts`)) || existsSync(join(root, 'src', file));
      return !files.every(inSource) || !proofs.every((test) => existsSync(join(root, 'test', `${test}.test.ts`)));
    });
    assert.deepEqual(bad, []);
  });

  it('names options that exist', () => {
    const options = textOf('docs/reference/options.md');
    const named = [...textOf(PAGE).matchAll(/`(?:tls|limits)\.(\w+)/g)].map(([, name = '']) => name);
    assert.ok(named.length > 10);
    assert.deepEqual(
      named.filter((name) => !options.includes(`| \`${name}\` |`)),
      [],
    );
  });
});

/** The rows of its tables. */
function attacks(): { readonly attack: string; readonly heldIn: string; readonly tests: string }[] {
  const rows = textOf(PAGE)
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| attack '))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  assert.ok(rows.length > 20);
  return rows.map(([, attack = '', , heldIn = '', tests = '']) => ({ attack, heldIn, tests }));
}

/** What stands in backticks. */
function words(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);
}
