import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, it } from 'node:test';
import ts from 'typescript';
import { entries, exportsIn } from './entries.js';
import { basesOf, type ErrorFacts, errorClasses, wordsOf } from './error-classes.js';
import { importsOfSource } from './imports.js';
import { root, textOf, typeScriptFiles } from './project.js';

/** Printed from the classes and reviewed as text. `UPDATE_TABLES=1 npm run check` writes both anew; the words of the page stay. */
const TABLE = 'test/tables/errors.json';
const PAGE = 'docs/reference/errors.md';

const classes = errorClasses();
const update = process.env['UPDATE_TABLES'] !== undefined;

describe('error codes', () => {
  it('of the type are those of the classes, each of exactly one', () => {
    const declared = textOf('src/errors.ts').match(/(?<=^ {2}\| ')ERR_TLS_SMTP_\w+(?=')/gm) ?? [];
    assert.deepEqual(
      classes.map(({ code }) => code),
      [...declared].sort(),
    );
  });

  it(`are those of ${TABLE}, with class, phase, fault and whether to try again`, () => {
    if (update)
      writeFileSync(join(root, TABLE), `[\n${classes.map((one) => `  ${JSON.stringify(one)}`).join(',\n')}\n]\n`);
    assert.deepEqual(classes, JSON.parse(textOf(TABLE)));
  });

  it(`each have a row in ${PAGE} that says the same, and nothing else has`, () => {
    if (update) writeFileSync(join(root, PAGE), updatedPage());
    const rows = textOf(PAGE).split('\n').filter(isRow);
    assert.deepEqual(
      rows.map((row) => mechanical(row).join(' | ')),
      classes.map((facts) => cellsOf(facts).join(' | ')),
    );
    for (const row of rows)
      assert.ok(
        words(row).every((cell) => cell.length > 1),
        `say what it means: ${row}`,
      );
  });
});

describe('the reasons of a failed handshake', () => {
  it(`each have a row in ${PAGE}: what it means, and what to do`, () => {
    const rows = textOf(PAGE).split('\n');
    const reasons = wordsOf('HandshakeFailedError', 'reason');
    assert.ok(reasons.length > 5);
    assert.deepEqual(
      reasons.filter((reason) => !rows.some((row) => row.startsWith(`| \`${reason}\` | `) && cells(row).length === 3)),
      [],
    );
  });
});

describe('an entry exports', () => {
  for (const entry of entries) {
    it(`${entry.specifier}: every error that what it loads can throw, and the classes above them`, () => {
      const exported = new Set(exportsIn(entry).map(({ name }) => name));
      const source = relative('dist/src', entry.default).replace(/\.js$/, '.ts');
      const thrown = filesLoadedBy(source).flatMap(classesMadeIn);
      assert.ok(thrown.length > 0 && exported.has('TlsSmtpError'));
      const needed = [...new Set(thrown.flatMap((name) => [name, ...basesOf(name)]))].sort();
      assert.deepEqual(
        needed.filter((name) => !exported.has(name)),
        [],
      );
    });
  }
});

/** A row begins with a code in a cell of its own. */
function isRow(line: string): boolean {
  return /^\| `ERR_TLS_SMTP_/.test(line);
}

function cells(row: string): string[] {
  return row
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim());
}

function mechanical(row: string): string[] {
  return cells(row).slice(0, -2);
}

/** What it means, and what to do. */
function words(row: string): string[] {
  return cells(row).slice(-2);
}

function cellsOf({ code, class: name, phase, fault, temporary }: ErrorFacts): string[] {
  const later = temporary === true ? 'yes' : temporary === false ? 'no' : temporary;
  return [`\`${code}\``, `\`${name}\``, [phase].flat().join(', '), [fault].flat().join(', '), later];
}

/** The page with the rows of the classes; a row that has lost its class goes, a new one begs for words. */
function updatedPage(): string {
  const lines = textOf(PAGE).split('\n');
  const told = new Map(lines.filter(isRow).map((row) => [cells(row)[0], words(row)]));
  const rows = classes.map((facts) => {
    const [code = '', ...rest] = cellsOf(facts);
    return `| ${[code, ...rest, ...(told.get(code) ?? ['?', '?'])].join(' | ')} |`;
  });
  const first = lines.findIndex(isRow);
  return [...lines.slice(0, first), ...rows, ...lines.slice(lines.findLastIndex(isRow) + 1)].join('\n');
}

function filesLoadedBy(file: string): string[] {
  const loads = importsOfSource().filter((one) => one.kind !== 'type' && one.to.endsWith('.ts'));
  const reached = new Set([file]);
  for (const importer of reached) {
    for (const { from, to } of loads) if (from === importer) reached.add(to);
  }
  return [...reached].filter((one) => typeScriptFiles('src').includes(one));
}

/** The errors that a file makes with `new`. */
function classesMadeIn(file: string): string[] {
  const names: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isNewExpression(node) && ts.isIdentifier(node.expression)) names.push(node.expression.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, textOf(`src/${file}`), ts.ScriptTarget.Latest));
  return names.filter((name) => classes.some((one) => one.class === name));
}
