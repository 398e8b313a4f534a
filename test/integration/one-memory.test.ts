import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { eventually, type RawClient } from '../support/raw-client.js';
import { type RunningServer, startServer } from '../support/with-server.js';

/** What a client says, cut anywhere; a number: that many replies are waited for. */
function script(name: string, body: string): (string | number)[] {
  const envelope = `MAIL FROM:<${name}@x.test>\r\nRCPT TO:<to-${name}@y.test>\r\nDATA\r\n`;
  return [...cut(`EHLO ${name}.test\r\n`, 7), 1, ...cut(envelope, 23), 3, ...cut(`${body}.\r\n`, 1_201), 1];
}

function cut(text: string, octets: number): string[] {
  const parts: string[] = [];
  for (let at = 0; at < text.length; at += octets) parts.push(text.slice(at, at + octets));
  return parts;
}

/** Each client sends one piece in its turn, so that the memory holds another's octets when a line or body goes on. */
async function inTurn(clients: readonly RawClient[], scripts: readonly (string | number)[][]): Promise<void> {
  const longest = Math.max(...scripts.map(({ length }) => length));
  for (let at = 0; at < longest; at++) {
    for (const [index, client] of clients.entries()) {
      const piece = scripts[index]?.[at];
      if (typeof piece === 'string') await client.send(piece);
      else if (piece !== undefined) await client.replies(piece);
      await turn();
    }
  }
}

const NAMES = ['anna', 'bertram', 'cecilia-with-a-long-name', 'dora'];

describe('one memory for all that is received inside TLS', () => {
  it('lends no octet of one session to another, whatever is cut where, in commands and messages', async () => {
    await using running: RunningServer = await startServer();
    const bodies = NAMES.map(
      (name, index) => `${`..${name} ${'x'.repeat(70 - name.length)}\r\n`.repeat(90 + 200 * index)}`,
    );
    const clients = await Promise.all(NAMES.map(() => running.upgraded()));
    await inTurn(
      clients,
      NAMES.map((name, index) => script(name, bodies[index] ?? '')),
    );
    const got = running.messages
      .map(({ mailFrom, rcptTo, body }) => ({ mailFrom, rcptTo, body }))
      .sort((one, other) => (one.mailFrom < other.mailFrom ? -1 : 1));
    assert.deepEqual(
      got,
      NAMES.map((name, index) => ({
        mailFrom: `${name}@x.test`,
        rcptTo: [`to-${name}@y.test`],
        body: bodies[index]?.replaceAll('\r\n.', '\r\n').slice(1),
      })),
    );
    for (const client of clients) await client[Symbol.asyncDispose]();
  });

  it('gives a handler slices that stay what they are while others send', async () => {
    const kept: Buffer[] = [];
    const copies: Buffer[] = [];
    await using running = await startServer({
      onMessage: async (message) => {
        for await (const slice of message) {
          kept.push(slice);
          copies.push(Buffer.from(slice));
        }
      },
    });
    const clients = await Promise.all(NAMES.map(() => running.upgraded()));
    await inTurn(
      clients,
      NAMES.map((name) => script(name, `${name.repeat(9)}\r\n`.repeat(300))),
    );
    assert.ok(kept.length > NAMES.length);
    assert.deepEqual(kept, copies);
    for (const client of clients) await client[Symbol.asyncDispose]();
  });

  it('runs nothing of another session where a fault stops a session in the middle of what it was lent', async () => {
    const fault = new Proxy(
      {},
      {
        getPrototypeOf: () => {
          throw new Error('what was thrown cannot be looked at');
        },
      },
    );
    await using running = await startServer({
      onMailFrom: ({ address }) => {
        if (address === 'fault@x.test') throw fault;
      },
    });
    await using stopped = await running.upgraded();
    await using other = await running.upgraded();
    await stopped.ask('EHLO stopped.test');
    await other.ask('EHLO other.test');
    await stopped.send(`MAIL FROM:<fault@x.test>\r\nNOOP ${'x'.repeat(300)}`);
    await eventually('the session is over', () => running.reasons.length === 1);
    await other.send(`${'NOOP\r\n'.repeat(60)}`);
    assert.deepEqual(new Set((await other.replies(60)).map((reply) => reply.slice(0, 3))), new Set(['250']));
    assert.deepEqual([running.reasons, stopped.unread], [['what was thrown cannot be looked at'], '']);
  });
});
