import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { TlsSmtpError } from '../../../src/errors.js';
import { OptionError } from '../../../src/errors.js';
import type { TlsInfo } from '../../../src/inspect/tls-info.js';
import { Conversation } from '../../../src/server/conversation.js';
import { EhloReplies } from '../../../src/server/ehlo-replies.js';
import { type Handlers, settledHandlers } from '../../../src/server/handlers.js';
import { checkedLimits } from '../../../src/server/limits.js';
import type { IncomingMessage } from '../../../src/server/message.js';
import { beginData, MessageReception } from '../../../src/server/reception.js';
import { replies } from '../../../src/server/replies.js';
import { DataDecoder } from '../../../src/smtp/data-decoder.js';
import { reject } from '../../../src/smtp/rejection.js';
import type { Reply } from '../../../src/smtp/reply.js';

interface Scene {
  readonly reception: MessageReception;
  /** Says that the data has ended. @returns the reply, which may have to wait for the handler */
  readonly verdict: () => Promise<Reply>;
  readonly conversation: Conversation;
  readonly reported: TlsSmtpError[];
}

/** A client that has said MAIL, RCPT and DATA. */
function begin(onMessage?: Handlers['onMessage'], size?: string): Scene {
  const conversation = new Conversation('id-1', { address: '192.0.2.1' });
  conversation.greet('me.test', true);
  conversation.begin({ address: 'a@x.test', parameters: size === undefined ? {} : { SIZE: size } });
  conversation.addRecipient({ address: 'b@y.test', parameters: {} });
  const reported: TlsSmtpError[] = [];
  let answered: (reply: Reply) => void = () => assert.fail('answered before the end of data');
  const reception = beginData(
    {
      conversation,
      acl: null,
      handlers: settledHandlers(onMessage === undefined ? {} : { onMessage }),
      limits: checkedLimits({ maxMessageBytes: 20 }),
      hostname: 'mx.test',
      hidden: new Set(),
      ehloReplies: new EhloReplies('mx.test', 20, new Set()),
      auth: null,
      bareNewlines: 'reject',
      offer: async () => [],
      withdraw: () => {},
      report: (error) => reported.push(error),
    },
    { caughtUp: () => {}, answered: (reply) => answered(reply) },
  );
  const verdict = (): Promise<Reply> =>
    new Promise((resolve) => {
      answered = resolve;
      const reply = reception.end();
      if (reply !== null) resolve(reply);
    });
  return { reception, verdict, conversation, reported };
}

const wire = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('MessageReception', () => {
  it('gives the handler the message without stuffing, and says its text as the 250', async () => {
    const { reception, verdict, conversation } = begin(async (message) => `got ${await message.text()}`);
    const end = reception.read(wire('..a\r\n.\r\nQUIT'));
    const reply = await verdict();
    assert.deepEqual([end, reply.code, reply.lines, conversation.envelope], [8, 250, ['got .a\r\n'], null]);
  });

  it('accepts where nobody asks, and where the handler says nothing', async () => {
    for (const onMessage of [undefined, () => {}, async () => '', async () => 5]) {
      const { reception, verdict } = begin(onMessage);
      reception.read(wire('a\r\n.\r\n'));
      assert.equal(await verdict(), replies.messageOk);
    }
  });

  it('says a refusal of the handler at the end of data, and the transaction is over (RFC 5321 §4.1.1.4)', async () => {
    const { reception, verdict, conversation } = begin(() => {
      throw reject(550, '5.7.1', 'spam');
    });
    assert.equal(reception.read(wire('a\r\n')), -1);
    assert.ok(conversation.envelope);
    reception.read(wire('.\r\n'));
    assert.deepEqual([(await verdict()).code, conversation.envelope], [550, null]);
  });

  it('takes exactly the SIZE limit, stuffing not counted, and no octet more (RFC 1870 §6)', async () => {
    const outcomes: unknown[] = [];
    for (const line of [`..${'a'.repeat(17)}`, 'a'.repeat(19)]) {
      const { reception, verdict } = begin((message) => message.bytes());
      reception.read(wire(`${line}\r\n.\r\n`));
      outcomes.push((await verdict()).code);
    }
    assert.deepEqual(outcomes, [250, 552]);
  });

  for (const [problem, clause, body, refused] of [
    ['is too large', 'RFC 1870 §6', `${'a'.repeat(30)}\r\n`, replies.tooLarge],
    ['holds a bare LF', 'RFC 5321 §2.3.8', 'a\nb\r\n', replies.bareNewlines],
    ['holds a bare CR', 'RFC 5321 §2.3.8', 'a\rb\r\n', replies.bareNewlines],
  ] as const) {
    it(`refuses a message that ${problem}, at its end; the reader gets an error (${clause})`, async () => {
      let seen: unknown = null;
      const { reception, verdict, reported } = begin(async (message) => {
        seen = await message.bytes().catch((error: TlsSmtpError) => error.code);
      });
      const ends = [reception.read(wire(body)), reception.read(wire('.\r\n'))];
      const reply = await verdict();
      await turn();
      assert.deepEqual([ends, reply, seen, reported], [[-1, 3], refused, 'ERR_TLS_SMTP_MESSAGE_INCOMPLETE', []]);
    });
  }

  it('fails the reader where the connection ends inside the message, and does not blame the handler', async () => {
    const { reception, reported } = begin((message) => message.text());
    reception.read(wire('half'));
    reception.abort('the connection was lost');
    await turn();
    assert.deepEqual(reported, []);
  });

  it('answers a failed handler with 451 and reports it once', async () => {
    const { reception, verdict, reported } = begin(async (message) => {
      await message.bytes();
      throw new Error('disk full');
    });
    reception.read(wire('a\r\n.\r\n'));
    const reply = await verdict();
    assert.deepEqual([reply.code, reported.map((error) => error.code)], [451, ['ERR_TLS_SMTP_HANDLER_FAILED']]);
    assert.doesNotMatch(reply.lines.join(), /disk/);
  });

  it('tells the handler envelope, declared size (RFC 1870 §6) and Received header (RFC 5321 §4.4)', () => {
    const told: IncomingMessage[] = [];
    begin((message) => told.push(message), '12');
    const [message] = told;
    assert.deepEqual(
      [message?.envelope.mailFrom.address, message?.envelope.rcptTo.length, message?.size],
      ['a@x.test', 1, 12],
    );
    assert.match(
      message?.receivedHeader() ?? '',
      /^Received: from me\.test \(\[192\.0\.2\.1\]\)\r\n\tby mx\.test with ESMTP\r\n\tid id-1 for <b@y\.test>;\r\n\t/,
    );
    assert.throws(() => message?.receivedHeader({ style: 'exin' as 'exim' }), OptionError);
  });

  it('writes the Received header in the style of Exim 4.30 on request', () => {
    const told: IncomingMessage[] = [];
    const { conversation } = begin((message) => told.push(message));
    conversation.tls = { cipher: 'TLSv1.3:X:256', cipherStandardName: 'X' } as TlsInfo;
    const [message] = told;
    assert.match(message?.receivedHeader({ style: 'exim' }) ?? '', /with ESMTPS \(TLSv1\.3:X:256\)\r\n\tid id-1 for/);
    assert.match(message?.receivedHeader() ?? '', /with ESMTPS\r\n\tid id-1 for <b@y\.test>\r\n\ttls X;\r\n/);
  });

  it('leaves a recipient outside ASCII out of the Received header, which is ASCII', () => {
    const { conversation, reception } = begin();
    conversation.reset();
    conversation.begin({ address: 'ü@x.test', parameters: { SMTPUTF8: true } });
    conversation.addRecipient({ address: 'ö@y.test', parameters: {} });
    const context = { conversation, hostname: 'mx.test', handlers: {} } as ConstructorParameters<
      typeof MessageReception
    >[0];
    assert.match(
      new MessageReception(context, new DataDecoder(), { caughtUp: () => {}, answered: () => {} }).receivedHeader(),
      /with UTF8SMTP\r\n\tid id-1;\r\n/,
    );
    assert.match(reception.receivedHeader(), /for <b@y\.test>/); // of its own envelope
  });

  it('writes a line for the log: what has come, from whom, how', async () => {
    const told: IncomingMessage[] = [];
    const { conversation, reception } = begin((message) => told.push(message));
    conversation.authenticated('PLAIN', 'tim');
    reception.read(wire('hello\r\n.\r\n'));
    const line = '<= a@x.test H=(me.test) [192.0.2.1] P=esmtpa A=plain:tim S=7';
    assert.equal(told[0]?.logLine(), line);
    conversation.tls = {
      cipher: 'TLSv1.3:X:256',
      certificateVerified: true,
      peerDn: '',
      resumed: false,
    } as unknown as TlsInfo;
    assert.match(told[0]?.logLine('-tls_cipher') ?? '', /P=esmtpsa CV=yes A=plain:tim S=7$/);
    assert.throws(() => told[0]?.logLine('nonsense'), OptionError);
  });

  it('does not begin without a transaction (RFC 5321 §3.3)', () => {
    const { conversation } = begin();
    conversation.reset();
    const context = { conversation } as unknown as ConstructorParameters<typeof MessageReception>[0];
    const events = { caughtUp: () => {}, answered: () => {} };
    assert.throws(() => new MessageReception(context, new DataDecoder(), events), TypeError);
  });
});
