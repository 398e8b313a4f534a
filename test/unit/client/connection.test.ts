import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Connection } from '../../../src/client/connection.js';
import { transportSettings } from '../../../src/client/options.js';
import { emptyContext } from '../../../src/credentials/secure-context.js';
import { scriptedServer } from '../../support/scripted-server.js';

const context = emptyContext();
const { timeouts } = transportSettings({
  timeouts: { connectMs: 500, commandMs: 300, greetingMs: 300, handshakeMs: 300 },
});
const options = { protocol: 'smtp', name: 'me.test', context, mustVerify: false, timeouts } as const;

async function failureOf(greeting: string, answers: Readonly<Record<string, string | null>>): Promise<unknown> {
  await using server = await scriptedServer(greeting, (line) => answers[line.split(' ', 1)[0] ?? '']);
  const connection = new Connection({ host: 'mx.test', address: '127.0.0.1', port: server.port }, options);
  const failure = await connection.open().then(
    () => 'opened',
    (error: { code: string; phase: string }) => [error.code, error.phase],
  );
  connection.destroy();
  return failure;
}

const offer = { EHLO: '250-x\r\n250 STARTTLS\r\n' };

describe('Connection.open', () => {
  it('names the phase in which a server fails', async () => {
    assert.deepEqual(
      [
        await failureOf('554 no\r\n', {}),
        await failureOf('', {}),
        await failureOf('220 x\r\n', { EHLO: '502 no\r\n' }),
        await failureOf('220 x\r\n', { ...offer, STARTTLS: '454 later\r\n' }),
        await failureOf('220 x\r\n', { ...offer, STARTTLS: null }),
        await failureOf('220 x\r\n', { ...offer, STARTTLS: '220 go\r\n' }),
      ],
      [
        ['ERR_TLS_SMTP_REPLY_UNEXPECTED', 'greeting'],
        ['ERR_TLS_SMTP_TIMEOUT', 'greeting'],
        ['ERR_TLS_SMTP_REPLY_UNEXPECTED', 'command'],
        ['ERR_TLS_SMTP_REPLY_UNEXPECTED', 'starttls'],
        ['ERR_TLS_SMTP_PEER_CLOSED', 'starttls'],
        ['ERR_TLS_SMTP_HANDSHAKE_TIMEOUT', 'handshake'],
      ],
    );
  });

  it('says which host and port it cannot reach', async () => {
    const connection = new Connection({ host: 'mx.test', address: '127.0.0.1', port: 1 }, options);
    await assert.rejects(connection.open(), /no connection to mx\.test port 1 \(ECONNREFUSED\)/);
  });

  it('can be destroyed before it is there: it fails, and waits for nothing', async () => {
    const connection = new Connection({ host: 'mx.test', address: '127.0.0.1', port: 1 }, options);
    const opened = connection.open();
    connection.destroy();
    await assert.rejects(opened, { code: 'ERR_TLS_SMTP_CONNECT_FAILED' });
  });
});
