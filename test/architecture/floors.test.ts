import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { brokenRules } from './floors.js';
import { importsOf, importsOfSource } from './imports.js';

describe('floors', () => {
  it('hold: imports run downward, there is no circle, and pure rooms do not act', () => {
    assert.deepEqual(brokenRules(importsOfSource()), []);
  });
});

describe('the checker of floors', () => {
  it('lets a room use its own files, the rooms it stands on, and types of Node', () => {
    const files = {
      'starttls/server-machine.ts': `import type { Socket } from 'node:net'; import { step } from './step.js';`,
      'starttls/step.ts': `import { LineBuffer } from '../smtp/line-buffer.js'; export type { Reply } from '../smtp/reply.js';`,
      'hostlist/names.ts': `import { lookup } from 'node:dns/promises'; setTimeout(lookup, 1000);`,
      'peer.ts': `import { isIPv4, type Socket } from 'node:net';`,
    };
    assert.deepEqual(broken(files), []);
  });

  it('sees an upward import, in each of the forms that an import has', () => {
    const rule = 'smtp/reply.ts -> server/session.ts: smtp does not stand on server';
    for (const form of [
      `import { Session } from '../server/session.js';`,
      `import '../server/session.js';`,
      `import type { Session } from '../server/session.js';`,
      `export * from '../server/session.js';`,
      `export type { Session } from '../server/session.js';`,
      `const session = () => import('../server/session.js');`,
      `let session: import('../server/session.js').Session;`,
    ]) {
      assert.deepEqual(broken({ 'smtp/reply.ts': form }), [rule], form);
    }
  });

  it('sees rooms of one floor that lean on each other, and a room without a floor', () => {
    const files = {
      'client/transport.ts': `import { limits } from '../server/limits.js';`,
      'helpers/text.ts': `import { Peer } from '../peer.js';`,
    };
    assert.deepEqual(broken(files), [
      'client/transport.ts -> server/limits.ts: client does not stand on server',
      'helpers/text.ts -> peer.ts: helpers has no floor yet',
    ]);
  });

  it('keeps everybody off the face, and src off the tests', () => {
    const files = {
      'net/upgrade.ts': `import { Peer } from '../index.js';`,
      'demo/demo.ts': `import { pair } from '../../test/support/pair.js';`,
    };
    assert.deepEqual(broken(files), [
      'net/upgrade.ts -> index.ts: net does not stand on index',
      'demo/demo.ts -> ../test/support/pair.ts: it leaves src',
    ]);
  });

  it('sees a circle between files of one room, also where an edge of it is only a type', () => {
    const files = {
      'server/session.ts': `import { verbs } from './verbs.js';`,
      'server/verbs.ts': `import { limits } from './limits.js';`,
      'server/limits.ts': `import type { Session } from './session.js';`,
    };
    assert.deepEqual(broken(files), [
      'circle: server/session.ts -> server/verbs.ts -> server/limits.ts -> server/session.ts',
    ]);
  });

  it('sees what acts in a pure room: TLS, files, sockets, timers with and without an import', () => {
    const files = {
      'inspect/tls-info.ts': `import { TLSSocket } from 'node:tls';`,
      'policy/verdict.ts': `import { readFile } from 'node:fs/promises';`,
      'hostlist/match.ts': `import { isIP, connect } from 'node:net';`,
      'smtp/command.ts': `import { setTimeout } from 'node:timers/promises';`,
      'starttls/step.ts': `setTimeout(() => {}, 1000);`,
    };
    assert.deepEqual(broken(files), [
      'inspect/tls-info.ts -> node:tls: inspect stays out of TLS',
      'policy/verdict.ts -> node:fs/promises: policy is pure',
      'hostlist/match.ts -> node:net: hostlist is pure',
      'smtp/command.ts -> node:timers/promises: smtp is pure',
      'starttls/step.ts -> node:timers: starttls is pure',
    ]);
  });

  it('keeps handshakes behind the one door, and refuses an import that it cannot read', () => {
    const files = {
      'client/connection.ts': `import { connect } from 'node:tls';`,
      'server/plugins.ts': `import(name);`,
    };
    assert.deepEqual(broken(files), [
      'client/connection.ts -> node:tls: client stays out of TLS',
      'server/plugins.ts -> (computed): nobody can tell what it loads',
    ]);
  });
});

function broken(files: Readonly<Record<string, string>>): string[] {
  return brokenRules(Object.entries(files).flatMap(([file, text]) => importsOf(file, text)));
}
