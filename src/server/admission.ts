import type { Reply } from '../smtp/reply.js';
import { judge } from './acl.js';
import { consult } from './handlers.js';
import type { Progress } from './progress.js';
import { replies } from './replies.js';
import type { VerbContext } from './verbs.js';

/** Why a client is not let in. */
export interface NotAdmitted {
  readonly reply: Reply;
  readonly reason: string;
}

/**
 * Asks whether a client is let in, before anything is said to it: `acl.connect`, then the application.
 *
 * @param progress - of its session; where that ended meanwhile the answer is worth nothing
 */
export async function admission(
  context: Pick<VerbContext, 'acl' | 'conversation' | 'handlers' | 'report'>,
  progress: Pick<Progress, 'over' | 'awaited'>,
): Promise<NotAdmitted | null> {
  const { acl, conversation, handlers, report } = context;
  if (acl !== null) {
    progress.awaited = 'acl.connect';
    const verdict = await judge(context, 'connect', () => replies.ok, null);
    progress.awaited = 'onConnect';
    if (verdict !== replies.ok) return { reply: verdict, reason: 'refused by acl.connect' };
    if (progress.over) return null; // and the application hears nothing of it
  }
  const verdict = await consult(
    'onConnect',
    () => handlers.onConnect?.(conversation),
    () => replies.ok,
    report,
  );
  return verdict === replies.ok ? null : { reply: verdict, reason: 'refused by onConnect' };
}
