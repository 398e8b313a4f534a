import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { rename, writeFile } from 'node:fs/promises';
import { after, describe, it } from 'node:test';
import { acl, CredentialStore, HostList, SmtpTransport } from '../../src/index.js';
import { TestAuthority } from '../../src/testing/index.js';
import { textOf } from '../architecture/project.js';
import { RawClient } from '../support/raw-client.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { startServer } from '../support/with-server.js';

const PAGE = 'docs/guide/observability.md';

/** One row of the table of events. */
interface Row {
  readonly channel: string;
  readonly type: string;
  readonly fields: readonly string[];
}

const rows: readonly Row[] = textOf(PAGE)
  .split('\n')
  .filter((line) => line.startsWith('| `tls-smtp:'))
  .map((line) => {
    const [channel = [], type = [], fields = []] = line
      .split('|')
      .slice(1, 4)
      .map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word));
    return { channel: channel[0] ?? '', type: type[0] ?? '', fields };
  });

const heard: { readonly channel: string; readonly event: Readonly<Record<string, unknown>> }[] = [];
const channels = [...new Set(rows.map(({ channel }) => channel))];
const listeners = channels.map((channel) => {
  const listen = (event: unknown): void => void heard.push({ channel, event: { ...(event as object) } });
  subscribe(channel, listen);
  return { channel, listen };
});
after(() => {
  for (const { channel, listen } of listeners) unsubscribe(channel, listen);
});

describe(`${PAGE} is true`, { timeout: 120_000 }, () => {
  it('a session, a handshake and one that fails are told, by server and client', async () => {
    await using running = await startServer();
    const host = { host: 'mx.test', address: '127.0.0.1', port: running.port };
    const delivery = { hosts: [host], envelope: { from: 'a@x.test', to: ['b@y.test'] }, message: 'x' };
    assert.equal((await new SmtpTransport().deliver(delivery)).status, 'delivered');
    await using client = await running.greeted();
    await client.ask('STARTTLS');
    await client.send('EHLO again.test\r\n');
    await client.closed();
    await running.quiet();
  });

  it('a client too many and a command that a list refuses are told', async () => {
    await using running = await startServer({ limits: { maxConnections: 1 }, acl: { mail: [acl.deny()] } });
    await using client = await running.greeted();
    await client.ask('MAIL FROM:<a@x.test>');
    await (await RawClient.connect(running.port)).closed();
  });

  it('credentials with a flaw, in use and over, changed for the better and for the worse, are told', async () => {
    const authority = await TestAuthority.create();
    const expired = await authority.issue({ flaw: 'expired' });
    const good = await authority.issue();
    await using folder = await temporaryFolder({ 'both.pem': expired.cert + expired.key });
    const store = new CredentialStore({ certificate: folder.file('both.pem') });
    await store.resolve();
    await replace(folder.file('both.pem'), good.cert + good.key);
    await store.resolve();
    await replace(folder.file('both.pem'), 'no PEM at all');
    await store.resolve();
  });

  it('a file of a host list that goes bad is told', async () => {
    await using folder = await temporaryFolder({ hosts: '192.0.2.1\n' });
    const list = HostList.parse([folder.file('hosts')]);
    assert.equal((await list.match({ address: '192.0.2.1' })).result, 'yes');
    await replace(folder.file('hosts'), '010.0.0.1\n');
    assert.equal((await list.match({ address: '192.0.2.1' })).result, 'yes');
  });

  it('each room that has a voice has rows', () => {
    const [, union = ''] = /export type Room = ([^;]+);/.exec(textOf('src/trace.ts')) ?? [];
    const rooms = [...union.matchAll(/'(\w+)'/g)].map(([, room]) => `tls-smtp:${room}`);
    assert.deepEqual(rooms.sort(), [...channels].sort());
  });

  it('and these are the events of the table: each of them, with its fields, and no others', () => {
    const seen = heard.map(({ channel, event: { type, ...fields } }) => line(channel, type, Object.keys(fields)));
    const told = rows.map(({ channel, type, fields }) => line(channel, type, fields));
    assert.ok(told.length > 5);
    assert.deepEqual([...new Set(seen)].sort(), told.sort());
  });
});

function line(channel: string, type: unknown, fields: readonly string[]): string {
  return `${channel} ${String(type)}: ${[...fields].sort().join(', ')}`;
}

/** As an operator should: beside it, then renamed. */
async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
