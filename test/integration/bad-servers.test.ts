import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import {
  type Delivery,
  type DeliveryResult,
  SmtpTransport,
  type SmtpTransportOptions,
} from '../../src/client/index.js';
import { POLITE, type ScriptedServer, scriptedServer } from '../support/scripted-server.js';
import { testIdentity } from '../support/with-server.js';

const { issued } = await testIdentity();

/** What a server says to a verb, or to a line of a message as it is; a function for what it does. */
type Script = Readonly<Record<string, string | null | ((socket: Socket) => string | null | undefined)>>;

/** A server that is polite but for `script`, under TLS from the first octet. */
function server(script: Script = {}): Promise<ScriptedServer> {
  const said: Script = { ...POLITE, ...script };
  return scriptedServer(
    '220 x\r\n',
    (line, socket) => {
      const own = said[line] ?? said[line.split(' ', 1)[0] ?? ''];
      return typeof own === 'function' ? own(socket) : own;
    },
    issued,
  );
}

function deliver(
  servers: readonly ScriptedServer[],
  delivery: Partial<Delivery> = {},
  timeouts: SmtpTransportOptions['timeouts'] = {},
): Promise<DeliveryResult> {
  return new SmtpTransport({ protocol: 'smtps', timeouts: { commandMs: 20_000, ...timeouts } }).deliver({
    hosts: servers.map(({ port }) => ({ host: '127.0.0.1', port })),
    envelope: { from: 'a@x.test', to: ['b@y.test'] },
    message: 'hello\n',
    ...delivery,
  });
}

function outcomes({ status, attempts }: DeliveryResult): unknown[] {
  return [status, ...attempts.map((one) => [one.outcome, one.error?.code ?? null])];
}

/** Never ends, and gives its lines one by one. */
async function* endless(): AsyncGenerator<Buffer> {
  while (true) {
    yield Buffer.from('line\n');
    await new Promise(setImmediate);
  }
}

/** Gives one line and then nothing for ever. */
async function* stuck(): AsyncGenerator<Buffer> {
  yield Buffer.from('line\n');
  await new Promise(() => {});
}

describe('a server that answers DATA', () => {
  it('with 5xx gets no message, and its refusal is final', async () => {
    await using host = await server({ DATA: '554 no\r\n' });
    const result = await deliver([host]);
    assert.deepEqual([outcomes(result), result.recipients[0]?.reply?.code], [['failed', ['failed', null]], 554]);
    assert.match(host.heard(), /DATA\r\nQUIT\r\n$/);
  });

  it('with 250 has accepted nothing', async () => {
    await using host = await server({ DATA: '250 ok\r\n' });
    assert.deepEqual(outcomes(await deliver([host])), ['deferred', ['next-host', 'ERR_TLS_SMTP_REPLY_UNEXPECTED']]);
  });

  it('with 421 is left for the next host', async () => {
    await using first = await server({ DATA: '421 bye\r\n' });
    await using second = await server();
    assert.deepEqual(outcomes(await deliver([first, second])), ['delivered', ['deferred', null], ['accepted', null]]);
  });
});

describe('a server that speaks before the final dot', () => {
  it('with 5xx is believed at once: nothing more is sent, no final dot, and the stream is closed', async () => {
    await using host = await server({ line: '552 too large\r\n' });
    const message = Readable.from(endless());
    const result = await deliver([host], { message });
    assert.deepEqual([outcomes(result), result.recipients[0]?.reply?.code], [['failed', ['failed', null]], 552]);
    assert.deepEqual([message.destroyed, /\r\n\.\r\n|QUIT/.test(host.heard())], [true, false]);
  });

  it('with 4xx is left for the next host, also while the stream gives nothing', async () => {
    await using first = await server({ line: '421 going down\r\n' });
    await using second = await server();
    let made = 0;
    const message = (): AsyncIterable<Buffer> => (made++ === 0 ? stuck() : Readable.from([Buffer.from('x')]));
    assert.deepEqual(outcomes(await deliver([first, second], { message })), [
      'delivered',
      ['deferred', null],
      ['accepted', null],
    ]);
  });

  it('with 250 has accepted nothing: in the segment of its 354, and in the middle', async () => {
    for (const script of [{ DATA: '354 go\r\n250 taken\r\n' }, { line: '250 taken\r\n' }]) {
      await using host = await server(script);
      assert.deepEqual(outcomes(await deliver([host], { message: endless })), [
        'deferred',
        ['next-host', 'ERR_TLS_SMTP_REPLY_UNEXPECTED'],
      ]);
    }
  });

  it('by closing is noticed while the stream gives nothing', async () => {
    await using host = await server({ line: null });
    assert.deepEqual(outcomes(await deliver([host], { message: stuck })), [
      'deferred',
      ['next-host', 'ERR_TLS_SMTP_PEER_CLOSED'],
    ]);
  });
});

describe('a server that is slow or mute', () => {
  it('and takes no more of the message is given up after dataBlockMs', async () => {
    await using host = await server({
      DATA: (socket) => {
        socket.pause();
        return '354 go\r\n';
      },
    });
    const message = Buffer.alloc(32 * 1024 * 1024, 'x');
    assert.deepEqual(outcomes(await deliver([host], { message }, { dataBlockMs: 200 })), [
      'deferred',
      ['next-host', 'ERR_TLS_SMTP_TIMEOUT'],
    ]);
  });

  it('behind the final dot leaves it unknown, and no further host is tried', async () => {
    for (const [dot, code] of [
      [() => undefined, 'ERR_TLS_SMTP_TIMEOUT'],
      [null, 'ERR_TLS_SMTP_PEER_CLOSED'],
      ['hello\r\n', 'ERR_TLS_SMTP_REPLY_MALFORMED'],
    ] as const) {
      await using first = await server({ '.': dot });
      await using second = await server();
      const result = await deliver([first, second], {}, { finalDotMs: 100 });
      assert.deepEqual([outcomes(result), second.heard()], [['unknown', ['unknown', code]], '']);
    }
  });

  it('to QUIT changes nothing: a message that was taken is delivered', async () => {
    for (const quit of [null, '500 what\r\n', 'hello\r\n', () => undefined]) {
      await using host = await server({ QUIT: quit });
      assert.deepEqual(outcomes(await deliver([host], {}, { quitMs: 50 })), ['delivered', ['accepted', null]]);
    }
  });

  it('or gives more replies than it was asked for has accepted nothing: they are no longer in step', async () => {
    await using host = await server({ EHLO: '250 x\r\n250 y\r\n' });
    assert.deepEqual(outcomes(await deliver([host])), ['deferred', ['next-host', 'ERR_TLS_SMTP_REPLY_UNEXPECTED']]);
  });
});

describe('recipients', () => {
  it('that one host defers go to the next, alone', async () => {
    await using first = await server({ 'RCPT TO:<later@y.test>': '451 greylisted\r\n' });
    await using second = await server();
    const to = ['b@y.test', 'later@y.test'];
    const result = await deliver([first, second], { envelope: { from: 'a@x.test', to } });
    assert.deepEqual(outcomes(result), ['delivered', ['accepted', null], ['accepted', null]]);
    assert.deepEqual(second.heard().match(/RCPT TO:<[^>]*>/g), ['RCPT TO:<later@y.test>']);
  });

  it('that are refused for good by one host and deferred by it are no success, and keep their replies', async () => {
    await using host = await server({
      'RCPT TO:<no@y.test>': '550 5.1.1 no such user\r\n',
      'RCPT TO:<later@y.test>': '451 4.7.1 greylisted\r\n',
    });
    const result = await deliver([host], { envelope: { from: 'a@x.test', to: ['no@y.test', 'later@y.test'] } });
    assert.deepEqual(outcomes(result), ['partial', ['deferred', null]]);
    assert.deepEqual(
      result.recipients.map(({ status, reply }) => [status, reply?.code]),
      [
        ['failed', 550],
        ['deferred', 451],
      ],
    );
  });

  it('that are given twice get a RCPT and a result each, in their order', async () => {
    let times = 0;
    await using host = await server({ RCPT: () => (++times === 2 ? '550 once is enough\r\n' : '250 ok\r\n') });
    const to = ['b@y.test', 'b@y.test', 'c@y.test', 'b@y.test'];
    const result = await deliver([host], { envelope: { from: 'a@x.test', to } });
    assert.deepEqual(
      [host.heard().match(/RCPT TO:<[^>]*>/g), result.recipients.map((one) => [one.address, one.status])],
      [
        to.map((address) => `RCPT TO:<${address}>`),
        [
          ['b@y.test', 'delivered'],
          ['b@y.test', 'failed'],
          ['c@y.test', 'delivered'],
          ['b@y.test', 'delivered'],
        ],
      ],
    );
  });

  it('of a server that says 421 between them all go to the next host: nothing was accepted yet', async () => {
    await using first = await server({
      'RCPT TO:<c@y.test>': (socket) => {
        socket.end('421 going down\r\n');
        return undefined;
      },
    });
    await using second = await server();
    const to = ['b@y.test', 'c@y.test', 'd@y.test'];
    assert.deepEqual(outcomes(await deliver([first, second], { envelope: { from: 'a@x.test', to } })), [
      'delivered',
      ['next-host', 'ERR_TLS_SMTP_PEER_CLOSED'],
      ['accepted', null],
    ]);
  });

  it('that would need a one-shot stream again stay deferred, and no connection is made for them', async () => {
    await using first = await server({ line: null });
    await using second = await server();
    assert.deepEqual(outcomes(await deliver([first, second], { message: Readable.from(stuck()) })), [
      'deferred',
      ['next-host', 'ERR_TLS_SMTP_PEER_CLOSED'],
      ['deferred', 'ERR_TLS_SMTP_MESSAGE_NOT_REPLAYABLE'],
    ]);
    assert.equal(second.heard(), '');
  });
});
