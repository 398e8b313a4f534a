import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import {
  AbortError,
  type Delivery,
  type MessageSource,
  MessageSourceError,
  SmtpTransport,
  type SmtpTransportOptions,
} from '../../src/client/index.js';
import { reject } from '../../src/smtp/rejection.js';
import { eventually } from '../support/raw-client.js';
import { POLITE, scriptedServer } from '../support/scripted-server.js';
import { type RunningServer, startServer, testIdentity } from '../support/with-server.js';

const { issued } = await testIdentity();

function delivery(ports: readonly number[], given: Partial<Delivery>): Delivery {
  return {
    hosts: ports.map((port) => ({ host: '127.0.0.1', port })),
    envelope: { from: 'a@x.test', to: ['b@y.test'] },
    message: 'hello\n',
    ...given,
  };
}

/** Two lines, and then what `last` does. */
async function* lines(last: () => unknown): AsyncGenerator<Buffer> {
  yield Buffer.from('Subject: x\n\n');
  yield Buffer.from('half of it\n');
  await last();
}

const forEver = (): Promise<void> => new Promise(() => {});

describe('a message whose source fails', () => {
  const broken = new Error('disk on fire');
  const failing = (): never => {
    throw broken;
  };

  async function failureOf(server: RunningServer, message: MessageSource): Promise<MessageSourceError> {
    const given = delivery([server.port, server.port], { message });
    const error: unknown = await new SmtpTransport().deliver(given).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof MessageSourceError, String(error));
    return error;
  }

  it('rejects with the cause and the result so far: nothing is accepted, no further host is tried', async () => {
    for (const message of [lines(failing), Readable.from(lines(failing)), () => lines(failing)]) {
      await using server = await startServer();
      const { cause, fault, result } = await failureOf(server, message);
      assert.deepEqual(
        [cause, fault, result.status, result.recipients],
        [broken, 'caller', 'deferred', [{ address: 'b@y.test', status: 'deferred', reply: null }]],
      );
      assert.deepEqual(
        result.attempts.map((one) => [one.security, one.outcome, one.error]),
        [['tls', 'deferred', null]],
      );
      await server.quiet();
      assert.deepEqual(
        [server.messages, server.seen.filter(({ command }) => command.startsWith('MAIL')).length],
        [[], 1],
      );
    }
  });

  it('carries what an earlier host made of each recipient', async () => {
    await using strict = await startServer({
      onRcptTo: ({ address }) => {
        if (address === 'later@y.test') throw reject(451, '4.7.1', 'greylisted');
      },
    });
    await using lenient = await startServer();
    let made = 0;
    const given = delivery([strict.port, lenient.port], {
      envelope: { from: 'a@x.test', to: ['b@y.test', 'later@y.test'] },
      message: () => (made++ === 0 ? Readable.from(['x']) : lines(failing)),
    });
    const error: unknown = await new SmtpTransport().deliver(given).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof MessageSourceError);
    assert.deepEqual(
      error.result.recipients.map(({ status, reply }) => [status, reply?.code]),
      [
        ['delivered', 250],
        ['deferred', 451],
      ],
    );
  });

  it('does not end the process where it fails while the host is still being dialled', async () => {
    await using server = await startServer({ onConnect: () => new Promise((resolve) => setTimeout(resolve, 100)) });
    const { cause } = await failureOf(server, createReadStream('/nowhere/message.eml'));
    assert.deepEqual([(cause as NodeJS.ErrnoException).code, server.messages], ['ENOENT', []]);
    assert.deepEqual(
      server.seen.filter(({ command }) => command.startsWith('MAIL')),
      [],
    );
  });
});

describe('deliver({ signal })', () => {
  /** Aborts once `ready` says so. Proves that nothing of the delivery is left. @returns the error */
  async function aborted(
    given: (signal: AbortSignal) => Delivery,
    ready: (abort: () => void) => unknown,
    options: SmtpTransportOptions = {},
  ): Promise<AbortError> {
    const controller = new AbortController();
    const reason = new Error('enough');
    const running = new SmtpTransport(options).deliver(given(controller.signal)).catch((thrown: unknown) => thrown);
    await ready(() => controller.abort(reason));
    const error = await running;
    assert.ok(error instanceof AbortError, String(error));
    assert.deepEqual(
      [error.name, error.code, error.cause, getEventListeners(controller.signal, 'abort')],
      ['AbortError', 'ERR_TLS_SMTP_ABORTED', reason, []],
    );
    return error;
  }

  it('connects to nobody where it was aborted before', async () => {
    await using server = await startServer();
    const signal = AbortSignal.abort();
    const error: unknown = await new SmtpTransport()
      .deliver(delivery([server.port], { signal }))
      .catch((thrown: unknown) => thrown);
    assert.ok(error instanceof AbortError);
    assert.deepEqual([error.result.attempts, error.result.status, server.server.connections], [[], 'deferred', 0]);
  });

  it('cuts the connection wherever it waits: for the greeting, a reply, the handshake', async () => {
    const silent: readonly [string, SmtpTransportOptions, Record<string, string>][] = [
      ['', {}, {}],
      ['', { protocol: 'smtps' }, {}],
      ['220 x\r\n', {}, {}],
      ['220 x\r\n', {}, { EHLO: '250-x\r\n250 STARTTLS\r\n' }],
      ['220 x\r\n', {}, { EHLO: '250-x\r\n250 STARTTLS\r\n', STARTTLS: '220 go\r\n' }],
    ];
    for (const [greeting, options, answers] of silent) {
      let closed = 0;
      await using server = await scriptedServer(greeting, (line, socket) => {
        socket.once('close', () => closed++);
        return answers[line.split(' ', 1)[0] ?? ''];
      });
      const { result } = await aborted(
        (signal) => delivery([server.port, server.port], { signal }),
        (abort) => setTimeout(abort, 60),
        options,
      );
      assert.deepEqual(
        result.attempts.map((one) => [one.outcome, one.error]),
        [['deferred', null]],
      );
      if (server.heard().includes('\r\n')) await eventually('the socket is closed', () => closed > 0);
    }
  });

  it('leaves a message half sent, of which nothing is accepted, and closes its stream', async () => {
    await using server = await startServer();
    let begun = (): void => {};
    const sending = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const message = Readable.from(
      lines(() => {
        begun();
        return forEver();
      }),
    );
    const { result } = await aborted(
      (signal) => delivery([server.port, server.port], { signal, message }),
      async (abort) => {
        await sending;
        abort();
      },
    );
    assert.deepEqual([result.status, result.attempts.length, message.destroyed], ['deferred', 1, true]);
    await server.quiet();
    assert.deepEqual(server.messages, []);
  });

  it('tells that nobody knows, where it comes behind the final dot', async () => {
    let heard = (): void => {};
    const dot = new Promise<void>((resolve) => {
      heard = resolve;
    });
    await using server = await startServer({
      onMessage: async (message) => {
        await message.bytes();
        heard();
        await forEver();
      },
    });
    const { result } = await aborted(
      (signal) => delivery([server.port, server.port], { signal }),
      async (abort) => {
        await dot;
        abort();
      },
    );
    assert.deepEqual([result.status, result.attempts.map((one) => one.outcome)], ['unknown', ['unknown']]);
  });

  it('comes too late where all is settled: the result is returned', async () => {
    const controller = new AbortController();
    await using server = await scriptedServer(
      '220 x\r\n',
      (line) => {
        if (line === 'QUIT') controller.abort();
        return line === 'QUIT' ? undefined : POLITE[line.split(' ', 1)[0] ?? ''];
      },
      issued,
    );
    const result = await new SmtpTransport({ protocol: 'smtps' }).deliver(
      delivery([server.port], { signal: controller.signal }),
    );
    assert.deepEqual([result.status, getEventListeners(controller.signal, 'abort')], ['delivered', []]);
  });

  it('leaves no listener on a signal that outlives many deliveries', async () => {
    const { signal } = new AbortController();
    await using server = await startServer();
    const { status } = await new SmtpTransport().deliver(delivery([server.port], { signal }));
    assert.deepEqual([status, getEventListeners(signal, 'abort')], ['delivered', []]);
  });
});
