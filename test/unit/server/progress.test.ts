import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Deadlines } from '../../../src/server/deadlines.js';
import type { Intake } from '../../../src/server/intake.js';
import { checkedLimits } from '../../../src/server/limits.js';
import { Progress } from '../../../src/server/progress.js';

const LIMITS = checkedLimits({
  handlerTimeoutMs: 1_000,
  commandTimeoutMs: 2_000,
  dataTimeoutMs: 3_000,
  sessionTimeoutMs: 60_000,
});

/** A clock that stands where it is put. */
function begun(now: number): { readonly clock: { now: number }; readonly progress: Progress } {
  const clock = { now };
  return { clock, progress: new Progress(clock as unknown as Deadlines, LIMITS) };
}

function intake(full: boolean): Intake {
  return { full, endless: false, read: () => -1, end: () => null };
}

describe('Progress', () => {
  it('ends once: nothing that was under way leads back', () => {
    const { clock, progress } = begun(500);
    progress.enter('ending');
    clock.now = 900;
    for (const phase of ['waiting', 'commands', intake(false)] as const) progress.enter(phase);
    assert.deepEqual([progress.phase, progress.over, progress.late()], ['ending', true, 'farewell']);
  });

  it('counts from the clock: the phase from when it is entered, the session from its beginning', () => {
    const { clock, progress } = begun(500);
    assert.deepEqual([progress.phase, progress.dueAt, progress.endsAt], ['opening', 1_500, 60_500]);
    clock.now = 700;
    progress.enter('commands');
    assert.deepEqual([progress.dueAt, progress.endsAt], [2_700, 60_500]);
    clock.now = 900;
    progress.enter('commands'); // the same once more: it goes on
    assert.equal(progress.dueAt, 2_900);
    progress.enter(intake(false));
    assert.equal(progress.dueAt, 3_900);
    progress.enter(intake(true));
    assert.equal(progress.dueAt, 1_900);
  });

  it('gives the last words a time of their own, however late it is', () => {
    const { clock, progress } = begun(0);
    clock.now = 70_000;
    progress.enter('ending');
    assert.deepEqual(
      [progress.dueAt, progress.endsAt, progress.late()],
      [72_000, Number.POSITIVE_INFINITY, 'farewell'],
    );
  });

  it('reads where a command, a response or a message is due, and nowhere else', () => {
    const { progress } = begun(0);
    const phases = ['opening', 'upgrading', 'commands', 'authenticating', intake(true), 'waiting', 'ending'] as const;
    const reading = phases.map((phase) => {
      progress.enter(phase);
      return progress.reading;
    });
    assert.deepEqual(reading, [false, false, true, true, true, false, false]);
  });

  it('says who is late: in a message that the application does not read, the application', () => {
    const { clock, progress } = begun(0);
    const phases = ['opening', 'waiting', intake(true), 'commands', 'authenticating', intake(false)] as const;
    const late = (): string[] =>
      phases.map((phase) => {
        progress.enter(phase);
        return progress.late();
      });
    assert.deepEqual(late(), ['handler', 'handler', 'handler', 'client', 'client', 'client']);
    clock.now = 60_000;
    assert.deepEqual(new Set(late()), new Set(['session']));
  });
});
