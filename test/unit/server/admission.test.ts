import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HandlerFailedError } from '../../../src/net/starttls-errors.js';
import { type AclOptions, acl } from '../../../src/policy/acl.js';
import { admission } from '../../../src/server/admission.js';
import { Conversation } from '../../../src/server/conversation.js';
import { type Handlers, settledHandlers } from '../../../src/server/handlers.js';
import { replies } from '../../../src/server/replies.js';
import { reject } from '../../../src/smtp/rejection.js';

interface Heard {
  /** What was awaited when each was asked. */
  readonly asked: string[];
  readonly reports: string[];
  readonly verdict: unknown;
}

async function ask(rules: AclOptions | null, onConnect?: Handlers['onConnect'], endedAtAcl = false): Promise<Heard> {
  const asked: string[] = [];
  const reports: string[] = [];
  const progress = { awaited: 'nothing', over: false };
  const handlers = settledHandlers({
    onConnect: (session) => {
      asked.push(progress.awaited);
      return onConnect?.(session);
    },
  });
  const lists: AclOptions | null = rules && {
    connect: [
      acl.defer(() => {
        asked.push(progress.awaited);
        progress.over = endedAtAcl;
        return false;
      }),
      ...(rules.connect ?? []),
    ],
  };
  progress.awaited = 'onConnect';
  const verdict = await admission(
    {
      acl: lists,
      handlers,
      conversation: new Conversation('id', { address: '192.0.2.1' }),
      report: (error) => reports.push((error as HandlerFailedError).handler),
    },
    progress,
  );
  return { asked, reports, verdict };
}

describe('admission', () => {
  it('asks the list first, then the application, and lets in whom neither refuses', async () => {
    assert.deepEqual(await ask(null), { asked: ['onConnect'], reports: [], verdict: null });
    assert.deepEqual(await ask({ connect: [acl.accept()] }), {
      asked: ['acl.connect', 'onConnect'],
      reports: [],
      verdict: null,
    });
  });

  it('does not ask the application about whom the list refuses, or who is gone', async () => {
    assert.deepEqual(await ask({ connect: [acl.deny()] }), {
      asked: ['acl.connect'],
      reports: [],
      verdict: { reply: replies.forbidden, reason: 'refused by acl.connect' },
    });
    assert.deepEqual((await ask({ connect: [acl.accept()] }, undefined, true)).asked, ['acl.connect']);
  });

  it('says the reply of the application, and reports a handler that failed', async () => {
    const rejection = reject(554, '5.7.1', 'Go away');
    const refused = await ask(null, () => {
      throw rejection;
    });
    assert.deepEqual(refused.verdict, { reply: rejection.reply, reason: 'refused by onConnect' });
    const failed = await ask(null, () => Promise.reject(new Error('the database is away')));
    assert.deepEqual(failed.reports, ['onConnect']);
    assert.equal((failed.verdict as { reply: { code: number } }).reply.code, 451);
  });
});
