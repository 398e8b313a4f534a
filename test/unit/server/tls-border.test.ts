import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import type { TlsInfo } from '../../../src/inspect/tls-info.js';
import type { ClearAgain, StartTlsResult, StartTlsSession } from '../../../src/net/starttls-contract.js';
import { Channel } from '../../../src/server/channel.js';
import { Commands } from '../../../src/server/commands.js';
import { Conversation } from '../../../src/server/conversation.js';
import { Deadlines } from '../../../src/server/deadlines.js';
import { EhloReplies } from '../../../src/server/ehlo-replies.js';
import { type Handlers, settledHandlers } from '../../../src/server/handlers.js';
import { checkedLimits } from '../../../src/server/limits.js';
import { Progress } from '../../../src/server/progress.js';
import { replies } from '../../../src/server/replies.js';
import type { SessionHost } from '../../../src/server/session-host.js';
import { TlsBorder } from '../../../src/server/tls-border.js';
import { reject } from '../../../src/smtp/rejection.js';
import { fixedReply, type Reply } from '../../../src/smtp/reply.js';

const TLS = { protocol: 'TLSv1.3' } as TlsInfo;

class Wire extends Duplex {
  override _read(): void {}

  override _write(_chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    done();
  }
}

interface Scene {
  readonly border: TlsBorder;
  readonly commands: Commands;
  readonly conversation: Conversation;
  readonly progress: Progress;
  readonly raw: Wire;
  readonly secured: Wire;
  /** What the channel is told. */
  readonly heard: string[];
  /** What the STARTTLS side was given: arguments, unread octets. */
  readonly given: string[];
}

/** A session at the border, with a STARTTLS side that does as it is told. */
function scene(
  does: { upgrade?: StartTlsResult | 'secured'; clear?: 'back' | null; meanwhile?: () => void } = {},
  handlers: Handlers = {},
): Scene {
  const raw = new Wire();
  const secured = new Wire();
  const heard: string[] = [];
  const given: string[] = [];
  const conversation = new Conversation('id', {});
  conversation.greet('me.test', true);
  conversation.begin({ address: 'a@x.test', parameters: {} });
  const asked = async <Result>(result: Result): Promise<Result> => {
    await turn();
    does.meanwhile?.();
    return result;
  };
  const inside = { socket: secured as unknown as TLSSocket, tls: TLS };
  const starttls: StartTlsSession = {
    state: 'clear',
    ehlo: async () => [],
    helo: () => undefined,
    gate: () => null,
    starttls: (socket, { args, unread }) => {
      given.push(args, unread.toString());
      assert.equal(socket, raw);
      return asked(
        does.upgrade === undefined || does.upgrade === 'secured' ? { kind: 'secured', ...inside } : does.upgrade,
      );
    },
    tlsOnConnect: () => asked(inside),
    clearAgain: () =>
      asked<ClearAgain | null>(does.clear === null ? null : { socket: raw, unread: Buffer.from('NOOP\r\n') }),
  };
  const limits = checkedLimits({});
  const host: SessionHost = {
    context: {
      conversation,
      handlers: settledHandlers(handlers),
      limits,
      hostname: 'mx.test',
      hidden: new Set(),
      ehloReplies: new EhloReplies('mx.test', 1_000, new Set()),
      acl: null,
      auth: null,
      bareNewlines: 'reject',
      offer: starttls.ehlo,
      withdraw: starttls.helo,
      report: assert.fail,
    },
    starttls,
    deadlines: new Deadlines(1_000),
    banner: replies.ok,
    closed: () => {},
  };
  const channel = new Channel(raw, {
    received: (chunk) => heard.push(chunk.toString()),
    ended: () => heard.push('ended'),
    drained: () => {},
    closed: () => heard.push('closed'),
  });
  channel.listen();
  const progress = new Progress(host.deadlines, limits);
  progress.enter('commands');
  const commands = new Commands(host, progress);
  return {
    border: new TlsBorder(host, channel, commands, progress),
    commands,
    conversation,
    progress,
    raw,
    secured,
    heard,
    given,
  };
}

function refused(reply: Reply, then: 'continue' | 'locked-out' | 'closed'): StartTlsResult {
  return { kind: 'refused', reply, then };
}

describe('TlsBorder.startTls', () => {
  it('hands the socket over in the same tick, with all that is unread', () => {
    const { border, commands, progress, raw, given } = scene();
    commands.lines.push(Buffer.from('NOOP\r\n'));
    void border.startTls('x');
    assert.deepEqual([progress.phase, raw.listenerCount('data'), raw.isPaused()], ['upgrading', 0, true]);
    assert.deepEqual([given, commands.lines.unread], [['x', 'NOOP\r\n'], 0]);
  });

  it('forgets the client, and listens to it on the new stream alone (RFC 3207 §4.2)', async () => {
    const { border, conversation, raw, secured } = scene();
    assert.deepEqual(await border.startTls(''), { then: 'commands', refused: null });
    assert.deepEqual([conversation.helo, conversation.envelope, conversation.tls], [null, null, TLS]);
    assert.deepEqual([raw.listenerCount('end'), secured.listenerCount('end'), secured.isPaused()], [0, 1, true]);
  });

  it('asks onSecure about a client that is held back, and keeps its refusal for the next command', async () => {
    const states: unknown[] = [];
    const rejection = reject(550, '5.7.1', 'Not good enough');
    const one = scene(
      {},
      {
        onSecure: async () => {
          await turn();
          states.push(
            one.progress.phase,
            one.progress.awaited,
            one.secured.isPaused(),
            one.secured.listenerCount('end'),
          );
          throw rejection;
        },
      },
    );
    assert.deepEqual(await one.border.startTls(''), { then: 'commands', refused: null });
    assert.deepEqual(states, ['waiting', 'onSecure', true, 0]);
    assert.equal(one.commands.refusal, rejection.reply);
  });

  it('takes the socket back from a refusal; 454 ends the transaction, others leave it', async () => {
    for (const [reply, sender] of [
      [fixedReply(454, '4.7.0', 'TLS not available'), undefined],
      [fixedReply(501, '5.5.4', 'No argument'), 'a@x.test'],
    ] as const) {
      const { border, conversation, raw } = scene({ upgrade: refused(reply, 'continue') });
      assert.deepEqual(await border.startTls(''), { then: 'commands', refused: reply });
      assert.deepEqual([conversation.envelope?.mailFrom.address, raw.listenerCount('end')], [sender, 1]);
    }
  });

  it('says how a refusal ends the session: closed already, or ours to close', async () => {
    const reply = fixedReply(554, '5.7.1', 'No');
    const reason = 'STARTTLS was answered 554 No';
    assert.deepEqual(await scene({ upgrade: refused(reply, 'closed') }).border.startTls(''), {
      then: 'closed',
      reason,
    });
    const dropped = scene({ upgrade: refused(reply, 'continue') });
    dropped.conversation.dropped = true;
    assert.deepEqual(await dropped.border.startTls(''), { then: 'close', reason });
  });

  it('destroys what was secured for a session that ended meanwhile, but not in that tick: Node would crash', async () => {
    for (const way of ['startTls', 'tlsOnConnect'] as const) {
      const one = scene({ meanwhile: () => one.progress.enter('ending') });
      const ended = way === 'startTls' ? one.border.startTls('') : one.border.tlsOnConnect();
      assert.deepEqual(await ended, way === 'startTls' ? { then: 'nothing' } : false);
      assert.deepEqual([one.secured.destroyed, one.conversation.tls], [false, null]);
      await turn();
      assert.equal(one.secured.destroyed, true);
    }
  });

  it('has nothing left to do where onSecure outlived the session, or the secured socket is gone', async () => {
    const late = scene({}, { onSecure: () => late.progress.enter('ending') });
    assert.deepEqual(await late.border.startTls(''), { then: 'nothing' });
    const gone = scene({ meanwhile: () => void gone.secured.destroy() });
    assert.deepEqual(await gone.border.startTls(''), { then: 'nothing' });
  });
});

describe('TlsBorder.tlsOnConnect', () => {
  it('goes on without listening: the banner comes first', async () => {
    const { border, secured, progress } = scene();
    assert.equal(await border.tlsOnConnect(), true);
    assert.deepEqual([secured.listenerCount('end'), progress.phase], [0, 'waiting']);
  });
});

describe('TlsBorder.clearAgain', () => {
  it('forgets all that was inside TLS, half a line too, and has what stands behind it run', async () => {
    const one = scene();
    await one.border.startTls('');
    one.conversation.greet('inside.test', true);
    one.commands.lines.push(Buffer.from('MAIL FROM'));
    const crossing = one.border.clearAgain();
    assert.equal(one.progress.phase, 'upgrading');
    assert.deepEqual(await crossing, { then: 'commands', refused: null });
    assert.deepEqual([one.conversation.helo, one.conversation.tls], [null, null]);
    assert.equal(one.commands.lines.takeRest().toString(), 'NOOP\r\n');
    assert.deepEqual([one.raw.listenerCount('end'), one.raw.isPaused(), one.secured.destroyed], [1, true, true]);
  });

  it('closes for a client that may not, and for one that onSecure refused', async () => {
    const close = { then: 'close', reason: null };
    assert.deepEqual(await scene({ clear: null }).border.clearAgain(), close);
    const refusedOne = scene();
    refusedOne.commands.refusal = replies.forbidden;
    assert.deepEqual(await refusedOne.border.clearAgain(), close);
  });

  it('destroys the raw socket of a session that ended meanwhile: nobody else has it', async () => {
    const one = scene({ meanwhile: () => one.progress.enter('ending') });
    assert.deepEqual(await one.border.clearAgain(), { then: 'nothing' });
    assert.equal(one.raw.destroyed, true);
  });
});
