import { posix } from 'node:path';
import ts from 'typescript';
import { textOf, typeScriptFiles } from './project.js';

/** One import of one file. */
export interface Import {
  /** The importing file, relative to src. */
  readonly from: string;
  /** The imported file, relative to src too; or a package or Node module, as it is written. */
  readonly to: string;
  /**
   * `type` is gone after compilation, `load` runs when the file does, `deferred` is an `import()`.
   * `import { type A }` is a `load`: under verbatimModuleSyntax its module is still loaded.
   */
  readonly kind: 'type' | 'load' | 'deferred';
  /** The values taken, by the names that they are exported under; `*` stands for all. */
  readonly names: readonly string[];
}

/** Timers need no import. They are reported as one, so that a pure room cannot have them either way. */
const GLOBAL_TIMERS = ['setTimeout', 'setInterval', 'setImmediate'];

/** @returns every import of every file of src, in the order of the files */
export function importsOfSource(): Import[] {
  return typeScriptFiles('src').flatMap((file) => importsOf(file, textOf(`src/${file}`)));
}

/** Reads the imports of one file, wherever they stand in it. */
export function importsOf(file: string, text: string): Import[] {
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    const one = importIn(node);
    if (one !== undefined) found.push({ from: file, ...one, to: resolved(file, one.to) });
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest));
  return found;
}

function importIn(node: ts.Node): Omit<Import, 'from'> | undefined {
  if (ts.isImportDeclaration(node)) {
    const clause = node.importClause;
    return { to: literal(node.moduleSpecifier), kind: kindOf(clause?.isTypeOnly), names: importedNames(clause) };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
    const names = bindingNames(node.exportClause);
    return { to: literal(node.moduleSpecifier), kind: kindOf(node.isTypeOnly), names };
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return { to: literal(node.argument.literal), kind: 'type', names: [] };
  }
  if (!ts.isCallExpression(node)) return undefined;
  if (node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return { to: literal(node.arguments[0]), kind: 'deferred', names: ['*'] };
  }
  if (ts.isIdentifier(node.expression) && GLOBAL_TIMERS.includes(node.expression.text)) {
    return { to: 'node:timers', kind: 'load', names: [node.expression.text] };
  }
  return undefined;
}

function kindOf(typeOnly: boolean | undefined): 'type' | 'load' {
  return typeOnly ? 'type' : 'load';
}

function importedNames(clause: ts.ImportClause | undefined): string[] {
  if (clause === undefined) return ['*'];
  const bound = clause.namedBindings === undefined ? [] : bindingNames(clause.namedBindings);
  return clause.name === undefined ? bound : ['default', ...bound];
}

function bindingNames(bindings: ts.NamedImportBindings | ts.NamedExportBindings | undefined): string[] {
  if (bindings === undefined || ts.isNamespaceImport(bindings) || ts.isNamespaceExport(bindings)) return ['*'];
  const values = [...bindings.elements].filter((element) => !element.isTypeOnly);
  return values.map((element) => (element.propertyName ?? element.name).text);
}

/** A computed specifier names nothing that a rule could allow, so every rule refuses it. */
function literal(node: ts.Node | undefined): string {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : '(computed)';
}

function resolved(file: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier;
  return posix.join(posix.dirname(file), specifier).replace(/\.js$/, '.ts');
}
