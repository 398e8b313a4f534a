import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Commands, type Outcome } from '../../../src/server/commands.js';
import { Conversation } from '../../../src/server/conversation.js';
import { Deadlines } from '../../../src/server/deadlines.js';
import { EhloReplies } from '../../../src/server/ehlo-replies.js';
import { type Handlers, settledHandlers } from '../../../src/server/handlers.js';
import { checkedLimits } from '../../../src/server/limits.js';
import { Progress } from '../../../src/server/progress.js';
import { replies } from '../../../src/server/replies.js';
import type { VerbContext } from '../../../src/server/verbs.js';
import type { BareNewlines } from '../../../src/smtp/body-decoder.js';
import { fixedReply, type Reply } from '../../../src/smtp/reply.js';

const LOCKED_OUT = fixedReply(554, '5.7.0', 'Locked out');

interface Scene {
  readonly commands: Commands;
  readonly conversation: Conversation;
  readonly progress: Progress;
  /** What the STARTTLS side was asked about. */
  readonly gated: string[];
  /** Sends octets. @returns what each line leads to, until none is there or an effect ends the reading */
  send(octets: string): Outcome[];
}

/** No socket, no clock: lines in, outcomes out. */
function scene(parts: { handlers?: Handlers; bareNewlines?: BareNewlines; gate?: Reply } = {}): Scene {
  const limits = checkedLimits({ maxCommandOctets: 600, maxAuthOctets: 2_000, maxMessageBytes: 1_000 });
  const conversation = new Conversation('id', {});
  const gated: string[] = [];
  const context: VerbContext = {
    conversation,
    handlers: settledHandlers(parts.handlers ?? {}),
    limits,
    hostname: 'mx.test',
    hidden: new Set(),
    ehloReplies: new EhloReplies('mx.test', 1_000, new Set()),
    acl: null,
    auth: { methods: ['PLAIN', 'LOGIN'], insecure: true },
    bareNewlines: parts.bareNewlines ?? 'reject',
    offer: async () => [],
    withdraw: () => {},
    report: assert.fail,
  };
  const starttls = {
    state: 'clear' as const,
    ehlo: context.offer,
    helo: context.withdraw,
    gate: (line: string) => {
      gated.push(line);
      return parts.gate ?? null;
    },
    starttls: () => assert.fail(),
    tlsOnConnect: () => assert.fail(),
    clearAgain: () => assert.fail(),
  };
  const progress = new Progress(new Deadlines(1_000), limits);
  const commands = new Commands({ context, starttls }, progress);
  const send = (octets: string): Outcome[] => {
    commands.lines.push(Buffer.from(octets, 'latin1'));
    const outcomes: Outcome[] = [];
    for (let outcome = commands.next(); outcome !== null; outcome = commands.next()) {
      outcomes.push(outcome);
      if ('do' in outcome || commands.chunk !== null) break;
    }
    return outcomes;
  };
  return { commands, conversation, progress, gated, send };
}

function inTransaction({ conversation }: Scene): void {
  conversation.greet('me.test', true);
  conversation.begin({ address: 'a@x.test', parameters: {} });
  conversation.addRecipient({ address: 'b@y.test', parameters: {} });
}

describe('Commands.next', () => {
  it('says the reply of each line that is whole, and waits for the rest of the others', () => {
    const { send, progress } = scene();
    assert.deepEqual(send('NOOP\r\nXYZZY\r\nRS'), [replies.ok, replies.unknown]);
    assert.equal(progress.awaited, 'XYZZY');
    assert.deepEqual(send('ET\r\n'), [replies.ok]);
    assert.equal(progress.awaited, 'RSET');
  });

  it('gives a promise only where a handler is asked', async () => {
    const { send, conversation } = scene({ handlers: { onMailFrom: async () => {} } });
    conversation.greet('me.test', true);
    const [outcome] = send('MAIL FROM:<a@x.test>\r\n');
    assert.ok(outcome instanceof Promise);
    assert.equal(await outcome, replies.senderOk);
  });

  it('ends a session for a TLS record where a command is due, and for a line that has no end', () => {
    const end = (octets: string): unknown => {
      const [outcome] = scene().send(octets);
      return outcome !== undefined && 'do' in outcome && outcome.do === 'end'
        ? [outcome.reply, outcome.reason]
        : outcome;
    };
    assert.deepEqual(end('\x16\x03\x01'), [replies.notSmtp, 'the client began TLS unasked']);
    assert.deepEqual(end('x'.repeat(600)), [replies.lineTooLong, 'a line was too long']);
    assert.deepEqual(end('BDAT x\r\n'), [replies.badChunk, 'a BDAT without a size']);
    assert.deepEqual(end('BDAT\x01 5\r\n'), [replies.badChunk, 'a BDAT without a size']);
  });

  it('lets AUTH alone be longer (RFC 4954 §4)', () => {
    const { send, conversation } = scene();
    conversation.greet('me.test', true);
    const [outcome] = send(`AUTH PLAIN ${'!'.repeat(900)}\r\n`);
    assert.ok(outcome !== undefined && 'code' in outcome && outcome.code === 501);
  });

  it('hands STARTTLS on, with what stands behind the verb, and runs nothing that follows', () => {
    const { send, commands, gated } = scene();
    assert.deepEqual(send('STARTTLS x\r\nNOOP\r\n'), [{ do: 'upgrade', args: 'x' }]);
    assert.deepEqual([commands.lines.takeRest().toString(), gated], ['NOOP\r\n', []]);
  });

  it('does not run a line with a bare LF: not STARTTLS either, whatever the application says, unless octets follow', () => {
    assert.deepEqual(scene().send('NOOP\n'), [replies.bareLf]);
    assert.deepEqual(scene({ bareNewlines: 'normalize' }).send('NOOP\n'), [replies.ok]);
    assert.deepEqual(scene({ bareNewlines: 'normalize' }).send('STARTTLS\n'), [replies.bareLf]);
    assert.deepEqual(scene().send('STARTTLS\nNOOP\r\n'), [{ do: 'upgrade', args: '' }]); // an injection: the boundary says so
  });

  it('says what the STARTTLS side refuses with, to each line but STARTTLS', () => {
    const { send, gated } = scene({ gate: LOCKED_OUT });
    assert.deepEqual(send('NOOP\r\n\x01\r\nSTARTTLS\r\n'), [LOCKED_OUT, LOCKED_OUT, { do: 'upgrade', args: '' }]);
    assert.deepEqual(gated, ['NOOP', '\x01']);
  });

  it('reads the octets of a BDAT before anything else, whatever is said to it (RFC 3030 §2)', () => {
    const taken = scene();
    inTransaction(taken);
    assert.deepEqual(taken.send('BDAT 5 LAST\r\nNOOP\r'), [replies.startMail]);
    assert.deepEqual(taken.commands.chunk, { octets: 5, last: true });
    const refused = scene({ gate: LOCKED_OUT });
    assert.deepEqual(refused.send('BDAT 5\r\nNOOP\r'), [LOCKED_OUT]);
    assert.deepEqual(refused.commands.chunk, { octets: 5, last: false });
  });

  it('where onSecure refused, ends with its reply whatever comes, and QUIT is QUIT (RFC 3207 §4.1)', () => {
    for (const [octets, reply] of [
      ['NOOP\r\n', LOCKED_OUT],
      ['x'.repeat(600), LOCKED_OUT],
      ['quit\r\n', replies.bye],
    ] as const) {
      const { send, commands } = scene();
      commands.refusal = LOCKED_OUT;
      assert.deepEqual(send(octets), [{ do: 'end', reply, reason: 'refused by onSecure' }]);
    }
  });

  it('while the server shuts down runs a transaction to its end, begins no other, and no upgrade', () => {
    const shutDown = { do: 'end', reply: replies.shutdown, reason: 'the server shut down' };
    const idle = scene();
    idle.progress.draining = true;
    assert.deepEqual(idle.send('NOOP\r\n'), [shutDown]);
    const busy = scene();
    inTransaction(busy);
    busy.progress.draining = true;
    assert.deepEqual(busy.send('NOOP\r\nSTARTTLS\r\n'), [replies.ok, shutDown]);
  });
});

describe('Commands.response', () => {
  /** A client that has been told 334. */
  function challenged(): Scene {
    const one = scene({ handlers: { onAuth: () => ({ user: 'ann' }) } });
    one.conversation.greet('me.test', true);
    const [challenge] = one.send('AUTH LOGIN\r\n');
    assert.ok(challenge !== undefined && 'code' in challenge && challenge.code === 334);
    return one;
  }

  it('takes the line for the response that it is, though it looks like a command', () => {
    const { commands, gated } = challenged();
    assert.equal(commands.response(), null);
    commands.lines.push(Buffer.from('QUIT\r\n'));
    const outcome = commands.response(); // base64, but of no name
    assert.ok(outcome !== null && 'code' in outcome && outcome.code === 501);
    assert.deepEqual(gated, ['AUTH LOGIN']);
  });

  it('takes none that ends in a bare LF, and none without an end', () => {
    const bare = challenged();
    bare.commands.lines.push(Buffer.from('YQ==\n'));
    assert.equal(bare.commands.response(), replies.bareLf);
    const endless = challenged();
    endless.commands.lines.push(Buffer.alloc(2_000, 'x'));
    assert.deepEqual(endless.commands.response(), {
      do: 'end',
      reply: replies.lineTooLong,
      reason: 'a line was too long',
    });
  });
});

describe('Commands.forget', () => {
  it('takes nothing of a line across the border', () => {
    const { commands, send } = scene();
    send('NO');
    commands.forget();
    assert.equal(commands.lines.unread, 0);
    assert.deepEqual(send('OP\r\n'), [replies.unknown]);
  });
});
