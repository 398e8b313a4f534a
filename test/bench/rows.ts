import type { BodyName } from './bodies.js';
import type { ServerKind } from './contestants/contestant.js';
import type { Load, Pipelining } from './loads.js';

/** What a row compares. */
export type Measure = 'cpu' | 'banner' | 'memory';

/** What our figure must reach. `ratio` is held against the reference, `value` is the figure itself. */
export interface Goal {
  readonly of: 'ratio' | 'value';
  readonly at: 'least' | 'most';
  readonly bound: number;
}

/** One row of the bench: who does what, and what is asked of us. */
export interface Row {
  /** For `--rows`. */
  readonly name: string;
  readonly title: string;
  readonly measure: Measure;
  readonly load: Load;
  /** What the others are held against. It runs twice. */
  readonly reference: ServerKind;
  readonly peers: readonly ServerKind[];
  /** Where it is not ours as it is by default. */
  readonly ours?: ServerKind;
  readonly goal: Goal;
  /** TLS records that the server may write per operation: each reply on its own is 4 a message. */
  readonly maxWrites?: number;
}

const CPU = { measure: 'cpu', reference: 'raw', peers: ['smtp-server'] } as const;

/** The rows, with their goals. Rows of the client come with what they measure. */
export const ROWS: readonly Row[] = [
  connections('handshake', 'connect, EHLO, STARTTLS, EHLO, QUIT: full handshake', false),
  connections('resumed', 'connect, EHLO, STARTTLS, EHLO, QUIT: resumed', true),
  small('lockstep', '2 KB messages, lock-step', 'none', 0.95, 4),
  small('pipelined', '2 KB messages, envelope pipelined', 'envelope', 0.9, 2),
  small('deep', '2 KB messages, whole transactions pipelined', 'transactions', 0.9, 1),
  large('bulk', 'one 50 MB message, DATA', 'text', 0.93),
  { ...large('chunk', 'one 50 MB message, BDAT', 'text', 0.97, 'chunk'), peers: [] }, // smtp-server has no BDAT
  large('short-lines', '10 MB of 4-byte lines', 'short-lines', 0.9),
  large('few-dots', '10 MB, 1 % dot lines', 'few-dots', 0.87),
  large('all-dots', '10 MB, all dot lines', 'all-dots', 0.4),
  large('worst', '10 MB, the worst body (..CRLF lines)', 'worst', 0.14),
  resumable(
    connections('clear-again-handshake', 'may go on in clear: connect, EHLO, STARTTLS, EHLO, QUIT', false),
    0.8,
  ),
  resumable(small('clear-again-messages', 'may go on in clear: 2 KB messages, lock-step', 'none', 0.7, 4), 0.7),
  resumable(large('clear-again-bulk', 'may go on in clear: one 50 MB message, DATA', 'text', 0.83), 0.83),
  {
    name: 'banner',
    title: 'connect to banner, idle server',
    measure: 'banner',
    load: { kind: 'banner' },
    reference: 'raw',
    peers: ['smtp-server'],
    goal: { of: 'value', at: 'most', bound: 2 },
  },
  {
    name: 'memory',
    title: 'memory per idle session after STARTTLS',
    measure: 'memory',
    load: { kind: 'idle', sessions: 1_000 },
    reference: 'bare',
    peers: ['smtp-server'],
    goal: { of: 'ratio', at: 'most', bound: 1.1 },
  },
];

function connections(name: string, title: string, resumed: boolean): Row {
  // Many at once: smtp-server waits 100 ms before each greeting.
  const load: Load = { kind: 'connections', resumed, callers: 32 };
  return { ...CPU, name, title, load, goal: atLeast(0.97) };
}

function small(name: string, title: string, pipelining: Pipelining, bound: number, maxWrites: number): Row {
  const load: Load = { kind: 'messages', pipelining, body: 'small', callers: 4 };
  return { ...CPU, name, title, load, goal: atLeast(bound), maxWrites };
}

function large(name: string, title: string, body: BodyName, bound: number, pipelining: Pipelining = 'envelope'): Row {
  const load: Load = { kind: 'messages', pipelining, body, callers: 1 };
  return { ...CPU, name, title, load, goal: atLeast(bound) };
}

/** The same work by ours with every client in `resumeClearHosts`, against the same raw server. */
function resumable(row: Row, bound: number): Row {
  return { ...row, ours: 'tls-smtp-resumable', peers: [], goal: atLeast(bound) };
}

function atLeast(bound: number): Goal {
  return { of: 'ratio', at: 'least', bound };
}
