import ts from 'typescript';
import { declarations, entries, exportsIn } from './entries.js';

/** What can be said of an error by its class alone; where its instances differ, each value that they may have. */
export interface ErrorFacts {
  readonly code: string;
  readonly class: string;
  readonly phase: string | readonly string[];
  readonly fault: string | readonly string[];
  readonly temporary: boolean | 'it depends';
}

/** Every error of the public declarations, by code: one that no entry exports is in no table and not allowed. */
export function errorClasses(): readonly ErrorFacts[] {
  const found = new Map<string, ErrorFacts>();
  for (const symbol of entries.flatMap(exportsIn)) {
    const facts = factsOf(symbol);
    if (facts !== null) found.set(facts.class, facts);
  }
  return [...found.values()].sort((one, other) => (one.code + one.class < other.code + other.class ? -1 : 1));
}

/** @returns the classes above an error's, but for TlsSmtpError: who catches by one of them must be able to import it */
export function basesOf(className: string): readonly string[] {
  const symbol = entries.flatMap(exportsIn).find(({ name }) => name === className);
  const bases: string[] = [];
  for (let type = symbol && instanceOf(symbol); type !== undefined; ) {
    type = type.isClassOrInterface() ? declarations.getTypeChecker().getBaseTypes(type)[0] : undefined;
    if (type === undefined || type.symbol.name === 'TlsSmtpError') break;
    bases.push(type.symbol.name);
  }
  return bases;
}

/** @returns the words that a property of an error can have */
export function wordsOf(className: string, property: string): readonly string[] {
  const symbol = entries.flatMap(exportsIn).find(({ name }) => name === className);
  const type = symbol && instanceOf(symbol);
  return type === undefined ? [] : valuesOf(type, property).map(String);
}

function factsOf(symbol: ts.Symbol): ErrorFacts | null {
  const type = instanceOf(symbol);
  if (type === undefined) return null;
  const code = valuesOf(type, 'code');
  const [only] = code;
  if (code.length !== 1 || typeof only !== 'string' || !only.startsWith('ERR_TLS_SMTP_')) return null;
  const [temporary, other] = valuesOf(type, 'temporary');
  return {
    code: only,
    class: symbol.name,
    phase: oneOrAll(valuesOf(type, 'phase').map(String)),
    fault: oneOrAll(valuesOf(type, 'fault').map(String)),
    temporary: typeof temporary === 'boolean' && other === undefined ? temporary : 'it depends',
  };
}

function instanceOf(symbol: ts.Symbol): ts.Type | undefined {
  const checker = declarations.getTypeChecker();
  const original = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  return original.flags & ts.SymbolFlags.Class ? checker.getDeclaredTypeOfSymbol(original) : undefined;
}

/** Every literal that a property's type allows. */
function valuesOf(type: ts.Type, name: string): (string | boolean)[] {
  const checker = declarations.getTypeChecker();
  const property = checker.getPropertyOfType(type, name);
  if (property === undefined) return [];
  const declared = checker.getTypeOfSymbol(property);
  const parts = declared.isUnion() ? declared.types : [declared];
  return parts.map((part) => (part.isStringLiteral() ? part.value : checker.typeToString(part) === 'true')).sort();
}

function oneOrAll(values: readonly string[]): string | readonly string[] {
  const [only] = values;
  return values.length === 1 && only !== undefined ? only : values;
}
