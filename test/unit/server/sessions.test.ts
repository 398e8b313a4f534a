import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Sessions } from '../../../src/server/sessions.js';

/** @returns what is done to a session that joins, in order */
function join(sessions: Sessions, id: string): string[] {
  const log: string[] = [];
  sessions.add(id, { drain: () => log.push('drain'), destroy: (reason) => log.push(reason) });
  return log;
}

describe('Sessions', () => {
  it('drains them and waits for the last; nobody is cut who ends in time', async () => {
    const sessions = new Sessions();
    const logs = [join(sessions, 'a'), join(sessions, 'b')];
    let over = false;
    const drained = sessions.drain(50).then(() => {
      over = true;
    });
    sessions.remove('a');
    await sleep(0);
    assert.deepEqual([over, sessions.size], [false, 1]);
    sessions.remove('b');
    await drained;
    await sleep(100);
    assert.deepEqual(logs, [['drain'], ['drain']]);
  });

  it('cuts those that are left when the time is up', async () => {
    const sessions = new Sessions();
    const log = join(sessions, 'a');
    const drained = sessions.drain(20);
    await sleep(60);
    assert.deepEqual(log, ['drain', 'the server shut down']);
    sessions.remove('a');
    await drained;
  });

  it('waits for nobody where there is none', async () => {
    await new Sessions().drain(60_000);
  });
});
