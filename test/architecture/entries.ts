import { join } from 'node:path';
import ts from 'typescript';
import { manifest, root } from './project.js';

/** One line of `exports` in package.json. */
interface Entry {
  /** `tls-smtp/server` */
  readonly specifier: string;
  /** Both relative to the root of the project. */
  readonly types: string;
  readonly default: string;
}

export const entries: readonly Entry[] = Object.entries(manifest.exports).flatMap(([path, target]) =>
  typeof target === 'string' ? [] : [{ specifier: manifest.name + path.slice(1), ...target }],
);

/** The declarations that users get, of all entries. */
export const declarations: ts.Program = ts.createProgram({
  rootNames: entries.map((entry) => join(root, entry.types)),
  options: { module: ts.ModuleKind.Node20, types: [], noLib: true },
});

/** @returns what an entry exports, values and types, by name and sorted */
export function exportsIn({ types }: Entry): readonly ts.Symbol[] {
  const checker = declarations.getTypeChecker();
  const file = declarations.getSourceFile(join(root, types));
  const module = file && checker.getSymbolAtLocation(file);
  if (module === undefined) return [];
  return checker.getExportsOfModule(module).sort((one, other) => (one.name < other.name ? -1 : 1));
}
