import ts from 'typescript';
import { textOf, typeScriptFiles } from './project.js';

/** A test that says which rules it holds. */
export interface TitledTest {
  readonly rules: readonly string[];
  /** Without the rules, and without what a loop puts behind it in parentheses. */
  readonly title: string;
  /** Below the project's folder. */
  readonly file: string;
}

/** @returns each `it('[R8, S06] …')` below test/, file by file, in their order there */
export function titledTests(): TitledTest[] {
  return typeScriptFiles('test')
    .filter((file) => file.endsWith('.test.ts'))
    .flatMap((file) => titlesIn(`test/${file}`).flatMap((title) => titledTest(`test/${file}`, title)));
}

function titledTest(file: string, text: string): TitledTest[] {
  const [, rules = '', title = ''] = /^\[([A-Z]\d+(?:, [A-Z]\d+)*)\] (.+)$/.exec(text) ?? [];
  return rules === '' ? [] : [{ rules: rules.split(', '), title, file }];
}

function titlesIn(file: string): string[] {
  const titles: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'it') {
      titles.push(titleOf(node.arguments[0]));
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, textOf(file), ts.ScriptTarget.Latest));
  return titles;
}

function titleOf(node: ts.Expression | undefined): string {
  if (node === undefined) return '';
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return '';
  return [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)]
    .join('…')
    .replace(/ \(…(?:, …)*\)$/, '');
}
