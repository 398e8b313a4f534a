import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CpuProfile, formatSelfTimes, selfTimes } from './profile.js';

describe('the profile of a server', () => {
  const profile: CpuProfile = {
    nodes: [
      node(1, '(idle)', '', -1),
      node(2, 'run', 'file:///somewhere/dist/src/server/session.js', 41),
      node(3, 'run', 'file:///somewhere/dist/src/server/session.js', 41),
      node(4, '', 'node:net', 0),
    ],
    samples: [1, 2, 3, 4],
    timeDeltas: [1_000, 50, 25, 25],
  };

  it('adds up the own time of a function wherever it was called from, and leaves out idleness', () => {
    assert.deepEqual(selfTimes(profile, 5), [
      { where: 'run dist/src/server/session.js:42', share: 0.75 },
      { where: '(anonymous) node:net:1', share: 0.25 },
    ]);
  });

  it('is cut behind the dearest', () => {
    assert.equal(
      formatSelfTimes('bulk', selfTimes(profile, 1)),
      '\nbulk\n  75.0 %  run dist/src/server/session.js:42\n',
    );
  });
});

function node(id: number, functionName: string, url: string, lineNumber: number): CpuProfile['nodes'][number] {
  return { id, callFrame: { functionName, url, lineNumber } };
}
