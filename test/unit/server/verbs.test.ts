import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Conversation } from '../../../src/server/conversation.js';
import { checkedLimits } from '../../../src/server/limits.js';
import { type VerbContext, verbs } from '../../../src/server/verbs.js';
import { formatReply } from '../../../src/smtp/reply.js';

/** Runs command lines through the verbs, no socket in sight. @returns the codes of the replies */
async function codes(...lines: string[]): Promise<string[]> {
  const context: VerbContext = {
    conversation: new Conversation('id', {}),
    handlers: {},
    limits: checkedLimits({ maxRecipients: 2, maxMessageBytes: 1_000 }),
    hostname: 'mx.test',
    hidden: new Set(),
    offer: async () => ['STARTTLS'],
    withdraw: () => {},
    report: assert.fail,
  };
  const said: string[] = [];
  for (const line of lines) {
    const [verb = '', ...rest] = line.split(' ');
    const reply = await verbs[verb]?.(context, rest.join(' '));
    assert.ok(reply, `${verb} is a verb`);
    said.push(
      formatReply(reply)
        .split('\r\n')
        .at(-2)
        ?.slice(0, 9)
        .replace(/[- ](?!\d\.).*/, '') ?? '',
    );
  }
  return said;
}

describe('verbs (RFC 5321 §4.1.1)', () => {
  it('run a transaction in order', async () => {
    assert.deepEqual(await codes('EHLO me', 'MAIL FROM:<a@x>', 'RCPT TO:<b@y>', 'DATA'), [
      '250',
      '250 2.1.0',
      '250 2.1.5',
      '354',
    ]);
  });

  it('refuse what comes out of order (§4.1.4)', async () => {
    assert.deepEqual(
      await codes('MAIL FROM:<a@x>', 'RCPT TO:<b@y>', 'DATA', 'HELO me', 'RCPT TO:<b@y>', 'DATA'),
      Array(3).fill('503 5.5.1').concat('250', '503 5.5.1', '503 5.5.1'),
    );
    assert.deepEqual(await codes('EHLO me', 'MAIL FROM:<a@x>', 'MAIL FROM:<a@x>', 'DATA', 'RSET', 'RCPT TO:<b@y>'), [
      '250',
      '250 2.1.0',
      '503 5.5.1',
      '503 5.5.1',
      '250 2.0.0',
      '503 5.5.1',
    ]);
  });

  it('read parameters: SIZE (RFC 1870), BODY (RFC 6152), nothing else (§4.1.1.11)', async () => {
    const mail = async (parameters: string): Promise<string | undefined> =>
      (await codes('EHLO me', `MAIL FROM:<a@x> ${parameters}`))[1];
    assert.deepEqual(
      [
        await mail('SIZE=1000 BODY=8BITMIME'),
        await mail('SIZE=1001'),
        await mail('SIZE=x'),
        await mail('BODY=x'),
        await mail('FOO'),
      ],
      ['250 2.1.0', '552 5.3.4', '501 5.5.4', '501 5.5.4', '555 5.5.4'],
    );
    assert.deepEqual((await codes('EHLO me', 'MAIL FROM:<>', 'RCPT TO:<b@y> FOO'))[2], '555 5.5.4');
  });

  it('bound the recipients, and check their arguments', async () => {
    assert.deepEqual(
      (await codes('EHLO me', 'MAIL FROM:<>', 'RCPT TO:<b@y>', 'RCPT TO:<c@y>', 'RCPT TO:<d@y>')).at(-1),
      '452 4.5.3',
    );
    assert.deepEqual(
      await codes(
        'EHLO',
        'HELO',
        `EHLO ${'x'.repeat(256)}`,
        'RSET x',
        'DATA x',
        'QUIT x',
        'VRFY',
        'VRFY a',
        'NOOP x',
        'HELP',
        'QUIT',
      ),
      [
        '501 5.5.4',
        '501 5.5.4',
        '501 5.5.4',
        '501 5.5.4',
        '501 5.5.4',
        '501 5.5.4',
        '501 5.5.4',
        '252 2.5.0',
        '250 2.0.0',
        '214 2.0.0',
        '221 2.0.0',
      ],
    );
  });
});
