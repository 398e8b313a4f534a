import { OptionError } from '../errors.js';
import { EmptyBuffer, type UnreadOctets } from '../smtp/empty-buffer.js';
import { fixedReply, type Reply } from '../smtp/reply.js';

/**
 * STARTTLS on the server as a pure machine (RFC 3207): it decides, a driver acts. One event in, the next state and the
 * effects out; the driver carries out each effect in order and then feeds the next event.
 *
 * `C` is whatever the driver's credentials are; the machine only carries them from the load to the handshake.
 * docs/reference/starttls-server-machine.md is printed from {@link step}.
 */
export type State<C> =
  /** In clear. `advertised`: the client said EHLO and was offered STARTTLS. */
  | { readonly name: 'clear'; readonly advertised: boolean }
  /** The application is asked whether this client may. */
  | { readonly name: 'consulting' }
  /** Credentials are being had, before anything is promised. */
  | { readonly name: 'loading'; readonly mode: TlsMode }
  /** 220 is on its way; nothing may follow it but the handshake, so both things it needs are at hand. */
  | { readonly name: 'replying'; readonly credentials: C; readonly empty: EmptyBuffer }
  | { readonly name: 'handshaking'; readonly mode: TlsMode }
  | { readonly name: 'secured'; readonly mode: TlsMode }
  /** TLS could not be had and nothing but QUIT is served (Exim's rule after its 454). */
  | { readonly name: 'locked-out'; readonly commandsLeft: number }
  | { readonly name: 'closed' };

export type TlsMode = 'starttls' | 'on-connect';

/** Whether the client must use TLS; `undecided`: that cannot be told yet. */
export type TlsDuty = 'required' | 'optional' | 'undecided';

export type Event<C> =
  /** The client said EHLO; `advertise` is the policy's answer for it. */
  | { readonly type: 'ehlo'; readonly advertise: boolean }
  | { readonly type: 'helo' }
  /** `received`: what stands unread behind the command, in the parser and in the socket. */
  | { readonly type: 'starttls'; readonly args: string; readonly received: EmptyBuffer | UnreadOctets }
  /** The connection begins with TLS (RFC 8314 §3.3; Exim tls_on_connect). */
  | { readonly type: 'connect' }
  | { readonly type: 'permitted' }
  | { readonly type: 'refused'; readonly reply: Reply }
  /** `received` is looked at again: loading took time, in which a client may have sent more. */
  | { readonly type: 'loaded'; readonly credentials: C; readonly received: EmptyBuffer | UnreadOctets | 'on-connect' }
  | { readonly type: 'unavailable'; readonly why: 'busy' }
  | { readonly type: 'unavailable'; readonly why: 'credentials'; readonly policy: 'lockout' | 'continue' }
  /** The 220 has left this process. */
  | { readonly type: 'flushed' }
  | { readonly type: 'secured' }
  | { readonly type: 'failed' }
  /** The client has ended TLS (close_notify), the connection goes on, and this client may. */
  | { readonly type: 'tls-ended' }
  /** Any command but STARTTLS, as far as the machine has a say in it; `tls` is the policy's answer for this client. */
  | { readonly type: 'command'; readonly verb: string; readonly tls: TlsDuty }
  /** The time that a locked-out client has is over. */
  | { readonly type: 'expired' }
  | { readonly type: 'closed' };

export type Effect<C> =
  | { readonly do: 'consult' }
  | { readonly do: 'load' }
  | { readonly do: 'reply'; readonly reply: Reply }
  /** The 220: written at once and waited for. */
  | { readonly do: 'announce'; readonly reply: Reply }
  | { readonly do: 'handshake'; readonly credentials: C; readonly boundary: EmptyBuffer | 'on-connect' }
  /** HELO name, AUTH identity, envelope: all that was learned in clear (RFC 3207 §4.2). */
  | { readonly do: 'forget-client' }
  | { readonly do: 'report-injection'; readonly octets: number }
  | { readonly do: 'report-lockout' }
  | { readonly do: 'close' };

export interface Step<C> {
  readonly state: State<C>;
  readonly effects: readonly Effect<C>[];
}

/** How many commands a locked-out client may still send before the connection is closed. */
export const LOCKOUT_COMMANDS = 10;

/** What a client that must use TLS may say before it (RFC 3207 §4); STARTTLS is an event of its own. */
const BEFORE_TLS: ReadonlySet<string> = new Set(['EHLO', 'HELO', 'NOOP', 'HELP', 'QUIT']);

export const replies: Readonly<Record<ReplyName, Reply>> = Object.freeze({
  ready: fixedReply(220, '2.0.0', 'Ready to start TLS'),
  injection: fixedReply(554, '5.5.1', 'Synchronization error: data received behind STARTTLS'),
  arguments: fixedReply(501, '5.5.4', 'STARTTLS takes no argument'),
  active: fixedReply(554, '5.5.1', 'TLS is already active'),
  notOffered: fixedReply(503, '5.5.1', 'STARTTLS was not advertised'),
  mustStartTls: fixedReply(530, '5.7.0', 'Must issue a STARTTLS command first'),
  undecided: fixedReply(451, '4.7.1', 'Temporarily unable to decide, try again later'),
  busy: fixedReply(454, '4.7.0', 'TLS not available now, try again later'),
  unavailable: fixedReply(454, '4.7.0', 'TLS not available due to temporary reason'),
  lockedOut: fixedReply(554, '5.7.0', 'Security failure'),
  lockoutOver: fixedReply(421, '4.7.0', 'Too many commands without security, closing'),
  closed: fixedReply(421, '4.7.0', 'The connection is being closed'),
});

type ReplyName =
  | 'ready'
  | 'injection'
  | 'arguments'
  | 'active'
  | 'notOffered'
  | 'mustStartTls'
  | 'undecided'
  | 'busy'
  | 'unavailable'
  | 'lockedOut'
  | 'lockoutOver'
  | 'closed';

export function initial(): State<never> {
  return { name: 'clear', advertised: false };
}

/** One step. Total: an event that cannot come in a state closes the connection without a word. */
export function step<C>(state: State<C>, event: Event<C>): Step<C> {
  if (typeof event?.type !== 'string') throw new OptionError('event', 'must be an object with a type');
  if (typeof state?.name !== 'string') throw new OptionError('state', 'must be what initial() or step() gave');
  if (event.type === 'closed') return { state: { name: 'closed' }, effects: [] };
  switch (state.name) {
    case 'clear':
      return inClear(state, event);
    case 'consulting':
      if (event.type === 'permitted')
        return { state: { name: 'loading', mode: 'starttls' }, effects: [{ do: 'load' }] };
      if (event.type === 'refused') return event.reply.code === 421 ? end(event.reply) : goOn(event.reply);
      return outOfOrder();
    case 'loading':
      return whileLoading(state.mode, event);
    case 'replying':
      if (event.type !== 'flushed') return outOfOrder();
      return {
        state: { name: 'handshaking', mode: 'starttls' },
        effects: [{ do: 'handshake', credentials: state.credentials, boundary: state.empty }],
      };
    case 'handshaking':
      if (event.type === 'secured')
        return { state: { name: 'secured', mode: state.mode }, effects: [{ do: 'forget-client' }] };
      // A failed handshake leaves no stream in which anything could be said (RFC 3207 §4.1 does not ask for it).
      if (event.type === 'failed') return { state: { name: 'closed' }, effects: [{ do: 'close' }] };
      return outOfOrder();
    case 'secured':
      return insideTls(state, event);
    case 'locked-out':
      return lockedOut(state, event);
    case 'closed': // what was pipelined behind the end is answered and never run
      return { state, effects: event.type === 'command' ? [{ do: 'reply', reply: replies.closed }] : [] };
    default:
      return state satisfies never;
  }
}

/** In the order of docs/reference/starttls-server-machine.md: a byte behind STARTTLS is refused first. */
function inClear<C>(state: State<C> & { name: 'clear' }, event: Event<C>): Step<C> {
  switch (event.type) {
    case 'ehlo':
      return { state: { name: 'clear', advertised: event.advertise }, effects: [] };
    case 'helo': // STARTTLS is an ESMTP extension: after HELO it has not been offered
      return { state: { name: 'clear', advertised: false }, effects: [] };
    case 'starttls':
      if (!EmptyBuffer.is(event.received)) return injected(event.received);
      if (event.args !== '') return { state, effects: [{ do: 'reply', reply: replies.arguments }] }; // RFC 3207 §4
      if (!state.advertised) return { state, effects: [{ do: 'reply', reply: replies.notOffered }] };
      return { state: { name: 'consulting' }, effects: [{ do: 'consult' }] };
    case 'connect':
      return { state: { name: 'loading', mode: 'on-connect' }, effects: [{ do: 'load' }] };
    case 'command':
      if (event.tls === 'optional' || BEFORE_TLS.has(event.verb)) return { state, effects: [] };
      // RFC 3207 §4: 530 to every command but these. Of whom it cannot be told yet is not let by, nor refused for good.
      return {
        state,
        effects: [{ do: 'reply', reply: event.tls === 'required' ? replies.mustStartTls : replies.undecided }],
      };
    default:
      return outOfOrder();
  }
}

function whileLoading<C>(mode: TlsMode, event: Event<C>): Step<C> {
  if (event.type === 'unavailable') {
    if (mode === 'on-connect') return { state: { name: 'closed' }, effects: [{ do: 'close' }] }; // not a clear-text byte
    if (event.why === 'busy') return goOn(replies.busy);
    if (event.policy === 'continue') return goOn(replies.unavailable); // RFC 3207 §4: 454, the session continues
    return {
      state: { name: 'locked-out', commandsLeft: LOCKOUT_COMMANDS },
      effects: [{ do: 'reply', reply: replies.unavailable }, { do: 'report-lockout' }],
    };
  }
  if (event.type !== 'loaded') return outOfOrder();
  const { credentials, received } = event;
  if (mode === 'on-connect') {
    return {
      state: { name: 'handshaking', mode },
      effects: [{ do: 'handshake', credentials, boundary: 'on-connect' }],
    };
  }
  if (received === 'on-connect') return outOfOrder();
  if (!EmptyBuffer.is(received)) return injected(received);
  return {
    state: { name: 'replying', credentials, empty: received },
    effects: [{ do: 'announce', reply: replies.ready }],
  };
}

function insideTls<C>(state: State<C> & { name: 'secured' }, event: Event<C>): Step<C> {
  switch (event.type) {
    case 'ehlo':
    case 'helo':
    case 'command':
      return { state, effects: [] };
    case 'starttls':
      if (!EmptyBuffer.is(event.received)) return injected(event.received);
      if (event.args !== '') return { state, effects: [{ do: 'reply', reply: replies.arguments }] };
      return { state, effects: [{ do: 'reply', reply: replies.active }] };
    case 'tls-ended': // a port on which TLS comes first has no clear session to go back to (RFC 8314 §3.3)
      if (state.mode === 'on-connect') return outOfOrder();
      return { state: { name: 'clear', advertised: false }, effects: [{ do: 'forget-client' }] };
    default:
      return outOfOrder();
  }
}

function lockedOut<C>(state: State<C> & { name: 'locked-out' }, event: Event<C>): Step<C> {
  switch (event.type) {
    case 'starttls':
      if (!EmptyBuffer.is(event.received)) return injected(event.received);
      return refuseLockedOut(state.commandsLeft);
    case 'ehlo':
    case 'helo':
      return refuseLockedOut(state.commandsLeft);
    case 'command':
      if (event.verb === 'QUIT') return { state, effects: [] }; // the session says its 221 (RFC 3207 §4.1)
      return refuseLockedOut(state.commandsLeft);
    case 'expired':
      return end(replies.lockoutOver);
    default:
      return outOfOrder();
  }
}

function refuseLockedOut<C>(commandsLeft: number): Step<C> {
  if (commandsLeft > 0) {
    return {
      state: { name: 'locked-out', commandsLeft: commandsLeft - 1 },
      effects: [{ do: 'reply', reply: replies.lockedOut }],
    };
  }
  return end(replies.lockoutOver);
}

/** CVE-2011-0411: counted, thrown away, never purged-and-continued. */
function injected<C>({ unread }: UnreadOctets): Step<C> {
  return {
    state: { name: 'closed' },
    effects: [{ do: 'report-injection', octets: unread }, { do: 'reply', reply: replies.injection }, { do: 'close' }],
  };
}

/** Refused, and the clear session goes on; STARTTLS may be tried again. */
function goOn<C>(reply: Reply): Step<C> {
  return { state: { name: 'clear', advertised: true }, effects: [{ do: 'reply', reply }] };
}

/** RFC 5321 §3.8: behind a 421 the connection is closed. */
function end<C>(reply: Reply): Step<C> {
  return { state: { name: 'closed' }, effects: [{ do: 'reply', reply }, { do: 'close' }] };
}

function outOfOrder<C>(): Step<C> {
  return { state: { name: 'closed' }, effects: [{ do: 'close' }] };
}
