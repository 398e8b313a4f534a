import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { scriptedServer } from '../support/scripted-server.js';
import { Caller } from './caller.js';

const DATA = { send: Buffer.from('DATA\r\n'), codes: [354] };

describe('the load client', () => {
  it('takes replies of several lines, in pieces, and several at once', async () => {
    await using server = await scriptedServer('220-mx.test\r\n220 ready\r\n', (line, socket) => {
      if (line !== 'DATA') return '250 one\r\n';
      socket.write('250-mo');
      setTimeout(() => socket.write('re\r\n250 two\r\n354 three\r\n'), 20);
      return undefined;
    });
    const caller = await Caller.connect(server.port);
    await caller.ask({ send: Buffer.from('NOOP\r\n'), codes: [250] });
    await caller.ask({ send: Buffer.from('DATA\r\n'), codes: [250, 354] });
    await caller.close();
    assert.equal(server.heard(), 'NOOP\r\nDATA\r\n');
  });

  for (const [how, answer, problem] of [
    ['refuses', '554 no\r\n', /expected 354, got "554 no"/],
    ['says more than it was asked', '354 go on\r\n250 OK\r\n', /expected no reply, got "250 OK"/],
    ['hangs up', null, /the server closed the connection/],
  ] as const) {
    it(`fails where the server ${how}: such a server is not a fast one`, async () => {
      await using server = await scriptedServer('220 mx.test\r\n', () => answer);
      const caller = await Caller.connect(server.port);
      await assert.rejects(async () => {
        await caller.ask(DATA);
        await caller.ask(DATA);
      }, problem);
    });
  }
});
