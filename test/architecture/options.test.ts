import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import ts from 'typescript';
import { root, textOf } from './project.js';

/** Options objects, and the page on which each of their names stands in a table. */
const DOCUMENTED: readonly (readonly [file: string, type: string, page: string])[] = [
  ['src/net/server-tls-options.ts', 'ServerTlsOptions', 'docs/reference/options.md'],
  ['src/credentials/options.ts', 'CredentialOptions', 'docs/reference/options.md'],
  ['src/credentials/credential-store.ts', 'CredentialStoreEvents', 'docs/guide/credentials.md'],
  ['src/server/options.ts', 'SmtpServerOptions', 'docs/reference/options.md'],
  ['src/server/limits.ts', 'Limits', 'docs/guide/server.md'],
  ['src/server/handlers.ts', 'Handlers', 'docs/guide/server.md'],
  ['src/server/server.ts', 'SmtpServerEvents', 'docs/guide/server.md'],
  ['src/net/starttls-server.ts', 'StartTlsServerOptions', 'docs/guide/own-sockets.md'],
  ['src/net/starttls-server.ts', 'StartTlsServerEvents', 'docs/guide/own-sockets.md'],
];

describe('docs name each option and event', () => {
  for (const [file, type, page] of DOCUMENTED) {
    it(`${type} in ${page}`, () => {
      const names = membersOf(file, type);
      assert.ok(names.length > 0, `${type} stands in ${file}`);
      const rows = readFileSync(join(root, page), 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('| '));
      const told = (name: string): boolean => rows.some((row) => new RegExp(`^\\| [^|]*\`${name}[\`(]`).test(row));
      assert.deepEqual(
        names.filter((name) => !told(name)),
        [],
      );
    });
  }
});

function membersOf(file: string, type: string): string[] {
  const source = ts.createSourceFile(file, textOf(file), ts.ScriptTarget.ES2022);
  const found = source.statements.find((one) => ts.isInterfaceDeclaration(one) && one.name.text === type);
  if (found === undefined || !ts.isInterfaceDeclaration(found)) return [];
  return found.members.flatMap((member) => (member.name && ts.isIdentifier(member.name) ? [member.name.text] : []));
}
