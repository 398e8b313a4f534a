import { EmptyBuffer } from '../../src/smtp/empty-buffer.js';
import { type Effect, type Event, initial, replies, type State, step } from '../../src/starttls/server-machine.js';

/** What stands for an engine: the machine only carries it. */
export const CREDENTIALS = 'credentials';

/** A proof of each of the two looks, told apart by identity. */
const FIRST_LOOK: EmptyBuffer = proof();
export const SECOND_LOOK: EmptyBuffer = proof();

export const UNREAD_OCTETS = 7;

/** One event in one variant that the machine can tell apart. */
export interface NamedEvent {
  /** What the printed table calls it. */
  readonly name: string;
  readonly event: Event<string>;
}

const unread = { unread: UNREAD_OCTETS };
const refusal = { code: 550, enhanced: '5.7.1', lines: ['Not you'] };

/** Every event in every variant. */
export const EVENTS: readonly NamedEvent[] = [
  { name: 'EHLO, offered', event: { type: 'ehlo', advertise: true } },
  { name: 'EHLO, not offered', event: { type: 'ehlo', advertise: false } },
  { name: 'HELO', event: { type: 'helo' } },
  { name: 'STARTTLS', event: { type: 'starttls', args: '', received: FIRST_LOOK } },
  { name: 'STARTTLS with an argument', event: { type: 'starttls', args: 'x', received: FIRST_LOOK } },
  { name: 'STARTTLS, octets behind it', event: { type: 'starttls', args: '', received: unread } },
  { name: 'STARTTLS with an argument, octets behind it', event: { type: 'starttls', args: 'x', received: unread } },
  { name: 'connection begins with TLS', event: { type: 'connect' } },
  { name: 'application permits', event: { type: 'permitted' } },
  { name: 'application refuses with 421', event: { type: 'refused', reply: { ...refusal, code: 421, enhanced: '4.7.1' } } },
  { name: 'application refuses', event: { type: 'refused', reply: refusal } },
  { name: 'credentials loaded', event: { type: 'loaded', credentials: CREDENTIALS, received: SECOND_LOOK } },
  { name: 'credentials loaded, octets came', event: { type: 'loaded', credentials: CREDENTIALS, received: unread } },
  {
    name: 'credentials loaded, on-connect',
    event: { type: 'loaded', credentials: CREDENTIALS, received: 'on-connect' },
  },
  { name: 'too many handshakes', event: { type: 'unavailable', why: 'busy' } },
  { name: 'no credentials, lockout', event: { type: 'unavailable', why: 'credentials', policy: 'lockout' } },
  { name: 'no credentials, continue', event: { type: 'unavailable', why: 'credentials', policy: 'continue' } },
  { name: '220 flushed', event: { type: 'flushed' } },
  { name: 'handshake succeeded', event: { type: 'secured' } },
  { name: 'handshake failed', event: { type: 'failed' } },
  { name: 'TLS ended by the client', event: { type: 'tls-ended' } },
  { name: 'QUIT', event: { type: 'command', verb: 'QUIT', tls: 'optional' } },
  { name: 'another command', event: { type: 'command', verb: 'MAIL', tls: 'optional' } },
  { name: 'QUIT, TLS required', event: { type: 'command', verb: 'QUIT', tls: 'required' } },
  { name: 'another command, TLS required', event: { type: 'command', verb: 'MAIL', tls: 'required' } },
  { name: 'another command, TLS duty undecided', event: { type: 'command', verb: 'MAIL', tls: 'undecided' } },
  { name: 'time is over', event: { type: 'expired' } },
  { name: 'connection closed', event: { type: 'closed' } },
];

/** Events that belong to a state although they end in the same silence as those that cannot come in it. */
const SILENT_ENDS: Readonly<Record<string, readonly Event<string>['type'][]>> = {
  handshaking: ['failed'],
  loading: ['unavailable'],
  secured: ['tls-ended'],
};

/** @returns every state that can be reached from the first, once each, breadth first */
export function reachableStates(): readonly State<string>[] {
  const found = new Map<string, State<string>>([[stateName(initial()), initial()]]);
  for (const state of found.values()) {
    for (const { event } of EVENTS) {
      const next = step(state, event).state;
      if (!found.has(stateName(next))) found.set(stateName(next), next);
    }
  }
  return [...found.values()];
}

/** Different for states that differ in anything that {@link EVENTS} can make them differ in. */
export function stateName(state: State<string>): string {
  switch (state.name) {
    case 'clear':
      return state.advertised ? 'clear, offered' : 'clear, not offered';
    case 'loading':
    case 'handshaking':
    case 'secured':
      return `${state.name}, ${state.mode}`;
    case 'locked-out':
      return `locked-out, ${state.commandsLeft} left`;
    case 'replying':
      return `replying${state.empty === SECOND_LOOK ? '' : ' with the wrong proof'}`;
    default:
      return state.name;
  }
}

export function effectName(effect: Effect<string>): string {
  switch (effect.do) {
    case 'reply':
    case 'announce':
      return `${effect.do} ${effect.reply.code} ${effect.reply.enhanced ?? ''}`.trimEnd();
    case 'handshake':
      return `handshake (${effect.boundary === 'on-connect' ? 'on-connect' : 'proven empty'})`;
    default:
      return effect.do;
  }
}

/** @returns docs/reference/starttls-server-machine.md, whole */
export function machineDocument(): string {
  const states = reachableStates().filter(isPrinted).sort((one, other) => rank(one) - rank(other));
  return [INTRODUCTION, '## Transitions', transitions(states), '## Replies', INTRODUCTION_TO_REPLIES, replyTable()]
    .join('\n\n')
    .concat('\n');
}

const INTRODUCTION = `# STARTTLS on the server: every transition

What a server does between a client's EHLO and a TLS session is decided by one pure function, \`step(state, event)\` in
\`src/starttls/server-machine.ts\` (exported as \`serverMachine\` from \`tls-smtp/starttls\`). It knows no socket. A driver, such
as the session of \`StartTlsServer\`, tells it what happened, one event at a time, carries out the effects that come back,
in their order, and then tells it the next event. The rules are those of RFC 3207, RFC 8314 §3.3 and Exim's lock-out.

This page is printed from \`step()\` by \`test/unit/starttls/server-machine.test.ts\`, which fails where they differ.
\`UPDATE_TABLES=1\` in the environment of that test writes it anew.

How to read it:

* A row is one call: in *state*, the *event* came; then the machine is in *next state* and the *effects* are carried out
  from left to right. A dash means that nothing is to be done.
* *any other event* stands for each event that has no row of its own in this state: it cannot come, so it is a mistake of
  the driver, and the connection is closed without a word.
* *octets behind it* and *octets came*: the client has sent something that nobody has read yet, at the first look
  (when STARTTLS was parsed) or at the second (just before the 220). Both close: CVE-2011-0411.
* \`reply\` is an ordinary reply. \`announce\` is the 220: it is written at once and waited for, and nothing but TLS records
  follows it. \`forget-client\` throws away all that was learned in clear (RFC 3207 §4.2).
* *QUIT* stands for all that a client that must use TLS may say before it: EHLO, HELO, NOOP, HELP and QUIT.
* A locked-out client counts down from ten. Only both ends of the count are printed; those between behave like the first.`;

const INTRODUCTION_TO_REPLIES = `\`application refuses\` is answered with the application's own reply, printed above as ${refusal.code} ${refusal.enhanced}. All others:`;

function transitions(states: readonly State<string>[]): string {
  const rows = states.flatMap((state) => {
    if (state.name === 'closed') return ['| closed | any event | closed | - |'];
    const named = EVENTS.filter(({ event }) => !isOutOfOrder(state, event));
    const own = named.map(({ name, event }) => row(state, name, event));
    return named.length === EVENTS.length
      ? own
      : [...own, `| ${stateName(state)} | any other event | closed | close |`];
  });
  return `| state | event | next state | effects |\n|---|---|---|---|\n${rows.join('\n')}`;
}

function row(state: State<string>, name: string, event: Event<string>): string {
  const next = step(state, event);
  return `| ${stateName(state)} | ${name} | ${stateName(next.state)} | ${next.effects.map(effectName).join(', ') || '-'} |`;
}

/** The order of a session's life, in which people look a state up. */
function rank({ name }: State<string>): number {
  const names = ['clear', 'consulting', 'loading', 'replying', 'handshaking', 'secured', 'locked-out', 'closed'];
  return names.indexOf(name);
}

function isPrinted(state: State<string>): boolean {
  return state.name !== 'locked-out' || state.commandsLeft === 0 || state.commandsLeft === 10;
}

function isOutOfOrder(state: State<string>, event: Event<string>): boolean {
  if (SILENT_ENDS[state.name]?.includes(event.type)) return false;
  const next = step(state, event);
  return next.state.name === 'closed' && next.effects.length === 1 && next.effects[0]?.do === 'close';
}

function replyTable(): string {
  const rows = Object.values(replies).map((reply) => `| ${reply.code} ${reply.enhanced} | ${reply.lines.join(' ')} |`);
  return `| code | text |\n|---|---|\n${rows.join('\n')}`;
}

function proof(): EmptyBuffer {
  const found = EmptyBuffer.prove(0, 0);
  if (!EmptyBuffer.is(found)) throw new Error('nothing is unread, and yet there is no proof');
  return found;
}
