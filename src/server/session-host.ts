import type { StartTlsSession } from '../net/starttls-contract.js';
import type { Reply } from '../smtp/reply.js';
import type { Deadlines } from './deadlines.js';
import type { VerbContext } from './verbs.js';

/** What a session needs of its server. */
export interface SessionHost {
  readonly context: VerbContext;
  readonly starttls: StartTlsSession;
  readonly deadlines: Deadlines;
  /** The 220. */
  readonly banner: Reply;
  readonly closed: (reason: string) => void;
}
