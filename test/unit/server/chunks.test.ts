import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { intakeOfChunk } from '../../../src/server/chunks.js';
import { Conversation } from '../../../src/server/conversation.js';
import { EhloReplies } from '../../../src/server/ehlo-replies.js';
import { settledHandlers } from '../../../src/server/handlers.js';
import type { Intake } from '../../../src/server/intake.js';
import { checkedLimits } from '../../../src/server/limits.js';
import type { MessageIncompleteError } from '../../../src/server/message.js';
import { replies } from '../../../src/server/replies.js';
import type { VerbContext } from '../../../src/server/verbs.js';
import type { Reply } from '../../../src/smtp/reply.js';

type Take = (octets: number, last: boolean, reply?: Reply) => Intake;

/** A client that has said MAIL and RCPT, and a handler that notes how each message ends for its reader. */
function scene(): { readonly conversation: Conversation; readonly ends: string[]; take: Take; answer: Promise<Reply> } {
  const conversation = new Conversation('id', {});
  conversation.greet('me.test', true);
  conversation.begin({ address: 'a@x.test', parameters: {} });
  conversation.addRecipient({ address: 'b@y.test', parameters: {} });
  const ends: string[] = [];
  let answered = (_reply: Reply): void => {};
  const answer = new Promise<Reply>((resolve) => {
    answered = resolve;
  });
  const context: VerbContext = {
    conversation,
    handlers: settledHandlers({
      onMessage: (message) =>
        message.text().then(
          (text) => void ends.push(text),
          (error: MessageIncompleteError) => void ends.push(error.message),
        ),
    }),
    limits: checkedLimits({ maxMessageBytes: 20 }),
    hostname: 'mx.test',
    hidden: new Set(),
    ehloReplies: new EhloReplies('mx.test', 20, new Set()),
    acl: null,
    auth: null,
    bareNewlines: 'reject',
    offer: async () => [],
    withdraw: () => {},
    report: assert.fail,
  };
  const take: Take = (octets, last, reply = replies.startMail) =>
    intakeOfChunk(context, { octets, last }, reply, { caughtUp: () => {}, answered });
  return { conversation, ends, take, answer };
}

describe('intakeOfChunk (RFC 3030 §2)', () => {
  it('gives the chunks of a transaction to one message, and a 250 to each', async () => {
    const { conversation, ends, take, answer } = scene();
    const first = take(3, false);
    assert.deepEqual([first.read(Buffer.from('ab')), first.read(Buffer.from('cBDAT'))], [-1, 1]);
    assert.equal(first.end(), replies.chunkOk);
    const last = take(2, true);
    assert.equal(last.read(Buffer.from('deQUIT')), 2);
    assert.equal(last.end(), null);
    assert.equal(await answer, replies.messageOk);
    assert.deepEqual([ends, conversation.envelope, conversation.message], [['abcde'], null, null]);
  });

  it('reads a refused chunk to its end and says the refusal there; the message so far is discarded', async () => {
    const { conversation, ends, take } = scene();
    take(1, false).read(Buffer.from('a'));
    const refused = take(4, true, replies.tooLarge);
    assert.deepEqual([refused.read(Buffer.from('ab')), refused.full, refused.endless], [-1, false, false]);
    assert.equal(refused.read(Buffer.from('cdNOOP')), 2);
    assert.equal(refused.end(), replies.tooLarge);
    await new Promise(setImmediate);
    assert.deepEqual([ends, conversation.envelope], [['a chunk was refused inside a message'], null]);
  });

  it('does not read a refused chunk that is far beyond the limit', () => {
    assert.equal(scene().take(Number.MAX_SAFE_INTEGER, true, replies.tooLarge).endless, true);
  });
});
