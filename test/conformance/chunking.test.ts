import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { TlsSmtpError } from '../../src/errors.js';
import { acl } from '../../src/policy/acl.js';
import { type IncomingMessage, reject } from '../../src/server/index.js';
import { ClosingTls } from '../support/closing-tls.js';
import { eventually, RawClient, sleep } from '../support/raw-client.js';
import { type RunningServer, type StartOptions, startServer } from '../support/with-server.js';

const ENVELOPE = 'MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\n';
const CHUNK_OK = '250 2.0.0 Chunk received';
const MESSAGE_OK = '250 2.0.0 Message accepted';

/** What must never be run: it stands in every chunk that is refused. */
const EVIL = 'MAIL FROM:<evil@x.test>\r\nRCPT TO:<evil@y.test>\r\nDATA\r\nevil\r\n.\r\nQUIT\r\n';

const chunk = (octets: string, last = false): string => `BDAT ${octets.length}${last ? ' LAST' : ''}\r\n${octets}`;

/** Sends all of it at once behind EHLO. @returns the replies, with which the session must have ended */
async function dialogue(client: RawClient, wire: string): Promise<string[]> {
  await client.send(wire);
  return (await client.untilClosed()).replies;
}

/** Inside TLS, greeted. */
async function secured(running: RunningServer): Promise<RawClient> {
  const client = await running.upgraded();
  await client.ask('EHLO client.test');
  return client;
}

/** A server whose handler tells how each message ended for its reader. */
async function startWatching(options: StartOptions = {}): Promise<{ running: RunningServer; ends: string[] }> {
  const ends: string[] = [];
  const running = await startServer({
    onMessage: async (message) => {
      const end = await message.bytes().then(
        (octets) => octets.toString('latin1'),
        (error: TlsSmtpError) => error.code,
      );
      ends.push(end);
    },
    ...options,
  });
  return { running, ends };
}

describe('RFC 3030 §2: CHUNKING', { timeout: 120_000 }, () => {
  it('is offered in clear and inside TLS, without parameters, and not where it is hidden', async () => {
    const offers: boolean[] = [];
    for (const hide of [[], ['chunking']]) {
      await using running = await startServer({ hide });
      await using clear = await RawClient.connect(running.port);
      await clear.reply();
      await using inside = await running.upgraded();
      for (const client of [clear, inside]) offers.push(/^250-CHUNKING$/m.test(await client.ask('EHLO c.test')));
    }
    assert.deepEqual(offers, [true, true, false, false]);
  });

  it('a message in chunks, a 250 to each (MUST), ended by LAST: §4.1, simple chunking', async () => {
    await using running = await startServer();
    await using client = await secured(running);
    const replies: string[] = [];
    for (const line of ['MAIL FROM:<a@x.test>', 'RCPT TO:<b@y.test>']) replies.push(await client.ask(line));
    for (const part of [chunk('Subject: x\r\n'), chunk('\r\nhello '), chunk('world\r\n', true)]) {
      await client.send(part);
      replies.push(await client.reply());
    }
    assert.deepEqual(replies.slice(2), [CHUNK_OK, CHUNK_OK, MESSAGE_OK]);
    assert.deepEqual(
      running.messages.map(({ body, mailFrom, rcptTo, transmissionType }) => [
        body,
        mailFrom,
        rcptTo,
        transmissionType,
      ]),
      [['Subject: x\r\n\r\nhello world\r\n', 'a@x.test', ['b@y.test'], 'ESMTPS']],
    );
  });

  it('chunks without an octet are as idle as NOOP: they have an end', async () => {
    await using running = await startServer({ limits: { maxIdleCommands: 20 } });
    await using client = await secured(running);
    const replies = await dialogue(client, ENVELOPE + 'BDAT 0\r\n'.repeat(30));
    assert.match(replies.at(-1) ?? '', /^421 4\.7\.0 Too many commands/);
    assert.ok(replies.length < 25, `${replies.length} replies`);
  });

  it('LAST may have no octets, and be the only one', async () => {
    await using running = await startServer();
    await using client = await secured(running);
    const replies = await dialogue(
      client,
      `${ENVELOPE}${chunk('a')}BDAT 0 LAST\r\n${ENVELOPE}BDAT 0\r\nBDAT 0 LAST\r\nQUIT\r\n`,
    );
    assert.deepEqual(
      replies.map((reply) => reply.slice(0, 3)),
      ['250', '250', '250', '250', '250', '250', '250', '250', '221'],
    );
    assert.deepEqual(
      running.messages.map(({ body }) => body),
      ['a', ''],
    );
  });

  it('octets are octets: all 256, dots, lone CR and LF, commands and ends of data, with bareNewlines of both kinds', async () => {
    const every = Buffer.from(Array.from({ length: 256 }, (_none, octet) => octet)).toString('latin1');
    const body = `${every}\r\n.\r\n\n.\n\r.\r${EVIL}..`;
    for (const bareNewlines of ['reject', 'normalize'] as const) {
      await using running = await startServer({ bareNewlines });
      await using client = await secured(running);
      const replies = await dialogue(client, `${ENVELOPE}${chunk(body)}${chunk(body, true)}QUIT\r\n`);
      assert.deepEqual(replies.slice(2), [CHUNK_OK, MESSAGE_OK, '221 2.0.0 Bye']);
      assert.deepEqual(
        running.messages.map((one) => one.body),
        [body + body],
      );
    }
  });

  it('pipelined, cut at any octet: the same replies and the same messages', async () => {
    const wire = `EHLO c\r\n${ENVELOPE}${chunk('Hello\r\n.\r\n')}BDAT 0\r\n${chunk('QUIT\r\n', true)}${chunk('no')}${ENVELOPE}${chunk('x', true)}QUIT\r\n`;
    await using running = await startServer();
    const said = new Set<string>();
    for (let cut = 1; cut < wire.length; cut++) {
      await using client = await RawClient.connect(running.port);
      await client.reply();
      await client.send(wire.slice(0, cut));
      await turn();
      said.add((await dialogue(client, wire.slice(cut))).slice(-10).join('|'));
    }
    const transaction = ['250 2.1.0 Sender OK', '250 2.1.5 Recipient OK'];
    const expected = [
      ...[...transaction, CHUNK_OK, CHUNK_OK, MESSAGE_OK, '503 5.5.1 MAIL first'],
      ...[...transaction, MESSAGE_OK, '221 2.0.0 Bye'],
    ];
    assert.deepEqual([...said], [expected.join('|')]);
    assert.deepEqual(new Set(running.messages.map(({ body }) => body)), new Set(['Hello\r\n.\r\nQUIT\r\n', 'x']));
  });

  for (const [line, reply] of [
    ['DATA', '503 5.5.1 Not behind BDAT; RSET ends the transaction'],
    ['RCPT TO:<late@y.test>', '503 5.5.1 Not behind BDAT; RSET ends the transaction'],
    ['MAIL FROM:<late@x.test>', '503 5.5.1 A transaction is under way already'],
  ] as const) {
    it(`${line} behind a BDAT: 503 (MUST), and the message can still be ended`, async () => {
      await using running = await startServer();
      await using client = await secured(running);
      const replies = await dialogue(client, `${ENVELOPE}${chunk('a')}${line}\r\n${chunk('b', true)}QUIT\r\n`);
      assert.deepEqual(replies.slice(2), [CHUNK_OK, reply, MESSAGE_OK, '221 2.0.0 Bye']);
      assert.deepEqual(
        running.messages.map(({ body, rcptTo }) => [body, rcptTo]),
        [['ab', ['b@y.test']]],
      );
    });
  }

  it('BDAT behind BDAT LAST, and behind DATA: 503 (MUST), its octets dropped', async () => {
    await using running = await startServer();
    await using client = await secured(running);
    const replies = await dialogue(
      client,
      `${ENVELOPE}${chunk('a', true)}${chunk(EVIL, true)}${ENVELOPE}DATA\r\n`.concat(
        `b\r\n.\r\n${chunk(EVIL, true)}QUIT\r\n`,
      ),
    );
    const NO_MAIL = '503 5.5.1 MAIL first';
    assert.deepEqual(
      [replies.slice(2, 4), replies.slice(-3)],
      [
        [MESSAGE_OK, NO_MAIL],
        [MESSAGE_OK, NO_MAIL, '221 2.0.0 Bye'],
      ],
    );
    assert.deepEqual(
      running.messages.map(({ body }) => body),
      ['a', 'b\r\n'],
    );
  });

  it('RSET, EHLO and STARTTLS discard the chunks (RFC 3030 §2, RFC 5321 §4.1.4, RFC 3207 §4.2); the next message is another', async () => {
    for (const line of ['RSET', 'EHLO again.test', 'STARTTLS']) {
      const { running, ends } = await startWatching();
      await using _running = running;
      await using client = await running.greeted();
      for (const one of ['MAIL FROM:<a@x.test>', 'RCPT TO:<b@y.test>']) await client.ask(one);
      await client.send(chunk('first'));
      await client.reply();
      if (line === 'STARTTLS') await client.starttls(running.trust);
      else await client.ask(line);
      await client.ask('EHLO client.test');
      const replies = await dialogue(client, `${chunk(EVIL, true)}${ENVELOPE}${chunk('second', true)}QUIT\r\n`);
      assert.equal(replies[0], '503 5.5.1 MAIL first', line);
      assert.equal(replies[3], MESSAGE_OK, line);
      assert.deepEqual([ends, running.errors], [['ERR_TLS_SMTP_MESSAGE_INCOMPLETE', 'second'], []], line);
    }
  });

  it('DATA and BDAT both serve in one session', async () => {
    await using running = await startServer();
    await using client = await secured(running);
    await dialogue(
      client,
      `${ENVELOPE}${chunk('a', true)}${ENVELOPE}DATA\r\nb\r\n.\r\n${ENVELOPE}${chunk('c', true)}QUIT\r\n`,
    );
    assert.deepEqual(
      running.messages.map(({ body }) => body),
      ['a', 'b\r\n', 'c'],
    );
  });

  it('the message tells its envelope and the SIZE that was declared, and is given at the first chunk', async () => {
    const given: IncomingMessage[] = [];
    await using running = await startServer({
      onMessage: (message) => {
        given.push(message);
        return message.bytes().then(() => {});
      },
    });
    await using client = await secured(running);
    await client.ask('MAIL FROM:<a@x.test> SIZE=7');
    await client.ask('RCPT TO:<b@y.test>');
    await client.send(chunk('abc'));
    await client.reply();
    assert.deepEqual([given[0]?.size, given[0]?.envelope.mailFrom.address], [7, 'a@x.test']);
    await client.send(chunk('defg', true));
    assert.equal(await client.reply(), MESSAGE_OK);
  });
});

describe('S13: a BDAT that is refused', { timeout: 120_000 }, () => {
  /** What the client has said before, and the reply behind the octets. */
  const SCENES: readonly (readonly [
    why: string,
    before: string,
    reply: string,
    options?: StartOptions,
    line?: string,
  ])[] = [
    ['before EHLO', '', '503 5.5.1 Say EHLO first'],
    ['without MAIL', 'EHLO c\r\n', '503 5.5.1 MAIL first'],
    ['without RCPT', 'EHLO c\r\nMAIL FROM:<a@x.test>\r\n', '503 5.5.1 RCPT first'],
    ['behind HELO', `HELO c\r\n${ENVELOPE}`, '503 5.5.1 CHUNKING was not offered'],
    ['where CHUNKING is hidden', `EHLO c\r\n${ENVELOPE}`, '503 5.5.1 CHUNKING was not offered', { hide: ['CHUNKING'] }],
    ['for its size', `EHLO c\r\n${ENVELOPE}`, '552 5.3.4 Message too large', { limits: { maxMessageBytes: 60 } }],
    ['for its line end', `EHLO c\r\n${ENVELOPE}`, '500 5.5.2 lines end with CRLF', {}, `BDAT ${EVIL.length} LAST\n`],
  ];

  for (const [why, before, reply, options = {}, line = `BDAT ${EVIL.length} LAST\r\n`] of SCENES) {
    it(`[R38] the octets of a refused BDAT are swallowed, then the reply; the transaction is over (${why})`, async () => {
      for (const encrypted of [false, true]) {
        await using running = await startServer(options);
        await using client = await RawClient.connect(encrypted ? running.tlsPort : running.port);
        if (encrypted) await client.upgrade(running.trust);
        await client.reply();
        const replies = await dialogue(client, `${before}${line}${EVIL}${chunk('tail', true)}NOOP\r\nQUIT\r\n`);
        const [refusal, tail, ...rest] = replies.slice(-4);
        assert.deepEqual([refusal, rest], [reply, ['250 2.0.0 OK', '221 2.0.0 Bye']]);
        assert.match(tail ?? '', /^503 /, 'what was pipelined behind it is no message');
        const evil = running.seen.filter(({ command }) => command.includes('evil'));
        assert.deepEqual([running.messages, evil], [[], []]);
      }
    });
  }

  it('[R38] BDAT before TLS where TLS is required: 530 behind its octets, and none of them is run', async () => {
    await using running = await startServer({ tls: { requireHosts: '*' } });
    await using client = await running.greeted();
    const replies = await dialogue(client, `${chunk(EVIL)}${chunk(EVIL, true)}QUIT\r\n`);
    const refused = '530 5.7.0 Must issue a STARTTLS command first';
    assert.deepEqual(replies, [refused, refused, '221 2.0.0 Bye']);
    assert.deepEqual([running.messages, running.seen.length], [[], 1]);
  });

  it('[R38] BDAT while locked out: 554 behind its octets', async () => {
    await using running = await startServer({ tls: { certificate: () => '/nonexistent/tls-smtp/cert.pem' } });
    await using client = await running.greeted();
    assert.match(await client.ask('STARTTLS'), /^454 /);
    assert.deepEqual(await dialogue(client, `${chunk(EVIL, true)}QUIT\r\n`), [
      '554 5.7.0 Security failure',
      '221 2.0.0 Bye',
    ]);
    assert.deepEqual(running.messages, []);
  });

  for (const args of [
    '',
    ' -1',
    ' +5',
    ' 0x5',
    ' 5.0',
    ' 9007199254740992',
    ' 5LAST',
    ' 5 FIRST',
    ' 5 LAST extra',
    '\t5',
    ' 5\0',
  ]) {
    it(`${JSON.stringify(`BDAT${args}`)}: 501 and close, for where would the next command begin?`, async () => {
      await using running = await startServer();
      await using client = await secured(running);
      const replies = await dialogue(client, `${ENVELOPE}BDAT${args}\r\n${EVIL}`);
      assert.deepEqual(replies.slice(2), ['501 5.5.4 Syntax: BDAT size [LAST], closing']);
      await running.quiet();
      assert.deepEqual(running.messages, []);
      assert.deepEqual(running.reasons, ['a BDAT without a size']);
    });
  }

  it('2^53-1 octets: 552 and close, they are not waited for', async () => {
    await using running = await startServer();
    await using client = await secured(running);
    const replies = await dialogue(client, `${ENVELOPE}BDAT 9007199254740991 LAST\r\n${EVIL}`);
    assert.deepEqual(replies.slice(2), ['552 5.3.4 Message too large']);
    assert.deepEqual(running.messages, []);
  });

  it('a message that grows too large in its chunks: 552 to the one that does it, nothing is kept, the next message is taken', async () => {
    const { running, ends } = await startWatching({ limits: { maxMessageBytes: 10 } });
    await using _running = running;
    await using client = await secured(running);
    const replies = await dialogue(
      client,
      `${ENVELOPE}${chunk('12345')}${chunk('123456')}${chunk('x', true)}${ENVELOPE}${chunk('12345')}${chunk('12345', true)}QUIT\r\n`,
    );
    assert.deepEqual(replies.slice(2, 5), [CHUNK_OK, '552 5.3.4 Message too large', '503 5.5.1 MAIL first']);
    assert.deepEqual(replies.slice(7), [CHUNK_OK, MESSAGE_OK, '221 2.0.0 Bye']);
    assert.deepEqual(ends, ['ERR_TLS_SMTP_MESSAGE_INCOMPLETE', '1234512345']);
  });
});

describe('S23: a message that is cut in its chunks', { timeout: 120_000 }, () => {
  const WIRE = `${ENVELOPE}${chunk('Subject: x\r\n\r\n')}${chunk('body\r\n', true)}`;
  const BEGUN = WIRE.indexOf('BDAT');

  it('EOF at every octet: nothing is accepted, and whoever reads gets an error', async () => {
    const { running, ends } = await startWatching();
    await using _running = running;
    for (let cut = BEGUN; cut < WIRE.length; cut++) {
      await using client = await running.greeted();
      await client.send(WIRE.slice(0, cut));
      client.finish();
      const { replies } = await client.untilClosed();
      assert.ok(!replies.includes(MESSAGE_OK), `cut at ${cut}`);
    }
    await running.quiet();
    assert.deepEqual([new Set(ends), running.errors], [new Set(['ERR_TLS_SMTP_MESSAGE_INCOMPLETE']), []]);
    await using client = await running.greeted();
    await client.send(WIRE);
    assert.equal((await client.replies(4))[3], MESSAGE_OK, 'control: one octet more and it is accepted');
  });

  for (const resumeClearHosts of [undefined, '127.0.0.1']) {
    for (const [where, octets] of [
      ['inside a chunk', 'BDAT 4\r\nhalfBDAT 10 LAST\r\nhalf'],
      ['between two', 'BDAT 4\r\nhalf'],
    ] as const) {
      const who = resumeClearHosts === undefined ? '' : ', of a client that may go on in clear';
      it(`S08: close_notify ${where}${who}, the rest in clear: not accepted, not run`, async () => {
        for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
          const { running, ends } = await startWatching(resumeClearHosts ? { tls: { resumeClearHosts } } : {});
          await using _running = running;
          using client = await ClosingTls.greeted(running.port);
          await client.starttls({ ...running.trust, minVersion: version, maxVersion: version });
          for (const line of ['EHLO c.test', 'MAIL FROM:<a@x.test>', 'RCPT TO:<b@y.test>']) await client.ask(line);
          client.raw.write(await client.hold((tls) => tls.write(octets)));
          await client.reply(/Chunk received/);
          const rest = Buffer.from('BDAT 6 LAST\r\nother!EHLO clear.test\r\n');
          client.raw.write(Buffer.concat([await client.closeNotify(), rest]));
          await running.quiet();
          const inClear = running.seen.filter(({ command }) => command.includes('clear.test'));
          assert.deepEqual([ends, inClear], [['ERR_TLS_SMTP_MESSAGE_INCOMPLETE'], []], version);
        }
      });
    }
  }

  it('a client that pauses inside a chunk for dataTimeoutMs: 421, nothing is kept', async () => {
    const { running, ends } = await startWatching({ limits: { dataTimeoutMs: 60 } });
    await using _running = running;
    await using client = await secured(running);
    const replies = await dialogue(client, `${ENVELOPE}BDAT 10 LAST\r\nhalf`);
    assert.deepEqual(replies.slice(2), ['421 4.4.2 Timeout, closing']);
    await running.quiet();
    assert.deepEqual(ends, ['ERR_TLS_SMTP_MESSAGE_INCOMPLETE']);
  });
});

describe('chunks and the handler', { timeout: 120_000 }, () => {
  const REFUSED = '550 5.7.1 no';
  const refuse = (): never => {
    throw reject(550, '5.7.1', 'no');
  };

  it('that refuses at once: said at the end of the first chunk, and the transaction is over', async () => {
    await using running = await startServer({ onMessage: refuse });
    await using client = await secured(running);
    const replies = await dialogue(client, `${ENVELOPE}${chunk(EVIL)}${chunk(EVIL, true)}QUIT\r\n`);
    assert.deepEqual(replies.slice(2), [REFUSED, '503 5.5.1 MAIL first', '221 2.0.0 Bye']);
  });

  it('that refuses later: said to the next chunk', async () => {
    const refused = deferred();
    await using running = await startServer({ onMessage: () => refused.promise.then(refuse) });
    await using client = await secured(running);
    await client.send(`${ENVELOPE}${chunk('a')}`);
    assert.equal((await client.replies(3))[2], CHUNK_OK);
    refused.resolve();
    await turn();
    assert.deepEqual(await dialogue(client, `${chunk('b')}QUIT\r\n`), [REFUSED, '221 2.0.0 Bye']);
  });

  it('that does not read: the chunks are dropped, and its answer is that to the last', async () => {
    await using running = await startServer({ onMessage: () => 'not read' });
    await using client = await secured(running);
    const replies = await dialogue(client, `${ENVELOPE}${chunk('x'.repeat(100_000))}${chunk('y', true)}QUIT\r\n`);
    assert.deepEqual(replies.slice(2), [CHUNK_OK, '250 2.0.0 not read', '221 2.0.0 Bye']);
  });

  it('that fails: 451, and the transaction is over', async () => {
    await using running = await startServer({
      onMessage: async (message) => {
        await message.bytes();
        throw new Error('disk full');
      },
    });
    await using client = await secured(running);
    const replies = await dialogue(client, `${ENVELOPE}${chunk('a')}${chunk('b', true)}${chunk('c', true)}QUIT\r\n`);
    assert.deepEqual(
      replies.slice(2).map((reply) => reply.slice(0, 3)),
      ['250', '451', '503', '221'],
    );
    assert.deepEqual(
      running.errors.map(({ code }) => code),
      ['ERR_TLS_SMTP_HANDLER_FAILED'],
    );
  });

  it('that keeps the signal: aborted for a message that is discarded, and never for one that was answered 250', async () => {
    const signals: AbortSignal[] = [];
    await using running = await startServer({ onMessage: ({ signal }) => void signals.push(signal) });
    await using client = await secured(running);
    const discarded = `${ENVELOPE}${chunk('a')}RSET\r\n`;
    const byData = `${ENVELOPE}DATA\r\nb\r\n.\r\n`;
    await dialogue(client, `${discarded}${ENVELOPE}${chunk('a')}${chunk('b', true)}${byData}QUIT\r\n`);
    await running.quiet();
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [true, false, false],
    );
  });

  it('and the rules of acl.data: asked once for a message, and said behind the octets', async () => {
    let asked = 0;
    const notTheSecond = async (): Promise<boolean> => ++asked !== 2;
    const rules = [acl.accept(notTheSecond), acl.deny()];
    await using running = await startServer({ acl: { data: rules } });
    await using client = await secured(running);
    const replies = await dialogue(
      client,
      `${ENVELOPE}${chunk('a')}${chunk('b', true)}${ENVELOPE}${chunk(EVIL)}${chunk(EVIL, true)}QUIT\r\n`,
    );
    assert.deepEqual(
      [replies.slice(2, 4), replies.slice(6)],
      [
        [CHUNK_OK, MESSAGE_OK],
        ['550 5.7.1 Administrative prohibition', '503 5.5.1 MAIL first', '221 2.0.0 Bye'],
      ],
    );
    assert.equal(asked, 2);
  });

  it('that is slow holds the client back, however small the chunks: the 250 waits', async () => {
    const read = deferred();
    let octets = 0;
    await using running = await startServer({
      onMessage: async (message) => {
        await read.promise;
        for await (const slice of message) octets += slice.length;
      },
    });
    await using client = await secured(running);
    await client.send(ENVELOPE);
    await client.replies(2);
    const part = chunk('x'.repeat(4_096));
    for (let sent = 1; sent < 16; sent++) {
      await client.send(part);
      assert.equal(await client.reply(), CHUNK_OK);
    }
    await client.send(part + part); // 64 KiB, which is what is queued, and more
    await sleep(100);
    assert.equal(client.unread, '');
    read.resolve();
    assert.deepEqual(await client.replies(2), [CHUNK_OK, CHUNK_OK]);
    assert.deepEqual(await dialogue(client, 'BDAT 0 LAST\r\nQUIT\r\n'), [MESSAGE_OK, '221 2.0.0 Bye']);
    assert.equal(octets, 17 * 4_096);
  });

  it('that never reads: 421 when limits.handlerTimeoutMs is over, in the middle of a chunk and between two', async () => {
    for (const wire of [chunk('x'.repeat(200_000)), chunk('x'.repeat(50_000)).repeat(4)]) {
      await using running = await startServer({
        limits: { handlerTimeoutMs: 80, dataTimeoutMs: 10_000 },
        onMessage: () => new Promise(() => {}),
      });
      await using client = await secured(running);
      await client.send(`${ENVELOPE}${wire}`).catch(() => {});
      await eventually('421', () => /^421 4\.3\.0 /m.test(client.unread));
      await running.quiet();
      assert.deepEqual(
        running.errors.map(({ code }) => code),
        ['ERR_TLS_SMTP_HANDLER_TIMEOUT'],
      );
    }
  });
});

function deferred(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve: () => resolve() };
}
