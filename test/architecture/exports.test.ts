import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { join, relative } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { declarations, entries, exportsIn } from './entries.js';
import { FLOORS, roomOf } from './floors.js';
import { importsOfSource } from './imports.js';
import { manifest, root, textOf } from './project.js';

/** The names that each entry exports, reviewed as text. `UPDATE_TABLES=1 npm run check` writes it anew. */
const TABLE = 'test/tables/exports.json';

const require = createRequire(join(root, 'package.json'));
/** Sound without running anything: under verbatimModuleSyntax what is written is what loads. */
const loads = importsOfSource().filter((one) => one.kind === 'load' && !isBuiltin(one.to));

describe('exports', () => {
  it('lead to files that exist', () => {
    const targets = Object.values(manifest.exports);
    const files = targets.flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)));
    const absent = files.filter((file) => !existsSync(join(root, file)));
    assert.deepEqual(absent, []);
  });

  it('can be required and imported, and are named', async () => {
    for (const { specifier } of entries) {
      // Required first: once a module is loaded, require() no longer minds its top-level await.
      const required: object = require(specifier);
      const imported = await exportsOf(specifier);
      assert.deepEqual(Object.keys(required), imported, specifier);
      assert.ok(!imported.includes('default'), `${specifier} has a default export`);
    }
  });

  it('load no room but those that their own room stands on, and no package but the dependencies', () => {
    for (const { specifier, default: file } of entries) {
      const source = relative('dist/src', file).replace(/\.js$/, '.ts');
      const { rooms, packages } = loadedBy(source);
      const strangers = packages.filter((name) => !(name in manifest.dependencies));
      const foundation = foundationOf(roomOf(source));
      assert.deepEqual([...rooms.filter((room) => !foundation.has(room)), ...strangers], [], specifier);
    }
  });

  it(`are those of ${TABLE}`, async () => {
    const found: Record<string, string[]> = {};
    for (const entry of entries) {
      const { specifier } = entry;
      const values = await exportsOf(specifier);
      const declared = exportsIn(entry).map(({ name }) => name);
      found[specifier] = declared.map((name) => (values.includes(name) ? name : `type ${name}`));
    }
    if (process.env['UPDATE_TABLES']) writeFileSync(join(root, TABLE), `${JSON.stringify(found, null, 2)}\n`);
    assert.deepEqual(found, JSON.parse(textOf(TABLE)));
  });

  it('declare no any', () => {
    const found: string[] = [];
    for (const file of declarations.getSourceFiles()) {
      const name = relative(root, file.fileName);
      if (name.startsWith('node_modules')) continue;
      const visit = (node: ts.Node): void => {
        if (node.kind === ts.SyntaxKind.AnyKeyword) found.push(`${name}: ${node.parent.getText(file)}`);
        ts.forEachChild(node, visit);
      };
      visit(file);
    }
    assert.deepEqual(found, []);
  });
});

async function exportsOf(specifier: string): Promise<string[]> {
  return Object.keys(await import(pathToFileURL(require.resolve(specifier)).href));
}

/** What runs as soon as a file of src is imported. */
function loadedBy(file: string): { readonly rooms: string[]; readonly packages: string[] } {
  const reached = new Set([file]);
  for (const importer of reached) {
    for (const { from, to } of loads) if (from === importer) reached.add(to);
  }
  const files = [...reached].filter((name) => name.endsWith('.ts'));
  const packages = [...reached].filter((name) => !name.endsWith('.ts'));
  return { rooms: [...new Set(files.map(roomOf))], packages };
}

/** @returns the room, the rooms that it may import, and those that they may */
function foundationOf(room: string): Set<string> {
  const foundation = new Set([room]);
  for (const one of foundation) for (const below of FLOORS[one] ?? []) foundation.add(below);
  return foundation;
}
