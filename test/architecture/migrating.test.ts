import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import ts from 'typescript';
import { OptionError } from '../../src/errors.js';
import { SmtpServer, type SmtpServerOptions } from '../../src/server/index.js';
import { SMTP_SERVER_NAMES } from '../../src/server/smtp-server-names.js';
import { textOf } from './project.js';

const PAGE = 'docs/guide/migrating-from-smtp-server.md';

describe(PAGE, () => {
  it('has a row for each option and handler of smtp-server', () => {
    const page = textOf(PAGE);
    const missing = membersOf('SMTPServerOptions').filter((name) => !new RegExp(`\`${name}[\`(]`).test(page));
    assert.deepEqual(missing, []);
  });

  it('has a word for each property of its session that a client’s connection decides', () => {
    const page = textOf(PAGE);
    const ours = ['transaction', 'error', 'isWizard', 'xClient', 'xForward', 'disabledCommands', 'envelope'];
    const missing = membersOf('SMTPServerSession').filter((name) => !page.includes(`\`${name}\``));
    assert.deepEqual(
      missing.filter((name) => !ours.includes(name)),
      [],
    );
  });

  it('says what the error says, in the row of each option', () => {
    for (const [theirs, here] of optionRows()) {
      for (const name of theirs) {
        const given = { [name]: true } as SmtpServerOptions;
        const hint = SMTP_SERVER_NAMES[name];
        if (here.startsWith('the same')) assert.throws(() => new SmtpServer(given), /must be text|no meaning without/);
        else if (hint === undefined) {
          assert.match(here, /^none/, name);
          assert.throws(() => new SmtpServer(given), { message: `option ${name} is unknown` });
        } else {
          const [word = ''] = /[\w.()]+/.exec(hint) ?? [];
          assert.ok(here.includes(word), `${name}: the page says ${here}, the error ${hint}`);
          assert.throws(
            () => new SmtpServer(given),
            (error) => error instanceof OptionError && error.message === `option ${name} is unknown; ${hint} is meant?`,
          );
        }
      }
    }
  });

  it('and leaves out no name that an error explains', () => {
    const told = optionRows().flatMap(([theirs]) => theirs);
    assert.deepEqual(
      Object.keys(SMTP_SERVER_NAMES).filter((name) => !told.includes(name)),
      [],
    );
  });
});

/** The rows of the last section: their names, and what stands beside them. */
function optionRows(): [theirs: string[], here: string][] {
  const [, section = ''] = textOf(PAGE).split('\n## Options\n');
  const rows = section.split('\n').filter((line) => /^\| `/.test(line));
  assert.ok(rows.length > 20);
  return rows.map((row) => {
    const [, theirs = '', here = ''] = row.split('|');
    return [[...theirs.matchAll(/`(\w+)`/g)].map(([, name = '']) => name), here.trim()];
  });
}

/** The members of an interface of smtp-server's own declarations. */
function membersOf(type: string): string[] {
  const entry = createRequire(import.meta.url).resolve('smtp-server/package.json');
  const file = join(dirname(entry), 'dist/esm/types.d.ts');
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2022);
  const names = source.statements.flatMap((statement) =>
    ts.isInterfaceDeclaration(statement) && statement.name.text === type
      ? statement.members.flatMap((one) => (one.name && ts.isIdentifier(one.name) ? [one.name.text] : []))
      : [],
  );
  assert.ok(names.length > 10, `${type} is an interface of ${file}`);
  return names;
}
