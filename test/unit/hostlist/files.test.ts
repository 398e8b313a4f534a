import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { itemsOf } from '../../../src/exim-list.js';
import { FileList } from '../../../src/hostlist/files.js';
import type { FileItems } from '../../../src/hostlist/match.js';
import { parseItems } from '../../../src/hostlist/parse.js';

const context = { primaryHostname: () => 'here.test', hasList: () => true };

describe('FileList', () => {
  let folder: string;
  let path: string;
  let warnings: string[];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tls-smtp-'));
    path = join(folder, 'hosts');
    warnings = [];
  });
  afterEach(() => rm(folder, { recursive: true }));

  const fileList = (before = ''): FileList => {
    const [item] = parseItems(itemsOf('host list', `${before}${path}`), context, 10);
    assert.ok(item !== undefined);
    return new FileList(path, item, context, 10, (message) => warnings.push(message));
  };

  it('is read at first need, and again when it has changed', async () => {
    const file = fileList();
    await writeFile(path, '10.0.0.1\n');
    assert.deepEqual(texts(await file.current()), ['10.0.0.1']);
    await writeFile(path, '10.0.0.2\n'); // of the same length, perhaps in the same tick of the clock
    assert.deepEqual(texts(await file.current()), ['10.0.0.2']);
    const next = join(folder, 'next');
    await writeFile(next, '10.0.0.3 : 10.0.0.4\n10.0.0.5\n');
    await rename(next, path);
    assert.deepEqual(texts(await file.current()), ['10.0.0.2']);
    assert.deepEqual(warnings, [
      `${path} line 1: expected ${'an IPv4 address of four decimal numbers without leading zeros, or an IPv6 address; a network has /bits behind it'}; its last good version stays in service`,
    ]);
  });

  it('gives its items the markers that stand before it', async () => {
    await writeFile(path, 'a.test\n');
    const items = await fileList('+ignore_unknown : +include_defer : ').current();
    assert.ok(items.kind === 'items');
    assert.deepEqual(
      items.index.items.map(({ onUnknown, onDefer }) => [onUnknown, onDefer]),
      [['ignore', 'include']],
    );
  });

  it('says why, where it never could be read, and reads it as soon as it can', async () => {
    const file = fileList();
    assert.deepEqual(await file.current(), { kind: 'unreadable', reason: `${path} cannot be read (ENOENT)` });
    await writeFile(path, '/nested/file\n');
    const nested = await file.current();
    assert.match(nested.kind === 'unreadable' ? nested.reason : '', /line 1: expected neither a file nor a named list/);
    await writeFile(path, '*\n');
    assert.deepEqual(texts(await file.current()), ['*']);
    assert.deepEqual(warnings, []);
  });

  it('keeps the last good version when the file goes away, and warns once', async () => {
    const file = fileList();
    await writeFile(path, '*\n');
    await file.current();
    await rm(path);
    assert.deepEqual([texts(await file.current()), texts(await file.current())], [['*'], ['*']]);
    assert.deepEqual(warnings, [`${path} cannot be read (ENOENT); its last good version stays in service`]);
    await writeFile(path, '*\n');
    await file.current();
    await rm(path);
    await file.current();
    assert.equal(warnings.length, 2);
  });

  it('reads neither a folder nor a pipe that nobody writes to', async () => {
    assert.deepEqual(await new FileList(folder, { ...itemOf(folder) }, context, 10, () => {}).current(), {
      kind: 'unreadable',
      reason: `${folder} is no regular file`,
    });
    execFileSync('mkfifo', [path]);
    assert.deepEqual(await fileList().current(), { kind: 'unreadable', reason: `${path} is no regular file` });
  });

  it('answers without waiting only for a version that has been read and is the same', async () => {
    const file = fileList();
    await writeFile(path, '10.0.0.1\n');
    assert.equal(file.unchanged(), undefined);
    const read = await file.current();
    assert.equal(file.unchanged(), read);
    await writeFile(path, '10.0.0.2\n'); // of the same length, perhaps in the same tick of the clock
    assert.equal(file.unchanged(), undefined);
    await rm(path);
    assert.equal(file.unchanged(), undefined);
  });

  it('shares one look among those who ask at the same time, in order', async () => {
    const file = fileList();
    await writeFile(path, '*\n');
    const all = await Promise.all([file.current(), file.current(), file.current()]);
    assert.ok(all.every((one) => one === all[0]));
  });
});

function itemOf(text: string) {
  const [item] = parseItems(itemsOf('host list', [text]), context, 10);
  assert.ok(item !== undefined);
  return item;
}

function texts(items: FileItems): string[] {
  return items.kind === 'items' ? items.index.items.map(({ text }) => text) : [items.reason];
}
