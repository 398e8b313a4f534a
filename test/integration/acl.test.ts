import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AclCondition, acl } from '../../src/policy/acl.js';
import { reject } from '../../src/smtp/rejection.js';
import { eventually, RawClient, sleep } from '../support/raw-client.js';
import { sendMessage, startServer } from '../support/with-server.js';

/** A condition that answers later. */
const later =
  (answer: 'yes' | 'no' | 'defer'): AclCondition =>
  async () => {
    await sleep(5);
    return answer;
  };

const DENIED = '550 5.7.1 Administrative prohibition';
const UNDECIDED = '451 4.7.1 Temporarily unable to decide, try again later';

describe('acl on each command, before its handler (SPEC §5)', { timeout: 120_000 }, () => {
  /** Each command at which a list stands, and what is said to reach it. */
  const WAYS = {
    helo: ['EHLO a'],
    mail: ['EHLO a', 'MAIL FROM:<a@x.test>'],
    rcpt: ['EHLO a', 'MAIL FROM:<a@x.test>', 'RCPT TO:<b@y.test>'],
    data: ['EHLO a', 'MAIL FROM:<a@x.test>', 'RCPT TO:<b@y.test>', 'DATA'],
    starttls: ['EHLO a', 'STARTTLS'],
  } as const;
  const HANDLERS = { helo: 'onHelo', mail: 'onMailFrom', rcpt: 'onRcptTo', data: 'onMessage', starttls: 'onStartTls' };

  for (const command of ['helo', 'mail', 'rcpt', 'data', 'starttls'] as const) {
    for (const [what, rules, reply, then] of [
      ['deny', [acl.deny()], DENIED, 'goes on'],
      ['a list that runs off its end', [acl.accept(acl.authenticated())], DENIED, 'goes on'],
      ['an empty list', [], DENIED, 'goes on'],
      ['deny with a reply', [acl.deny(later('yes'), reject(530, '5.7.0', 'TLS'))], '530 5.7.0 TLS', 'goes on'],
      ['defer', [acl.defer()], UNDECIDED, 'goes on'],
      ['a condition that defers', [acl.accept(later('defer'))], UNDECIDED, 'goes on'],
      ['drop', [acl.drop()], '554 5.7.1 No service for you', 'closes'],
      ['drop later', [acl.drop(later('yes'))], '554 5.7.1 No service for you', 'closes'],
      ['drop with a reply', [acl.drop(undefined, reject(451, '4.7.1', 'out'))], '451 4.7.1 out', 'closes'],
      ['deny with 421', [acl.deny(undefined, reject(421, '4.7.0', 'out'))], '421 4.7.0 out', 'closes'],
    ] as const) {
      it(`${command}: ${what} says ${reply.slice(0, 9)}, and the session ${then}`, async () => {
        const handled: string[] = [];
        await using running = await startServer({
          acl: { [command]: rules },
          [HANDLERS[command]]: () => void handled.push(command),
        });
        const client = await RawClient.connect(running.port);
        await client.reply();
        const lines = [...WAYS[command]];
        const last = lines.pop() ?? '';
        for (const line of lines) assert.match(await client.ask(line), /^250/);
        assert.equal(await client.ask(last), reply);
        if (then === 'goes on') assert.equal(await client.ask('NOOP'), '250 2.0.0 OK');
        else {
          assert.deepEqual((await client.untilClosed()).replies, []);
          await running.quiet();
        }
        assert.deepEqual([handled, running.errors], [[], []]);
        client.destroy();
      });
    }
  }

  it('what is pipelined behind a drop is not run', async () => {
    await using running = await startServer({ acl: { rcpt: [acl.drop(later('yes'))] } });
    const client = await running.greeted();
    await client.send(
      'MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nRCPT TO:<c@y.test>\r\nRSET\r\nMAIL FROM:<d@x.test>\r\n',
    );
    assert.deepEqual((await client.untilClosed()).replies, ['250 2.1.0 Sender OK', '554 5.7.1 No service for you']);
    await eventually('the reason', () => running.reasons.length === 1);
    assert.deepEqual(running.reasons, ['the session was ended: No service for you']);
    assert.deepEqual(
      running.seen.map(({ command }) => command),
      ['EHLO client.test', 'MAIL a@x.test'],
    );
  });

  it('accept goes on to the handler, whose word is the last', async () => {
    await using running = await startServer({
      acl: { mail: [acl.accept(later('yes'))], rcpt: [acl.accept()], data: [acl.deny(later('no')), acl.accept()] },
      onRcptTo({ address }) {
        if (address === 'c@y.test') throw reject(550, '5.1.1', 'unknown');
      },
    });
    const client = await running.greeted();
    assert.equal(await client.ask('MAIL FROM:<a@x.test>'), '250 2.1.0 Sender OK');
    assert.equal(await client.ask('RCPT TO:<c@y.test>'), '550 5.1.1 unknown');
    await client.ask('RSET');
    assert.match(await sendMessage(client), /^250 /);
    assert.deepEqual(
      running.messages.map(({ body }) => body),
      ['Subject: x\r\n\r\nhello\r\n'],
    );
    client.destroy();
  });

  it('before STARTTLS 530, inside TLS the mail (the example of SPEC)', async () => {
    await using running = await startServer({
      acl: {
        mail: [
          acl.deny(acl.not(acl.encrypted('*')), reject(530, '5.7.0', 'Must issue a STARTTLS command first')),
          acl.accept(),
        ],
      },
    });
    const client = await running.greeted();
    assert.equal(await client.ask('MAIL FROM:<a@x.test>'), '530 5.7.0 Must issue a STARTTLS command first');
    await client.starttls(running.trust);
    assert.match(await sendMessage(client), /^250 /);
    client.destroy();
  });

  it('auth: where AUTH could be had, before a password is said; what it refuses onAuth never sees', async () => {
    const asked: string[] = [];
    await using running = await startServer({
      acl: { auth: [acl.deny(acl.hosts('127.0.0.1'), reject(535, '5.7.8', 'not from there'))] },
      onAuth: () => {
        asked.push('onAuth');
        return { user: 'alice' };
      },
    });
    const client = await running.upgraded();
    await client.ask('EHLO a');
    assert.match(await client.ask('AUTH NONE'), /^504 /);
    assert.equal(await client.ask('AUTH PLAIN'), '535 5.7.8 not from there');
    assert.equal(await client.ask('AUTH PLAIN AGEAYg=='), '535 5.7.8 not from there');
    client.destroy();
    await using open = await startServer({
      acl: { auth: [acl.accept(later('yes'))], rcpt: [acl.accept(acl.authenticated())] },
      onAuth: () => ({ user: 'alice' }),
    });
    const user = await open.upgraded();
    await user.ask('EHLO a');
    await user.ask('MAIL FROM:<a@x.test>');
    assert.equal(await user.ask('RCPT TO:<b@y.test>'), DENIED);
    await user.ask('RSET');
    assert.match(await user.ask('AUTH PLAIN'), /^334 /);
    assert.match(await user.ask('AGEAYg=='), /^235 /);
    assert.match(await sendMessage(user), /^250 /);
    assert.deepEqual(asked, []);
    user.destroy();
  });

  it('a condition that never answers ends with the time of the handlers', async () => {
    await using running = await startServer({
      limits: { handlerTimeoutMs: 60 },
      acl: { mail: [acl.accept(() => new Promise(() => {}))] },
    });
    const client = await running.greeted();
    assert.equal(await client.ask('MAIL FROM:<a@x.test>'), '421 4.3.0 Local problem, try again later');
    client.destroy();
  });
});

describe('acl.starttls in its place of the table of STARTTLS', { timeout: 120_000 }, () => {
  it('is asked behind the argument, TLS that is active and no EHLO, and before the handler', async () => {
    const asked: string[] = [];
    await using running = await startServer({
      acl: {
        starttls: [
          acl.accept(async () => {
            asked.push('acl');
            return true;
          }),
        ],
      },
      onStartTls: () => void asked.push('onStartTls'),
    });
    const client = await RawClient.connect(running.port);
    await client.reply();
    assert.match(await client.ask('STARTTLS'), /^503 /);
    await client.ask('EHLO a');
    assert.match(await client.ask('STARTTLS x'), /^501 /);
    assert.deepEqual(asked, []);
    await client.starttls(running.trust);
    await client.ask('EHLO a');
    assert.match(await client.ask('STARTTLS'), /^554 /);
    assert.deepEqual(asked, ['acl', 'onStartTls']);
    client.destroy();
  });

  it('octets sent while a condition is asked are injected ones: 554 and close, no handshake', async () => {
    await using running = await startServer({ acl: { starttls: [acl.accept(later('yes'))] } });
    const client = await running.greeted();
    await client.send('STARTTLS\r\n');
    await client.send('MAIL FROM:<a@x.test>\r\n');
    assert.match((await client.untilClosed()).replies.join(), /^554 5\.5\.1 /);
    assert.deepEqual(running.seen, [{ command: 'EHLO client.test', encrypted: false }]);
  });
});

describe('acl.connect', { timeout: 120_000 }, () => {
  for (const [what, rules, reply] of [
    ['deny', [acl.deny(acl.hosts('127.0.0.0/8'))], '554 5.7.1 No service for you'],
    ['a list that runs off its end', [acl.accept(acl.hosts('192.0.2.1'))], '554 5.7.1 No service for you'],
    ['its own reply', [acl.deny(undefined, reject(554, '5.7.1', 'listed'))], '554 5.7.1 listed'],
    ['drop', [acl.drop(later('yes'))], '554 5.7.1 No service for you'],
    ['defer', [acl.defer()], UNDECIDED],
  ] as const) {
    it(`${what}: the reply in place of the banner, then close; where TLS comes first not a byte`, async () => {
      let asked = 0;
      await using running = await startServer({ acl: { connect: rules }, onConnect: () => asked++ });
      const client = await RawClient.connect(running.port);
      assert.deepEqual((await client.untilClosed()).replies, [reply]);
      const onTls = await RawClient.connect(running.tlsPort);
      assert.deepEqual((await onTls.closed()).rest, Buffer.alloc(0));
      await running.quiet();
      assert.deepEqual([running.reasons, asked], [Array(2).fill('refused by acl.connect'), 0]);
      assert.deepEqual([running.seen, running.errors], [[], []]);
    });
  }

  it('knows the peer and no TLS, for TLS comes behind it; then onConnect is asked', async () => {
    const asked: unknown[] = [];
    await using running = await startServer({
      acl: {
        connect: [
          acl.accept(async ({ peer, tls, user, address }) => {
            asked.push([peer.address, tls, user, address]);
            return true;
          }),
        ],
      },
      onConnect: () => void asked.push('onConnect'),
    });
    const client = await RawClient.connectTls(running.tlsPort, running.trust);
    assert.match(await client.reply(), /^220 /);
    assert.deepEqual(asked, [['127.0.0.1', null, null, undefined], 'onConnect']);
    client.destroy();
  });
});
