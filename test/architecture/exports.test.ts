import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { FLOORS, roomOf } from './floors.js';
import { importsOfSource } from './imports.js';
import { manifest, root, textOf } from './project.js';

/** What may be imported from each entry, reviewed as text. `UPDATE_TABLES=1 npm run check` writes it anew. */
const TABLE = 'test/tables/exports.json';

const require = createRequire(join(root, 'package.json'));
const modules = Object.entries(manifest.exports).flatMap(([entry, target]) =>
  typeof target === 'string' ? [] : [{ entry, specifier: manifest.name + entry.slice(1), ...target }],
);
const types = ts.createProgram({
  rootNames: modules.map((module) => join(root, module.types)),
  options: { module: ts.ModuleKind.Node20, types: [], noLib: true },
});

describe('exports', () => {
  it('lead to files that exist', () => {
    const files = Object.values(manifest.exports).flatMap((target) => Object.values(target === 'object' ? [] : target));
    assert.deepEqual(files.filter((file) => !existsSync(join(root, file))), []);
  });

  for (const { entry, specifier, types: declaration, default: file } of modules) {
    describe(specifier, () => {
      it('can be required and imported, and has named exports only', async () => {
        // Required first: a module that was imported before would hide a top-level await from require().
        const required: object = require(specifier);
        const imported: object = await import(pathToFileURL(require.resolve(specifier)).href);
        assert.deepEqual(Object.keys(required), Object.keys(imported));
        assert.ok(!('default' in imported));
      });
    });
  }
});
