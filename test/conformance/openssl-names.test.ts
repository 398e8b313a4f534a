import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { TlsSmtpError } from '../../src/index.js';
import { classify } from '../../src/net/handshake-failure.js';
import { root, textOf } from '../architecture/project.js';
import { CLIENT_CERTIFICATES, CLIENTS, CREDENTIALS, SERVERS, type Situations } from '../support/situations.js';

/**
 * What Node's and OpenSSL's names become: the same on each version that we run on. `UPDATE_TABLES=1` writes what is ours, and
 * beside it the names of the version that runs, for people and for the last test.
 */
const TABLE = 'test/tables/openssl-names.json';
const PAGE = 'docs/reference/errors.md';

interface Row {
  readonly code: string;
  /** HandshakeFailedError's word, which says it all; of others the text. */
  readonly reason?: string;
  readonly says?: string;
  /** By major version of Node: its or OpenSSL's name, where the error tells it. */
  readonly names: Readonly<Record<string, string>>;
}

type Table = Record<string, Record<string, Row>>;

const groups: Readonly<Record<string, Situations>> = {
  'a client': CLIENTS,
  'a client that must show a certificate': CLIENT_CERTIFICATES,
  'a server': SERVERS,
  'our credentials': CREDENTIALS,
};

const table: Table = JSON.parse(textOf(TABLE));
const update = process.env['UPDATE_TABLES'] !== undefined;
const [major = ''] = process.versions.node.split('.');

for (const [group, situations] of Object.entries(groups)) {
  describe(`SPEC §8, the same on each version of Node: ${group}`, { timeout: 120_000 }, () => {
    for (const [situation, provoke] of Object.entries(situations)) {
      it(situation, async () => {
        const error = await provoke();
        assert.ok(error instanceof TlsSmtpError, String(error));
        const { name, ...ours } = factsOf(error);
        const known = table[group]?.[situation];
        if (update) {
          const names = { ...known?.names, ...(name !== null && { [major]: name }) };
          table[group] = { ...table[group], [situation]: { ...ours, names } };
          return;
        }
        const { names: _names, ...expected } = known ?? { names: {} };
        assert.deepEqual(ours, expected, `Node ${major} calls it ${name}`);
      });
    }
  });
}

describe('SPEC §8, the names of other versions', () => {
  it('lead to the same word too', () => {
    if (update) writeFileSync(join(root, TABLE), printed());
    const rows = Object.values(table).flatMap((group) => Object.values(group));
    const wrong = rows.flatMap(({ code, reason, names }) =>
      code !== 'ERR_TLS_SMTP_HANDSHAKE_FAILED' ? [] : Object.values(names).filter((name) => classify(name) !== reason),
    );
    assert.deepEqual(wrong, []);
    assert.ok(rows.length > 60);
  });

  it(`are explained on ${PAGE}, each by a row of its own`, () => {
    const rows = textOf(PAGE).split('\n');
    const reasons = Object.values(table).flatMap((group) => Object.values(group).map(({ reason }) => reason));
    const told = (reason: string): boolean => rows.some((row) => row.startsWith(`| \`${reason}\` |`));
    assert.deepEqual(
      [...new Set(reasons)].filter((reason) => reason !== undefined && !told(reason)),
      [],
    );
  });

  it('stand beside situations that exist', () => {
    for (const [group, situations] of Object.entries(table)) {
      assert.deepEqual(Object.keys(situations).sort(), Object.keys(groups[group] ?? {}).sort());
    }
  });
});

/** What is ours, apart from the name that Node or OpenSSL has for it, which stands in brackets at the end of the text. */
function factsOf(error: TlsSmtpError): Omit<Row, 'names'> & { readonly name: string | null } {
  const [, says = error.message, name = null] = /^(.*) \(([\w/ -]+)\)$/.exec(error.message) ?? [];
  const { reason } = error as { reason?: unknown };
  return { code: error.code, ...(typeof reason === 'string' ? { reason } : { says }), name };
}

/** One line for each situation. */
function printed(): string {
  const groupsOf = Object.entries(table).map(([group, situations]) => {
    const rows = Object.entries(situations).map(([name, row]) => `    ${JSON.stringify(name)}: ${JSON.stringify(row)}`);
    return `  ${JSON.stringify(group)}: {\n${rows.join(',\n')}\n  }`;
  });
  return `{\n${groupsOf.join(',\n')}\n}\n`;
}
