import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { describe, it } from 'node:test';
import ts from 'typescript';
import { importsOf } from './imports.js';
import { textOf, typeScriptFiles } from './project.js';

/** Files of src that a test elsewhere covers better than one of their own: the file, and that test. It must import the file. */
const TESTED_BY: Readonly<Record<string, string>> = {
  'server/errors.ts': 'test/unit/server/listeners.test.ts',
  'server/message.ts': 'test/unit/server/message-queue.test.ts',
  'net/client-upgrade.ts': 'test/unit/net/upgrade.test.ts',
};

/** Files of src that no test imports, and why that is well. */
const NOT_IMPORTED: Readonly<Record<string, string>> = {
  'demo/demo.ts': 'a program: test/integration/demo.test.ts runs it',
  'demo/dialogue-printer.ts': 'prints what the demo shows: test/integration/demo.test.ts reads it',
  'server/server.ts': 'test/integration holds it over real sockets, through the face of its room',
  'server/session.ts': 'a driver of sockets: test/integration/bad-lines, starttls-boundary and handlers hold it',
  'server/reception.ts': 'test/integration/bad-lines.test.ts sends it messages of every kind',
  'server/replies.ts': 'constants; the tests of whoever says them compare them',
  'net/starttls-server.ts':
    'test/integration/handshake-hazards and credentials-failure drive it, through the face of its room',
  'net/starttls-driver.ts': 'the driver of the machine: the same tests, and test/conformance/starttls-boundary.test.ts',
};

describe('test/unit mirrors src', () => {
  it('has a test for each file with logic', () => {
    const tests = new Set(typeScriptFiles('test/unit'));
    const untested = typeScriptFiles('src').filter(
      (file) => !tests.has(testOf(file)) && !(file in TESTED_BY) && !(file in NOT_IMPORTED) && hasLogic(file),
    );
    assert.deepEqual(untested, []);
  });

  it('has no test for a file that is gone', () => {
    const expected = new Set(typeScriptFiles('src').map(testOf));
    const orphans = typeScriptFiles('test/unit').filter((test) => !expected.has(test));
    assert.deepEqual(orphans, []);
  });

  it('lists exceptions that are true', () => {
    for (const [file, test] of Object.entries(TESTED_BY)) {
      const source = posix.relative(posix.dirname(test), `src/${file}`);
      assert.ok(imports(test).includes(source), `${test} does not import ${source}`);
    }
    const sources = typeScriptFiles('src');
    assert.deepEqual(
      Object.keys(NOT_IMPORTED).filter((file) => !sources.includes(file)),
      [],
    );
  });
});

function testOf(file: string): string {
  return file.replace(/\.ts$/, '.test.ts');
}

function imports(test: string): string[] {
  return importsOf(posix.basename(test), textOf(test)).map((one) => one.to);
}

/** A file that only declares types, or hands on what others export, leaves nothing to test. */
function hasLogic(file: string): boolean {
  const { statements } = ts.createSourceFile(file, textOf(`src/${file}`), ts.ScriptTarget.Latest);
  return !statements.every(
    (statement) =>
      ts.isInterfaceDeclaration(statement) ||
      ts.isTypeAliasDeclaration(statement) ||
      ts.isImportDeclaration(statement) ||
      ts.isExportDeclaration(statement),
  );
}
