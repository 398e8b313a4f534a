import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import ts from 'typescript';
import { checkedDelivery } from '../../src/client/delivery.js';
import { transportSettings } from '../../src/client/options.js';
import { credentialSettings } from '../../src/credentials/options.js';
import { OptionError } from '../../src/errors.js';
import { settingsOf } from '../../src/hostlist/options.js';
import { serverTlsSettings } from '../../src/net/server-tls-options.js';
import { StartTlsServer } from '../../src/net/starttls-server.js';
import { checkedLimits } from '../../src/server/limits.js';
import { entries, exportsIn } from './entries.js';
import { textOf, typeScriptFiles } from './project.js';

const OPTIONS = 'docs/reference/options.md';
const SERVER = 'docs/guide/server.md';

/** Interfaces whose members users write or hear, and where each name stands in a table: a page, or a section of it. */
const DOCUMENTED: Readonly<Record<string, readonly [page: string, section?: string]>> = {
  ServerTlsOptions: [OPTIONS, '`tls` of `SmtpServer` and `StartTlsServer`'],
  CredentialOptions: [OPTIONS, '`tls` of `SmtpServer` and `StartTlsServer`'],
  SmtpServerOptions: [OPTIONS, '`SmtpServer`'],
  Limits: [OPTIONS, '`limits` of `SmtpServer`'],
  ListenOptions: [OPTIONS, '`listen()` of `SmtpServer`'],
  AcceptOptions: [OPTIONS, '`accept()` of `SmtpServer`'],
  StartTlsServerOptions: [OPTIONS, '`StartTlsServer`'],
  ServerPolicyOptions: [OPTIONS, '`tls` of `SmtpServer` and `StartTlsServer`'],
  HostListOptions: [OPTIONS, '`HostList`'],
  HostMatchOptions: [OPTIONS, '`HostList`'],
  SmtpTransportOptions: [OPTIONS, '`SmtpTransport`'],
  TransportTlsOptions: [OPTIONS, '`tls` of `SmtpTransport`'],
  Timeouts: [OPTIONS, '`timeouts` of `SmtpTransport`'],
  Delivery: [OPTIONS, '`deliver()` of `SmtpTransport`'],
  DeliveryHost: [OPTIONS, '`deliver()` of `SmtpTransport`'],
  ReceivedOptions: [OPTIONS, '`TlsInfo`'],
  TestAuthorityOptions: [OPTIONS, '`TestAuthority`'],
  LeafOptions: [OPTIONS, '`TestAuthority`'],
  Handlers: [SERVER, 'Handlers'],
  SmtpServerEvents: [SERVER, 'Events'],
  StartTlsServerEvents: ['docs/guide/own-sockets.md', 'Events, limits'],
  CredentialStoreEvents: ['docs/guide/credentials.md', 'When files change'],
};

type Given = Readonly<Record<string, unknown>>;

/** What reads the options of a section: it throws OptionError for bad ones, and gives the settings with their defaults. */
const READERS: Readonly<Record<string, (given: Given) => object>> = {
  '`tls` of `SmtpServer` and `StartTlsServer`': (given) => ({
    ...credentialSettings(given),
    ...serverTlsSettings(given),
  }),
  '`limits` of `SmtpServer`': (given) => checkedLimits(given),
  '`StartTlsServer`': (given) => new StartTlsServer(given),
  '`HostList`': (given) => settingsOf(given),
  '`timeouts` of `SmtpTransport`': (given) => transportSettings({ timeouts: given }).timeouts,
  '`deliver()` of `SmtpTransport`': (given) => {
    const hosts = [{ host: 'mx.test', ...given }];
    const { targets } = checkedDelivery({ hosts, envelope: { from: '', to: ['a@x.test'] }, message: 'x' }, 25);
    return targets[0] ?? {};
  },
};

describe('docs name each option and event', () => {
  for (const [type, [page, section]] of Object.entries(DOCUMENTED)) {
    it(`${type} in ${page}, ${section}`, () => {
      const names = membersOf(type);
      assert.ok(names.length > 0, `${type} is an interface of src`);
      const rows = rowsOf(page, section).map(({ text }) => text);
      const told = (name: string): boolean => rows.some((row) => new RegExp(`^\\| [^|]*\`${name}[\`(]`).test(row));
      assert.deepEqual(
        names.filter((name) => !told(name)),
        [],
      );
    });
  }

  it('and no public interface of options is missing here', () => {
    const interfaces = entries
      .flatMap(exportsIn)
      .map(({ name }) => name)
      .filter((name) => /(Options|Events)$/.test(name) && membersOf(name).length > 0);
    assert.deepEqual(
      [...new Set(interfaces)].filter((name) => !(name in DOCUMENTED)),
      [],
    );
  });
});

describe(`${OPTIONS} is true`, () => {
  for (const [section, read] of Object.entries(READERS)) {
    it(`${section}: numbers have the least, the most and the default that the page says`, () => {
      const defaults = read({}) as Readonly<Record<string, unknown>>;
      for (const row of rowsOf(OPTIONS, section)) {
        const { name, least, most, byDefault } = row;
        const value = defaults[name] === Number.POSITIVE_INFINITY ? null : defaults[name]; // `off`
        if (typeof defaults[name] === 'number') assert.equal(byDefault, value, `the default of ${name}`);
        if (byDefault !== null)
          assert.ok(least !== null, `${name} has a default that is a number: say its least and most`);
        if (least === null) continue;
        assert.ok(Object.hasOwn(read({ [name]: least }), name) || section === '`StartTlsServer`', name);
        for (const bad of [least - 1, least + 0.5, ...(most === null ? [] : [most + 1])]) {
          assert.throws(() => read({ [name]: bad }), OptionError, `${name}: ${bad}`);
        }
        if (most !== null) read({ [name]: most });
      }
    });
  }

  it('each name of Exim in a docstring and in a table stands in the list at its end, which names options that exist', () => {
    const list = rowsOf(OPTIONS, "Exim's names");
    const listed = list.flatMap(({ cells: [exim = ''] }) => words(exim));
    const inSource = typeScriptFiles('src').flatMap((file) =>
      [...textOf(`src/${file}`).matchAll(/^ {2}(?:\/\*\*| \*) Exim (tls_\w+|hosts_\w+)/gm)].map(([, name]) => name),
    );
    const inTables = Object.values(DOCUMENTED)
      .filter(([page]) => page === OPTIONS)
      .flatMap(([page, section]) => rowsOf(page, section).flatMap(({ exim }) => words(exim)));
    assert.ok(inSource.length > 5 && inTables.length > 20);
    assert.deepEqual(
      [...new Set([...inSource, ...inTables])].filter((name) => name !== undefined && !listed.includes(name)),
      [],
    );
    const options = Object.values(DOCUMENTED).flatMap(([page, section]) =>
      rowsOf(page, section).flatMap(({ cells: [name = ''] }) => words(name).map((word) => word.replace(/\(.*/, ''))),
    );
    const meant = list.flatMap(({ cells: [, ours = ''] }) => words(ours)).filter((one) => /^[a-z][\w.[\]]+$/.test(one));
    assert.ok(meant.length > 20);
    assert.deepEqual(
      meant.filter((one) => !options.includes(one.replace(/^.*\./, ''))),
      [],
    );
    const order = list.map(({ cells: [exim = ''] }) => words(exim)[0]);
    assert.deepEqual(order, [...order].sort());
  });
});

interface Row {
  readonly text: string;
  readonly cells: readonly string[];
  readonly name: string;
  readonly exim: string;
  readonly byDefault: number | null;
  readonly least: number | null;
  readonly most: number | null;
}

/** The rows of the tables below a heading, up to the next of the same rank or a higher one. */
function rowsOf(page: string, section?: string): Row[] {
  const lines = textOf(page).split('\n');
  const start =
    section === undefined ? 0 : lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === section);
  assert.ok(start >= 0, `${page} has the section ${section}`);
  const rows: Row[] = [];
  let header: readonly string[] = [];
  for (const line of lines.slice(start + 1)) {
    if (section !== undefined && /^#+ /.test(line)) break;
    if (!line.startsWith('| ')) continue;
    const cells = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    if (lines[lines.indexOf(line) + 1]?.startsWith('|---')) header = cells;
    else rows.push(rowOf(line, cells, header));
  }
  return rows;
}

function rowOf(text: string, cells: readonly string[], header: readonly string[]): Row {
  const under = (title: string): string => cells[header.indexOf(title)] ?? '';
  const [, least, most] = /^(\d[\d,]*) (?:to (\d[\d,]*)|or more)/.exec(under('what it takes')) ?? [];
  const byDefault = /^\d[\d,]*/.exec(under('default'))?.[0];
  const name = words(cells[0] ?? '')[0] ?? '';
  return {
    text,
    cells,
    name,
    exim: under('Exim'),
    byDefault: number(byDefault),
    least: number(least),
    most: number(most),
  };
}

function number(text: string | undefined): number | null {
  return text === undefined ? null : Number(text.replaceAll(',', ''));
}

/** What stands in backticks. */
function words(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);
}

/** The members of an interface of src, its own and not those that it inherits. */
function membersOf(type: string): string[] {
  return interfacesOfSource.get(type) ?? [];
}

const interfacesOfSource: ReadonlyMap<string, string[]> = new Map(
  typeScriptFiles('src').flatMap((file) =>
    ts.createSourceFile(file, textOf(`src/${file}`), ts.ScriptTarget.ES2022).statements.flatMap((statement) => {
      if (!ts.isInterfaceDeclaration(statement)) return [];
      const names = statement.members.flatMap((one) => (one.name && ts.isIdentifier(one.name) ? [one.name.text] : []));
      return [[statement.name.text, names] as const];
    }),
  ),
);
