import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { Descriptors } from '../../../src/server/descriptors.js';

const module = JSON.stringify(new URL('../../../src/server/descriptors.js', import.meta.url).href);

describe('Descriptors', () => {
  it('notices nothing while some are left', () => {
    assert.equal(new Descriptors(10).ranOut(1_000), false);
    assert.equal(new Descriptors().ranOut(Number.MAX_SAFE_INTEGER), false);
  });

  it('says once a minute that none is left, and looks only where connections are many', {
    skip: process.platform !== 'linux',
  }, () => {
    const source = `
      import { openSync } from 'node:fs';
      import { Descriptors } from ${module};
      const descriptors = new Descriptors();
      try { while (true) openSync('/dev/null', 'r'); } catch {}
      const asked = [[31, 0], [32, 0], [64, 10], [64, 59_999], [64, 60_000], [64, 60_001]];
      process.stdout.write(JSON.stringify(asked.map(([connections, ms]) => descriptors.ranOut(connections, ms))));
    `;
    const { stdout, stderr } = spawnSync(
      'sh',
      ['-c', 'ulimit -n 64; exec "$0" --input-type=module -e "$1"', process.execPath, source],
      { encoding: 'utf8' },
    );
    assert.equal(stdout, '[false,true,false,false,true,false]', stderr);
  });
});
