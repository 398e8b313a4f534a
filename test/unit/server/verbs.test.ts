import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TlsInfo } from '../../../src/inspect/tls-info.js';
import { Conversation } from '../../../src/server/conversation.js';
import { EhloReplies } from '../../../src/server/ehlo-replies.js';
import { type Handlers, settledHandlers } from '../../../src/server/handlers.js';
import { checkedLimits } from '../../../src/server/limits.js';
import { replies } from '../../../src/server/replies.js';
import { type VerbContext, verbs } from '../../../src/server/verbs.js';
import type { MailAddress } from '../../../src/smtp/path.js';
import { reject } from '../../../src/smtp/rejection.js';
import { formatReply } from '../../../src/smtp/reply.js';

function contextWith({
  handlers,
  hidden = new Set(),
  ...parts
}: Partial<Omit<VerbContext, 'handlers'>> & { handlers?: Handlers } = {}): VerbContext {
  return {
    conversation: new Conversation('id', {}),
    acl: null,
    handlers: settledHandlers(handlers ?? {}),
    limits: checkedLimits({ maxRecipients: 2, maxMessageBytes: 1_000 }),
    hostname: 'mx.test',
    hidden,
    ehloReplies: new EhloReplies('mx.test', 1_000, hidden),
    auth: null,
    bareNewlines: 'reject',
    offer: async () => ['STARTTLS'],
    withdraw: () => {},
    report: assert.fail,
    ...parts,
  };
}

/** Runs command lines through the verbs, no socket in sight. @returns the codes of the replies */
async function codes(...lines: string[]): Promise<string[]> {
  return codesIn(contextWith(), ...lines);
}

async function codesIn(context: VerbContext, ...lines: string[]): Promise<string[]> {
  const said: string[] = [];
  for (const line of lines) {
    const [verb = '', ...rest] = line.split(' ');
    const reply = await verbs.get(verb)?.(context, rest.join(' '));
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

  it('offer in EHLO what is not hidden, the host name first and no enhanced code (§4.1.1.1)', async () => {
    assert.deepEqual(await verbs.get('EHLO')?.(contextWith({ hidden: new Set(['HELP']) }), 'me'), {
      code: 250,
      lines: [
        'mx.test at your service',
        'PIPELINING',
        'SIZE 1000',
        '8BITMIME',
        'SMTPUTF8',
        'CHUNKING',
        'ENHANCEDSTATUSCODES',
        'STARTTLS',
      ],
    });
  });

  it('HELO is answered when it is known what the client is held to', async () => {
    let known = false;
    const withdraw = async (): Promise<void> => {
      await undefined;
      known = true;
    };
    assert.deepEqual(await verbs.get('HELO')?.(contextWith({ withdraw }), 'me'), { code: 250, lines: ['mx.test'] });
    assert.equal(known, true);
  });

  it('offer nothing in HELO, and withdraw STARTTLS', async () => {
    const withdrawn: string[] = [];
    const context = contextWith({ withdraw: (name) => void withdrawn.push(name) });
    const reply = await verbs.get('HELO')?.(context, 'me');
    assert.deepEqual(
      [reply, withdrawn, context.conversation.esmtp],
      [{ code: 250, lines: ['mx.test'] }, ['me'], false],
    );
  });

  it('end the transaction with EHLO and HELO, not with NOOP, VRFY or HELP (§4.1.4)', async () => {
    const after = async (line: string): Promise<string | undefined> =>
      (await codes('EHLO me', 'MAIL FROM:<a@x>', 'RCPT TO:<b@y>', line, 'DATA')).at(-1);
    const outcomes = ['EHLO me', 'HELO me', 'RSET', 'NOOP', 'VRFY a', 'HELP'].map(after);
    assert.deepEqual(await Promise.all(outcomes), ['503 5.5.1', '503 5.5.1', '503 5.5.1', '354', '354', '354']);
  });

  it('leave the state as it was where a command is refused (§4.1.4)', async () => {
    const refuse = (): never => {
      throw reject(550, '5.7.1', 'no');
    };
    const greeting = contextWith({ handlers: { onHelo: refuse } });
    assert.deepEqual(await codesIn(greeting, 'EHLO me', 'MAIL FROM:<a@x>'), ['550 5.7.1', '503 5.5.1']);
    const sender = contextWith({ handlers: { onMailFrom: async () => refuse() } });
    assert.deepEqual(await codesIn(sender, 'EHLO me', 'MAIL FROM:<a@x>', 'RCPT TO:<b@y>'), [
      '250',
      '550 5.7.1',
      '503 5.5.1',
    ]);
    const recipient = contextWith({ handlers: { onRcptTo: refuse } });
    assert.deepEqual(await codesIn(recipient, 'EHLO me', 'MAIL FROM:<a@x>', 'RCPT TO:<b@y>', 'DATA'), [
      '250',
      '250 2.1.0',
      '550 5.7.1',
      '503 5.5.1',
    ]);
  });

  it('ask the application with the parsed address, and not about what is malformed', async () => {
    const asked: unknown[] = [];
    const handlers = {
      onHelo: (name: string): unknown => asked.push(name),
      onMailFrom: async ({ address }: MailAddress): Promise<unknown> => asked.push(address),
      onRcptTo: ({ address }: MailAddress): unknown => asked.push(address),
    };
    const lines = [
      'EHLO',
      'EHLO me',
      'MAIL FROM:a',
      'MAIL FROM:<a@x> FOO',
      'MAIL FROM:<a@x>',
      'RCPT TO:<>',
      'RCPT TO:<b@y>',
    ];
    await codesIn(contextWith({ handlers }), ...lines);
    assert.deepEqual(asked, ['me', 'a@x', 'b@y']);
  });

  it('name STARTTLS in HELP where it would be taken: behind an EHLO that offered it, not inside TLS (RFC 3207 §4.2)', async () => {
    let offered = ['STARTTLS'];
    const context = contextWith({ offer: async () => offered });
    const named = async (line: string): Promise<boolean> => {
      if (line !== '') await codesIn(context, line);
      return (await verbs.get('HELP')?.(context, ''))?.lines.join().includes('STARTTLS') === true;
    };
    assert.deepEqual([await named(''), await named('HELO me'), await named('EHLO me')], [false, false, true]);
    context.conversation.secured({} as TlsInfo);
    assert.equal(await named(''), false);
    context.conversation.clearAgain();
    assert.deepEqual([await named(''), await named('EHLO me'), await named('HELO me')], [false, true, false]);
    offered = [];
    assert.equal(await named('EHLO me'), false); // not on tls.advertiseHosts
  });

  it('answer the first word of HTTP with 421, which closes, and repeat nothing of it (ALPACA)', () => {
    const words = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'PRI'];
    assert.deepEqual(
      words.map((word) => verbs.get(word)?.(contextWith(), '/<script> HTTP/1.1')),
      words.map(() => replies.notSmtp),
    );
    assert.equal(replies.notSmtp.code, 421);
  });

  it('are not found under names that every object has', () => {
    assert.deepEqual(
      ['constructor', '__proto__', 'toString', 'STARTTLS', 'ehlo'].map((name) => verbs.get(name)),
      Array(5).fill(undefined),
    );
  });

  it('offer AUTH inside TLS, before STARTTLS in the list where it is allowed in clear', async () => {
    const context = contextWith({ auth: { methods: ['PLAIN', 'LOGIN'], insecure: true } });
    assert.deepEqual((await verbs.get('EHLO')?.(context, 'me'))?.lines.slice(-3), [
      'AUTH PLAIN LOGIN',
      'STARTTLS',
      'HELP',
    ]);
    const strict = contextWith({ auth: { methods: ['PLAIN'], insecure: false }, offer: async () => [] });
    const told = async (): Promise<string | undefined> => (await verbs.get('EHLO')?.(strict, 'me'))?.lines.at(-2);
    const clear = await told();
    strict.conversation.secured({} as TlsInfo);
    assert.deepEqual([clear, await told()], ['ENHANCEDSTATUSCODES', 'AUTH PLAIN']);
    assert.match((await verbs.get('HELP')?.(strict, ''))?.lines.join() ?? '', / AUTH$/);
  });

  it('tell the STARTTLS machine where STARTTLS is hidden, so that it is refused too', async () => {
    const withdrawn: string[] = [];
    const context = contextWith({
      hidden: new Set(['STARTTLS']),
      withdraw: (name) => {
        withdrawn.push(name);
        return undefined;
      },
      offer: assert.fail,
    });
    assert.deepEqual((await verbs.get('EHLO')?.(context, 'me'))?.lines.at(-1), 'HELP');
    assert.deepEqual(withdrawn, ['me']);
    assert.doesNotMatch((await verbs.get('HELP')?.(context, ''))?.lines.join() ?? '', /STARTTLS/);
  });

  it('take recipients in Unicode where MAIL said SMTPUTF8, and there alone (RFC 6531 §3.5)', async () => {
    assert.deepEqual(
      await codes(
        'EHLO me',
        'MAIL FROM:<a@x>',
        'RCPT TO:<ü@y>',
        'RSET',
        'MAIL FROM:<ü@x> SMTPUTF8',
        'RCPT TO:<ü@bücher.test>',
      ),
      ['250', '250 2.1.0', '553 5.6.7', '250 2.0.0', '250 2.1.0', '250 2.1.5'],
    );
  });
});
