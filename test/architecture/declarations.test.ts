import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import ts from 'typescript';
import { entries } from './entries.js';
import { manifest, root } from './project.js';

const OPTIONS: ts.CompilerOptions = {
  module: ts.ModuleKind.Node20,
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  types: ['node'],
  strict: true,
  noEmit: true,
  skipLibCheck: false,
};

describe('declarations', () => {
  it('need no package that a user may not have: no optional peer, none of our own tools', () => {
    const program = [
      ...entries.map(({ specifier }, index) => `export * as entry${index} from '${specifier}';`),
      `export type * from '@peculiar/asn1-x509';`, // the one complaint that is due: it shows that the peers are away
    ];
    assert.deepEqual(complaints(program.join('\n')), ['TS2307 user.ts']);
  });
});

/** Compiles `text` as a user's file beside package.json, with the packages of a user who installed nothing optional. */
function complaints(text: string): string[] {
  const user = join(root, 'user.ts');
  const host = ts.createCompilerHost(OPTIONS);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (file) => file === user || fileExists(file);
  host.readFile = (file) => (file === user ? text : readFile(file));
  host.getSourceFile = (file, language, ...rest) =>
    file === user ? ts.createSourceFile(file, text, language) : getSourceFile(file, language, ...rest);
  host.resolveModuleNameLiterals = (literals, from, redirected, options, source) =>
    literals.map((literal) => {
      const mode = ts.getModeForUsageLocation(source, literal, options);
      const entry = entries.find(({ specifier }) => specifier === literal.text);
      if (entry) return { resolvedModule: { resolvedFileName: join(root, entry.types), extension: ts.Extension.Dts } };
      const found = ts.resolveModuleName(literal.text, from, options, host, undefined, redirected, mode);
      return isInstalled(literal.text, from) ? found : { resolvedModule: undefined };
    });
  const program = ts.createProgram({ rootNames: [user], options: OPTIONS, host });
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ code, file }) => `TS${code} ${file?.fileName.slice(root.length + 1) ?? ''}`);
}

/** Files, Node's own modules, and what our dependencies or @types/node bring. */
function isInstalled(specifier: string, from: string): boolean {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return true;
  return from.includes('/node_modules/') || specifier in manifest.dependencies;
}
