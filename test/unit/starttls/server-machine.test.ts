import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  type Effect,
  type Event,
  initial,
  LOCKOUT_COMMANDS,
  replies,
  type State,
  type Step,
  step,
} from '../../../src/starttls/server-machine.js';
import { root } from '../../architecture/project.js';
import {
  CREDENTIALS,
  EVENTS,
  effectName,
  machineDocument,
  reachableStates,
  SECOND_LOOK,
  stateName,
  UNREAD_OCTETS,
} from '../../tables/starttls-server-machine.js';

const STATES = reachableStates();

/** One call of `step()`, with what it came to. */
interface Transition {
  readonly from: State<string>;
  readonly name: string;
  readonly event: Event<string>;
  readonly to: State<string>;
  readonly effects: readonly Effect<string>[];
}

/** Every state with every event. */
const ALL: readonly Transition[] = STATES.flatMap((from) =>
  EVENTS.map(({ name, event }) => {
    const { state: to, effects } = step(from, event);
    return { from, name, event, to, effects };
  }),
);

function says({ effects }: Transition): boolean {
  return effects.some((effect) => effect.do === 'reply' || effect.do === 'announce');
}

/** For messages: `secured, starttls + HELO`. */
function label({ from, name }: Transition): string {
  return `${stateName(from)} + ${name}`;
}

function labels(transitions: readonly Transition[]): string[] {
  return transitions.map(label).sort();
}

function withEffect(kind: Effect<string>['do']): Transition[] {
  return ALL.filter(({ effects }) => effects.some((effect) => effect.do === kind));
}

/** Feeds events by their names. @returns where it ended, and all effects */
function run(...names: readonly string[]): { state: string; effects: string[] } {
  let state: State<string> = initial();
  const effects: string[] = [];
  for (const name of names) {
    const found = EVENTS.find((one) => one.name === name);
    assert.ok(found, `no event is called ${name}`);
    const next: Step<string> = step(state, found.event);
    state = next.state;
    effects.push(...next.effects.map(effectName));
  }
  return { state: stateName(state), effects };
}

const CONSULTING = ['EHLO, offered', 'STARTTLS'];
const LOADING = [...CONSULTING, 'application permits'];
const REPLYING = [...LOADING, 'credentials loaded'];
const HANDSHAKING = [...REPLYING, '220 flushed'];
const SECURED = [...HANDSHAKING, 'handshake succeeded'];
const LOCKED_OUT = [...LOADING, 'no credentials, lockout'];
const INJECTED = ['report-injection', 'reply 554 5.5.1', 'close'];

describe('SPEC §5, the table of STARTTLS, row by row', () => {
  it('1. octets behind the command: 554 5.5.1, counted, closed (RFC 3207 §6, CVE-2011-0411)', () => {
    assert.deepEqual(run('EHLO, offered', 'STARTTLS, octets behind it'), { state: 'closed', effects: INJECTED });
  });

  it('1. octets that came until just before the 220: 554 5.5.1, counted, closed', () => {
    assert.deepEqual(run(...LOADING, 'credentials loaded, octets came'), {
      state: 'closed',
      effects: ['consult', 'load', ...INJECTED],
    });
  });

  it('1. comes before 2: with an argument and octets it is an injection', () => {
    assert.deepEqual(run('EHLO, offered', 'STARTTLS with an argument, octets behind it'), {
      state: 'closed',
      effects: INJECTED,
    });
  });

  it('1. comes before 4: octets behind a STARTTLS that was never offered are an injection', () => {
    assert.deepEqual(run('STARTTLS, octets behind it'), { state: 'closed', effects: INJECTED });
  });

  it('2. an argument: 501 5.5.4, and the session goes on (RFC 3207 §4)', () => {
    assert.deepEqual(run('EHLO, offered', 'STARTTLS with an argument'), {
      state: 'clear, offered',
      effects: ['reply 501 5.5.4'],
    });
  });

  it('2. comes before 3: an argument inside TLS is 501', () => {
    assert.deepEqual(run(...SECURED, 'STARTTLS with an argument').effects.at(-1), 'reply 501 5.5.4');
  });

  it('2. comes before 4: an argument before EHLO is 501', () => {
    assert.deepEqual(run('STARTTLS with an argument'), { state: 'clear, not offered', effects: ['reply 501 5.5.4'] });
  });

  it('3. TLS is active: 554 5.5.1, and the session goes on inside TLS', () => {
    const { state, effects } = run(...SECURED, 'STARTTLS');
    assert.deepEqual([state, effects.at(-1)], ['secured, starttls', 'reply 554 5.5.1']);
  });

  it('3. TLS is active on a connection that began with it: the same', () => {
    const onConnect = ['connection begins with TLS', 'credentials loaded, on-connect', 'handshake succeeded'];
    assert.deepEqual(run(...onConnect, 'EHLO, offered', 'STARTTLS'), {
      state: 'secured, on-connect',
      effects: ['load', 'handshake (on-connect)', 'forget-client', 'reply 554 5.5.1'],
    });
  });

  it('4. no EHLO yet: 503 5.5.1, and the session goes on', () => {
    assert.deepEqual(run('STARTTLS'), { state: 'clear, not offered', effects: ['reply 503 5.5.1'] });
  });

  it('4. not advertised to this client: 503 5.5.1', () => {
    assert.deepEqual(run('EHLO, not offered', 'STARTTLS'), {
      state: 'clear, not offered',
      effects: ['reply 503 5.5.1'],
    });
  });

  it('4. HELO withdraws the offer of an earlier EHLO: 503 5.5.1', () => {
    assert.deepEqual(run('EHLO, offered', 'HELO', 'STARTTLS'), {
      state: 'clear, not offered',
      effects: ['reply 503 5.5.1'],
    });
  });

  it('5. the application refuses with 421: its reply, and the connection closes (RFC 5321 §3.8)', () => {
    assert.deepEqual(run(...CONSULTING, 'application refuses with 421'), {
      state: 'closed',
      effects: ['consult', 'reply 421 4.7.1', 'close'],
    });
  });

  it('5. the application refuses: its reply, and the session goes on with STARTTLS still on offer', () => {
    assert.deepEqual(run(...CONSULTING, 'application refuses'), {
      state: 'clear, offered',
      effects: ['consult', 'reply 550 5.7.1'],
    });
  });

  it('6. too many handshakes: 454 4.7.0, no lock-out', () => {
    assert.deepEqual(run(...LOADING, 'too many handshakes'), {
      state: 'clear, offered',
      effects: ['consult', 'load', 'reply 454 4.7.0'],
    });
  });

  it('7. credentials cannot be had, lockout: 454 4.7.0, then nothing but QUIT is served', () => {
    assert.deepEqual(run(...LOCKED_OUT), {
      state: `locked-out, ${LOCKOUT_COMMANDS} left`,
      effects: ['consult', 'load', 'reply 454 4.7.0', 'report-lockout'],
    });
  });

  it('7. credentials cannot be had, continue: 454 4.7.0, and the clear session goes on (RFC 3207 §4)', () => {
    assert.deepEqual(run(...LOADING, 'no credentials, continue'), {
      state: 'clear, offered',
      effects: ['consult', 'load', 'reply 454 4.7.0'],
    });
  });

  it('8. otherwise: 220, the handshake, and what was learned in clear is forgotten (RFC 3207 §4.2)', () => {
    assert.deepEqual(run(...SECURED), {
      state: 'secured, starttls',
      effects: ['consult', 'load', 'announce 220 2.0.0', 'handshake (proven empty)', 'forget-client'],
    });
  });

  it('a failed handshake: closed, and nothing is said in clear', () => {
    assert.deepEqual(run(...HANDSHAKING, 'handshake failed'), {
      state: 'closed',
      effects: ['consult', 'load', 'announce 220 2.0.0', 'handshake (proven empty)', 'close'],
    });
  });

  it('454 without lock-out may be followed by a STARTTLS that succeeds', () => {
    const again = ['STARTTLS', 'application permits', 'credentials loaded', '220 flushed', 'handshake succeeded'];
    for (const refused of [
      [...LOADING, 'too many handshakes'],
      [...LOADING, 'no credentials, continue'],
      [...CONSULTING, 'application refuses'],
    ]) {
      assert.equal(run(...refused, ...again).state, 'secured, starttls');
    }
  });
});

describe('SPEC §5, limits: the lock-out', () => {
  const lockedOut = STATES.filter((state) => state.name === 'locked-out');
  const behind = run(...LOCKED_OUT).effects.length;
  const refused = Array<string>(LOCKOUT_COMMANDS).fill('reply 554 5.7.0');

  it('lasts 10 commands', () => {
    assert.equal(LOCKOUT_COMMANDS, 10);
    assert.deepEqual(
      lockedOut.map(({ commandsLeft }) => commandsLeft),
      [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
    );
  });

  for (const command of ['another command', 'EHLO, offered', 'HELO', 'STARTTLS', 'STARTTLS with an argument']) {
    it(`${command}: ten times 554 5.7.0, then 421 4.7.0 and close`, () => {
      const { state, effects } = run(...LOCKED_OUT, ...Array<string>(LOCKOUT_COMMANDS + 1).fill(command));
      assert.deepEqual([state, effects.slice(behind)], ['closed', [...refused, 'reply 421 4.7.0', 'close']]);
    });
  }

  it('different commands count together', () => {
    const mixed = ['EHLO, offered', 'another command', 'STARTTLS', 'HELO', 'STARTTLS with an argument'];
    const { state, effects } = run(...LOCKED_OUT, ...mixed, ...mixed, 'another command');
    assert.deepEqual([state, effects.slice(behind)], ['closed', [...refused, 'reply 421 4.7.0', 'close']]);
  });

  it('QUIT is left to the session (221), is not counted, and is served at any time', () => {
    for (const from of lockedOut) {
      assert.deepEqual(step(from, { type: 'command', verb: 'QUIT', tls: 'optional' }), { state: from, effects: [] });
    }
  });

  it('ends with its time: 421 4.7.0 and close, however many commands are left', () => {
    for (const from of lockedOut) {
      assert.deepEqual(step<string>(from, { type: 'expired' }), {
        state: { name: 'closed' },
        effects: [{ do: 'reply', reply: replies.lockoutOver }, { do: 'close' }],
      });
    }
  });

  it('never leads back to clear text that is served, nor to TLS', () => {
    const out = ALL.filter(({ from, to }) => from.name === 'locked-out' && to.name !== 'locked-out');
    assert.deepEqual([...new Set(out.map(({ to }) => to.name))], ['closed']);
  });

  it('is the same at each count from ten to one', () => {
    const shapes = lockedOut
      .filter(({ commandsLeft }) => commandsLeft > 0)
      .map((from) =>
        EVENTS.map(({ event }) => {
          const { state, effects } = step(from, event);
          const used = state.name === 'locked-out' ? from.commandsLeft - state.commandsLeft : state.name;
          return [used, effects.map(effectName)];
        }),
      );
    for (const shape of shapes) assert.deepEqual(shape, shapes[0]);
  });
});

describe('the machine, explored: every state that can be reached, with every event', () => {
  it('an effect that leads to an event stands alone: whoever carries them out has one thing to wait for', () => {
    for (const kind of ['consult', 'load', 'announce', 'handshake'] as const) {
      const found = withEffect(kind);
      assert.ok(found.length > 0, kind);
      for (const transition of found) assert.equal(transition.effects.length, 1, label(transition));
    }
  });

  it('reaches each of its states in each variant', () => {
    assert.deepEqual(
      STATES.map(stateName).sort(),
      [
        ...['clear, not offered', 'clear, offered', 'closed', 'consulting', 'replying'],
        ...['handshaking, on-connect', 'handshaking, starttls', 'loading, on-connect', 'loading, starttls'],
        ...['secured, on-connect', 'secured, starttls'],
        ...Array.from({ length: LOCKOUT_COMMANDS + 1 }, (_none, left) => `locked-out, ${left} left`),
      ].sort(),
    );
  });

  it('is total: it answers every event in every state with a state and effects', () => {
    assert.equal(ALL.length, STATES.length * EVENTS.length);
    for (const { to, effects } of ALL) assert.ok(typeof to.name === 'string' && Array.isArray(effects));
  });

  it('is a function: the same event in the same state gives the same step, and changes neither', () => {
    for (const transition of ALL) {
      const { event, to, effects } = transition;
      const from = Object.freeze({ ...transition.from });
      assert.deepEqual(step(from, Object.freeze({ ...event })), { state: to, effects }, label(transition));
    }
  });

  it('does nothing once it is closed, and stays closed; a command pipelined behind the end gets a 421', () => {
    const after = ALL.filter(({ from }) => from.name === 'closed');
    const answer = [{ do: 'reply', reply: replies.closed }];
    assert.deepEqual(
      after.map(({ to, effects }) => [to.name, effects]),
      EVENTS.map(({ event }) => ['closed', event.type === 'command' ? answer : []]),
    );
  });

  it('says nothing from the 220 to the end of the handshake (RFC 3207 §4)', () => {
    const silent = ALL.filter(({ from }) => from.name === 'replying' || from.name === 'handshaking');
    assert.deepEqual(labels(silent.filter(says)), []);
  });

  it('lets nothing but the handshake or the end follow an announced 220', () => {
    const announced = withEffect('announce');
    assert.deepEqual([...new Set(announced.map(({ to }) => to.name))], ['replying']);
    const next = ALL.filter(({ from }) => from.name === 'replying');
    assert.deepEqual([...new Set(next.map(({ to }) => to.name))].sort(), ['closed', 'handshaking']);
  });

  it('says 220 as the last effect of its step, behind no other reply', () => {
    for (const { effects } of withEffect('announce')) {
      assert.deepEqual(effects, [{ do: 'announce', reply: replies.ready }]);
    }
  });

  it('says 220 only in loading, with the proof of the second look', () => {
    const announced = withEffect('announce');
    assert.deepEqual(labels(announced), ['loading, starttls + credentials loaded']);
    for (const { to } of announced) assert.ok(to.name === 'replying' && to.empty === SECOND_LOOK);
  });

  it('says 220 and 221 by no other way: `reply` is never 2xx', () => {
    const positive = ALL.filter(({ effects }) =>
      effects.some((effect) => effect.do === 'reply' && effect.reply.code < 400),
    );
    assert.deepEqual(labels(positive), []);
  });

  it('begins a handshake behind a flushed 220, or where a connection begins with TLS, and nowhere else', () => {
    assert.deepEqual(
      labels(withEffect('handshake')),
      [
        'loading, on-connect + credentials loaded',
        'loading, on-connect + credentials loaded, octets came',
        'loading, on-connect + credentials loaded, on-connect',
        'replying + 220 flushed',
      ].sort(),
    );
  });

  it('gives the handshake the credentials that were loaded, and the proof that the 220 was said with', () => {
    for (const { from, effects } of withEffect('handshake')) {
      const boundary = from.name === 'replying' ? SECOND_LOOK : 'on-connect';
      assert.deepEqual(effects, [{ do: 'handshake', credentials: CREDENTIALS, boundary }]);
      const [effect] = effects;
      assert.ok(effect?.do === 'handshake' && effect.boundary === boundary);
    }
  });

  it('is handshaking exactly when it began a handshake', () => {
    const into = ALL.filter(({ to }) => to.name === 'handshaking');
    assert.deepEqual(labels(into), labels(withEffect('handshake')));
  });

  it('is secured by a handshake and nothing else, and forgets the client there (RFC 3207 §4.2)', () => {
    const into = ALL.filter(({ from, to }) => to.name === 'secured' && from.name !== 'secured');
    assert.deepEqual(labels(into), [
      'handshaking, on-connect + handshake succeeded',
      'handshaking, starttls + handshake succeeded',
    ]);
    const ended = ['secured, starttls + TLS ended by the client'];
    assert.deepEqual(labels(withEffect('forget-client')), [...labels(into), ...ended]);
  });

  it('goes from TLS back to clear text by a close_notify alone, to where a connection begins, having forgotten all', () => {
    const out = ALL.filter(({ from, to }) => from.name === 'secured' && to.name !== 'secured' && to.name !== 'closed');
    assert.deepEqual(labels(out), ['secured, starttls + TLS ended by the client']);
    for (const { to, effects } of out) {
      assert.deepEqual({ to, effects }, { to: initial(), effects: [{ do: 'forget-client' }] });
    }
  });

  it('has no clear text to go back to where TLS came first (RFC 8314 §3.3)', () => {
    const onConnect = ['connection begins with TLS', 'credentials loaded, on-connect', 'handshake succeeded'];
    assert.deepEqual(run(...onConnect, 'TLS ended by the client').state, 'closed');
  });

  it('closes with 554 on unread octets wherever a client can have sent them (CVE-2011-0411)', () => {
    const injection = [
      { do: 'report-injection', octets: UNREAD_OCTETS },
      { do: 'reply', reply: replies.injection },
      { do: 'close' },
    ];
    const hit = ALL.filter(({ from, event }) => {
      const behindCommand = event.type === 'starttls' && ['clear', 'secured', 'locked-out'].includes(from.name);
      const beforeReply = event.type === 'loaded' && from.name === 'loading' && from.mode === 'starttls';
      if (!behindCommand && !beforeReply) return false;
      return typeof event.received === 'object' && 'unread' in event.received;
    });
    assert.equal(hit.length, 2 * (2 + 2 + LOCKOUT_COMMANDS + 1) + 1);
    for (const transition of hit) {
      const { to, effects } = transition;
      assert.deepEqual({ to, effects }, { to: { name: 'closed' }, effects: injection }, label(transition));
    }
    assert.deepEqual(labels(withEffect('report-injection')), labels(hit));
  });

  it('says nothing in clear on a connection that is to begin with TLS (RFC 8314 §3.3)', () => {
    const onConnect = ALL.filter(
      ({ from }) => (from.name === 'loading' || from.name === 'handshaking') && from.mode === 'on-connect',
    );
    assert.equal(onConnect.length, 2 * EVENTS.length);
    assert.deepEqual(labels(onConnect.filter(says)), []);
    assert.deepEqual([...new Set(onConnect.map(({ to }) => to.name))].sort(), ['closed', 'handshaking', 'secured']);
  });

  it('does not take the word "on-connect" for a proof on STARTTLS', () => {
    assert.deepEqual(run(...LOADING, 'credentials loaded, on-connect'), {
      state: 'closed',
      effects: ['consult', 'load', 'close'],
    });
  });

  it('asks the application before it loads, and loads before it promises', () => {
    assert.deepEqual(labels(withEffect('consult')), ['clear, offered + STARTTLS']);
    assert.deepEqual(labels(withEffect('load')), [
      'clear, not offered + connection begins with TLS',
      'clear, offered + connection begins with TLS',
      'consulting + application permits',
    ]);
  });

  it('closes the connection in the step that ends the session, and only there', () => {
    for (const transition of ALL) {
      const { from, event, to, effects } = transition;
      const ends = from.name !== 'closed' && event.type !== 'closed' && to.name === 'closed';
      assert.equal(effects.at(-1)?.do === 'close', ends, label(transition));
      assert.equal(effects.filter((effect) => effect.do === 'close').length, ends ? 1 : 0, label(transition));
    }
  });

  it('says at most one reply in a step', () => {
    for (const transition of ALL) {
      const said = transition.effects.filter((effect) => effect.do === 'reply' || effect.do === 'announce');
      assert.ok(said.length <= 1, label(transition));
    }
  });

  it('does nothing more when the connection has closed', () => {
    const gone = ALL.filter(({ event }) => event.type === 'closed');
    for (const { to, effects } of gone) assert.deepEqual({ to, effects }, { to: { name: 'closed' }, effects: [] });
  });

  it('reports a lock-out once, where it begins', () => {
    assert.deepEqual(labels(withEffect('report-lockout')), ['loading, starttls + no credentials, lockout']);
  });
});

describe('a client that must use TLS, RFC 3207 §4', () => {
  const inClear: State<string> = { name: 'clear', advertised: true };
  const said = (verb: string, tls: 'required' | 'optional' | 'undecided'): string =>
    step<string>(inClear, { type: 'command', verb, tls }).effects.map(effectName).join() || 'goes on';

  it('gets 530 to every command but EHLO, HELO, NOOP, HELP, QUIT, and STARTTLS', () => {
    const free = ['EHLO', 'HELO', 'NOOP', 'HELP', 'QUIT'];
    for (const verb of free) assert.equal(said(verb, 'required'), 'goes on', verb);
    for (const verb of ['MAIL', 'RCPT', 'DATA', 'BDAT', 'RSET', 'VRFY', 'AUTH', 'XYZZY', '', 'ehlo']) {
      assert.equal(said(verb, 'required'), 'reply 530 5.7.0', verb);
      assert.equal(said(verb, 'optional'), 'goes on', verb);
    }
    assert.deepEqual(run('EHLO, offered', 'another command, TLS required', 'STARTTLS').effects, [
      'reply 530 5.7.0',
      'consult',
    ]);
  });

  it('is not let by while nobody can tell, nor refused for good: 451', () => {
    assert.deepEqual([said('MAIL', 'undecided'), said('EHLO', 'undecided')], ['reply 451 4.7.1', 'goes on']);
  });
});

describe('the replies', () => {
  it('each has an enhanced code of its own class (RFC 3463 §2) and cannot be changed', () => {
    for (const [name, { code, enhanced, lines }] of Object.entries(replies)) {
      assert.equal(enhanced?.[0], String(code)[0], name);
      assert.ok(lines.length === 1 && Object.isFrozen(lines), name);
    }
    assert.ok(Object.isFrozen(replies) && Object.values(replies).every((reply) => Object.isFrozen(reply)));
  });
});

describe('docs/reference/starttls-server-machine.md', () => {
  it('is what step() does (written anew with UPDATE_TABLES=1)', () => {
    const file = join(root, 'docs', 'reference', 'starttls-server-machine.md');
    if (process.env['UPDATE_TABLES'] === '1') writeFileSync(file, machineDocument());
    assert.equal(readFileSync(file, 'utf8'), machineDocument());
  });
});
