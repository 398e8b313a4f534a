import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { EmptyBuffer } from '../../../src/smtp/empty-buffer.js';
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

const EMPTY = EmptyBuffer.prove();
const UNREAD = { unread: 7 };
const REFUSAL = { code: 550, enhanced: '5.7.1', lines: ['no'] };

/** Each event in each variant that the machine can tell apart; what it is called in the printed table. */
const EVENTS: Readonly<Record<string, Event<string>>> = {
  'EHLO, offered': { type: 'ehlo', advertise: true },
  'EHLO, not offered': { type: 'ehlo', advertise: false },
  HELO: { type: 'helo' },
  STARTTLS: { type: 'starttls', args: '', received: EMPTY },
  'STARTTLS x': { type: 'starttls', args: 'x', received: EMPTY },
  'STARTTLS, octets behind it': { type: 'starttls', args: '', received: UNREAD },
  'STARTTLS x, octets behind it': { type: 'starttls', args: 'x', received: UNREAD },
  'connection begins with TLS': { type: 'connect' },
  'application permits': { type: 'permitted' },
  'application refuses': { type: 'refused', reply: REFUSAL },
  'credentials loaded': { type: 'loaded', credentials: 'k', received: EMPTY },
  'loaded, octets came meanwhile': { type: 'loaded', credentials: 'k', received: UNREAD },
  'loaded for TLS-on-connect': { type: 'loaded', credentials: 'k', received: 'on-connect' },
  'too many handshakes': { type: 'unavailable', why: 'busy' },
  'no credentials, lockout': { type: 'unavailable', why: 'credentials', policy: 'lockout' },
  'no credentials, continue': { type: 'unavailable', why: 'credentials', policy: 'continue' },
  '220 flushed': { type: 'flushed' },
  'handshake succeeded': { type: 'secured' },
  'handshake failed': { type: 'failed' },
  'another command': { type: 'command', verb: 'MAIL' },
  QUIT: { type: 'command', verb: 'QUIT' },
  'time is over': { type: 'expired' },
  'connection closed': { type: 'closed' },
};

function effectName(effect: Effect<string>): string {
  if (effect.do === 'reply' || effect.do === 'announce')
    return `${effect.reply.code} ${effect.reply.enhanced ?? ''}`.trim();
  if (effect.do === 'handshake')
    return `handshake (${effect.boundary === 'on-connect' ? 'on-connect' : 'proven empty'})`;
  return effect.do;
}

function stateName(state: State<string>): string {
  switch (state.name) {
    case 'clear':
      return state.advertised ? 'clear, offered' : 'clear';
    case 'loading':
    case 'handshaking':
    case 'secured':
      return `${state.name} (${state.mode})`;
    case 'locked-out':
      return state.commandsLeft === 0 ? 'locked-out, used up' : 'locked-out';
    default:
      return state.name;
  }
}

/** Every state that can be reached, by its name, breadth first. */
function reachable(): Map<string, State<string>> {
  const found = new Map<string, State<string>>();
  const queue: State<string>[] = [initial()];
  const seen = new Set<string>();
  for (let state = queue.shift(); state !== undefined; state = queue.shift()) {
    const key = JSON.stringify(state);
    if (seen.has(key)) continue;
    seen.add(key);
    if (!found.has(stateName(state))) found.set(stateName(state), state);
    for (const event of Object.values(EVENTS)) queue.push(step(state, event).state);
  }
  return found;
}

const STATES = reachable();

/** Feeds events one after the other. @returns the last state's name and all effects' names */
function run(...names: string[]): { state: string; effects: string[] } {
  let state: State<string> = initial();
  const effects: string[] = [];
  for (const name of names) {
    const event = EVENTS[name];
    assert.ok(event, `no event is called ${name}`);
    const next: Step<string> = step(state, event);
    state = next.state;
    effects.push(...next.effects.map(effectName));
  }
  return { state: stateName(state), effects };
}

const LOADING = ['EHLO, offered', 'STARTTLS', 'application permits'];
const SECURED = [...LOADING, 'credentials loaded', '220 flushed', 'handshake succeeded'];

describe('SPEC §5, the table of STARTTLS, row by row', () => {
  const rows: [string, string[], string, string[]][] = [
    [
      'octets behind the command',
      ['EHLO, offered', 'STARTTLS, octets behind it'],
      'closed',
      ['report-injection', '554 5.5.1', 'close'],
    ],
    ['… beat a wrong argument', ['STARTTLS x, octets behind it'], 'closed', ['report-injection', '554 5.5.1', 'close']],
    [
      '… and are looked for again before the 220',
      [...LOADING, 'loaded, octets came meanwhile'],
      'closed',
      ['consult', 'load', 'report-injection', '554 5.5.1', 'close'],
    ],
    ['an argument', ['EHLO, offered', 'STARTTLS x'], 'clear, offered', ['501 5.5.4']],
    [
      'TLS is active',
      [...SECURED, 'STARTTLS'],
      'secured (starttls)',
      ['consult', 'load', '220 2.0.0', 'handshake (proven empty)', 'forget-client', '554 5.5.1'],
    ],
    ['no EHLO yet', ['STARTTLS'], 'clear', ['503 5.5.1']],
    ['HELO is no EHLO', ['EHLO, offered', 'HELO', 'STARTTLS'], 'clear', ['503 5.5.1']],
    ['not offered', ['EHLO, not offered', 'STARTTLS'], 'clear', ['503 5.5.1']],
    [
      'the application refuses',
      ['EHLO, offered', 'STARTTLS', 'application refuses'],
      'clear, offered',
      ['consult', '550 5.7.1'],
    ],
    ['too many handshakes', [...LOADING, 'too many handshakes'], 'clear, offered', ['consult', 'load', '454 4.7.0']],
    [
      'no credentials, lockout',
      [...LOADING, 'no credentials, lockout'],
      'locked-out',
      ['consult', 'load', '454 4.7.0', 'report-lockout'],
    ],
    [
      'no credentials, continue',
      [...LOADING, 'no credentials, continue'],
      'clear, offered',
      ['consult', 'load', '454 4.7.0'],
    ],
    [
      'otherwise',
      SECURED,
      'secured (starttls)',
      ['consult', 'load', '220 2.0.0', 'handshake (proven empty)', 'forget-client'],
    ],
    [
      'a failed handshake: closed in silence',
      [...SECURED.slice(0, 5), 'handshake failed'],
      'closed',
      ['consult', 'load', '220 2.0.0', 'handshake (proven empty)', 'close'],
    ],
  ];
  for (const [title, events, state, effects] of rows) {
    it(title, () => assert.deepEqual(run(...events), { state, effects }));
  }

  it('a locked-out client gets 554 ten times, then 421; QUIT is let through', () => {
    const lockedOut = [...LOADING, 'no credentials, lockout'];
    const said = run(...lockedOut, 'QUIT', ...Array<string>(LOCKOUT_COMMANDS + 1).fill('another command'));
    assert.equal(said.state, 'closed');
    assert.deepEqual(said.effects.slice(4), [
      ...Array<string>(LOCKOUT_COMMANDS).fill('554 5.7.0'),
      '421 4.7.0',
      'close',
    ]);
  });
});

describe('the machine, explored: every state with every event', () => {
  const all = [...STATES].flatMap(([from, state]) =>
    Object.entries(EVENTS).map(([name, event]) => ({ from, state, name, event, next: step(state, event) })),
  );

  it('reaches each of its states', () => {
    const names = new Set([...STATES.values()].map((state) => state.name));
    assert.deepEqual([...names].sort(), [
      'clear',
      'closed',
      'consulting',
      'handshaking',
      'loading',
      'locked-out',
      'replying',
      'secured',
    ]);
  });

  it('says nothing once it is closed, and never leaves it', () => {
    const closed = all.filter(({ state }) => state.name === 'closed');
    assert.ok(closed.every(({ next }) => next.state.name === 'closed' && next.effects.length === 0));
  });

  it('says nothing in clear between the 220 and the end of the handshake, nor on TLS-on-connect', () => {
    const silent = all.filter(
      ({ state }) =>
        state.name === 'replying' ||
        state.name === 'handshaking' ||
        (state.name === 'loading' && state.mode === 'on-connect'),
    );
    assert.ok(silent.length > 0);
    assert.deepEqual(
      silent.filter(({ next }) => next.effects.some((effect) => effect.do === 'reply' || effect.do === 'announce')),
      [],
    );
  });

  it('begins a handshake only behind a flushed 220 with the proof, or on a connection that begins with TLS', () => {
    const begun = all.filter(({ next }) => next.effects.some((effect) => effect.do === 'handshake'));
    assert.deepEqual(
      [...new Set(begun.map(({ from, name }) => `${from} + ${name}`))].sort(),
      ['credentials loaded', 'loaded for TLS-on-connect', 'loaded, octets came meanwhile']
        .map((name) => `loading (on-connect) + ${name}`)
        .concat('replying + 220 flushed'),
    );
  });

  it('says 220 only with a proof that was made after loading', () => {
    const said = all.filter(({ next }) => next.effects.some((effect) => effect.do === 'announce'));
    assert.deepEqual(
      said.map(({ from, name }) => `${from} + ${name}`),
      ['loading (starttls) + credentials loaded'],
    );
  });

  it('is secured only by a handshake', () => {
    const secured = all.filter(({ state, next }) => next.state.name === 'secured' && state.name !== 'secured');
    assert.ok(secured.every(({ state, name }) => state.name === 'handshaking' && name === 'handshake succeeded'));
  });

  it('closes on octets behind STARTTLS wherever a client can send them', () => {
    const injected = all.filter(({ name, state }) => name.includes('octets behind') && state.name !== 'closed');
    assert.ok(injected.every(({ next }) => next.state.name === 'closed'));
  });

  it('closes without a word on an event that cannot come', () => {
    const odd = step<string>({ name: 'secured', mode: 'starttls' }, { type: 'flushed' });
    assert.deepEqual(odd, { state: { name: 'closed' }, effects: [{ do: 'close' }] });
  });

  it('is printed in docs/reference/starttls-server-machine.md', () => {
    const file = join(root, 'docs/reference/starttls-server-machine.md');
    if (process.env['UPDATE_TABLES']) writeFileSync(file, printed());
    assert.equal(readFileSync(file, 'utf8'), printed());
  });
});

function printed(): string {
  const rows: string[] = [];
  for (const [from, state] of STATES) {
    for (const [name, event] of Object.entries(EVENTS)) {
      const { state: next, effects } = step(state, event);
      const closedInSilence = next.name === 'closed' && effects.length === 1 && effects[0]?.do === 'close';
      if (
        state.name === 'closed' ||
        (closedInSilence && name !== 'handshake failed' && name !== 'no credentials, lockout')
      )
        continue;
      rows.push(`| ${from} | ${name} | ${stateName(next)} | ${effects.map(effectName).join(', ') || '-'} |`);
    }
  }
  const words = Object.values(replies).map((reply) => `| ${reply.code} ${reply.enhanced} | ${reply.lines.join(' ')} |`);
  return `# STARTTLS on the server: every transition

Printed from \`src/starttls/server-machine.ts\` by its test. The driver feeds one event, carries out the effects in order,
then feeds the next. What is not in the table closes the connection without a word; nothing follows \`closed\`.

| state | event | next state | effects |
|---|---|---|---|
${rows.join('\n')}

## The replies

| code | text |
|---|---|
${words.join('\n')}
`;
}
