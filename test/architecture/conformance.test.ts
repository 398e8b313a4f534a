import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, it } from 'node:test';
import { CHAPTERS, type Chapter, type Rule } from '../tables/conformance.js';
import { root, textOf } from './project.js';
import { type TitledTest, titledTests } from './titled-tests.js';

const PAGE = 'docs/conformance.md';

const tests = titledTests();
const rules: readonly (readonly [id: string, rule: Rule])[] = CHAPTERS.flatMap((one) => Object.entries(one.rules));

const holding = (id: string): TitledTest[] => tests.filter((test) => test.rules.includes(id));

describe('each rule of a standard and of Exim', () => {
  it('is held by a test, or says why not, and never both', () => {
    const wrong = rules.filter(([id, { left, rest }]) => {
      const held = holding(id).length > 0;
      return held === (left !== undefined) || (rest !== undefined && !held);
    });
    assert.deepEqual(
      wrong.map(([id]) => id),
      [],
    );
  });

  it('is named by tests as it is in test/tables/conformance.ts', () => {
    const known = new Set(rules.map(([id]) => id));
    assert.deepEqual(
      tests.flatMap((test) => test.rules.filter((id) => !known.has(id)).map((id) => `${test.file}: ${id}`)),
      [],
    );
  });

  it('of the RFCs has its number: none from R1 to R84 is passed over', () => {
    const numbers = rules.flatMap(([id]) => (id.startsWith('R') ? [Number(id.slice(1))] : []));
    assert.deepEqual(
      numbers,
      Array.from({ length: 84 }, (_none, index) => index + 1),
    );
  });

  it(`stands in ${PAGE} (written anew with UPDATE_TABLES=1)`, () => {
    if (process.env['UPDATE_TABLES'] !== undefined) writeFileSync(join(root, PAGE), page());
    assert.equal(textOf(PAGE), page());
  });
});

function page(): string {
  return `# Conformance

What holds of standards and of Exim's behaviour, and which test says so. The page is printed from the titles of the tests
by \`test/architecture/conformance.test.ts\`, which fails where a rule has neither a test nor a reason;
\`UPDATE_TABLES=1\` in the environment of that test writes it anew. The letter of a rule tells the chapter, the number is ours:
a test holds a rule whose id stands in brackets in its title, \`[R8]\`.

${CHAPTERS.map(chapter).join('\n')}
## Not tested here

| rule | source | why |
|---|---|---|
${rows(rules.flatMap(([id, { source, left }]) => (left === undefined ? [] : [[id, source, left]])))}
## But for

What is left of rules that stand above, and what is decided otherwise here.

| rule | source | what |
|---|---|---|
${rows(rules.flatMap(([id, { source, rest }]) => (rest === undefined ? [] : [[id, source, rest]])))}`;
}

function chapter({ title, words, rules: own }: Chapter): string {
  const held = Object.entries(own).flatMap(([id, { source }]) =>
    holding(id).map((test) => [id, source, test.title, link(test.file)]),
  );
  return `## ${title}\n\n${words}\n\n| rule | source | what holds | test |\n|---|---|---|---|\n${rows(held)}`;
}

function link(file: string): string {
  return `[${file.replace(/^test\/|\.test\.ts$/g, '')}](${relative('docs', file)})`;
}

function rows(cells: readonly (readonly string[])[]): string {
  return cells.map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`).join('');
}
