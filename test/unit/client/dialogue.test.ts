import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { Dialogue } from '../../../src/client/dialogue.js';

/** A stream whose other end is the test. */
function line(): { socket: Duplex; written: string[] } {
  const written: string[] = [];
  const socket = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      written.push(String(chunk));
      done();
    },
  });
  return { socket, written };
}

describe('Dialogue', () => {
  it('puts a reply together from any pieces', async () => {
    const { socket, written } = line();
    const reply = new Dialogue(socket).command('EHLO x', 'command', 1_000);
    for (const octet of '250-mx.test\r\n250 SIZE 1\r\n') socket.push(octet);
    assert.deepEqual([await reply, written], [{ code: 250, lines: ['mx.test', 'SIZE 1'] }, ['EHLO x\r\n']]);
  });

  it('leaves unread what was not asked for, where the STARTTLS boundary counts it', async () => {
    const { socket } = line();
    const dialogue = new Dialogue(socket);
    const reply = dialogue.command('STARTTLS', 'starttls', 1_000);
    socket.push('220 go\r\n250 injected\r\n');
    assert.equal((await reply).code, 220);
    assert.equal(dialogue.release().toString(), '250 injected\r\n');
  });

  it('tells silence, the end and nonsense apart', async () => {
    const silent = new Dialogue(line().socket);
    await assert.rejects(silent.reply('greeting', 20), { code: 'ERR_TLS_SMTP_TIMEOUT', phase: 'greeting' });
    const ended = line();
    ended.socket.push(null);
    await assert.rejects(new Dialogue(ended.socket).reply('greeting', 1_000), { code: 'ERR_TLS_SMTP_PEER_CLOSED' });
    const nonsense = line();
    nonsense.socket.push('hello\r\n');
    await assert.rejects(new Dialogue(nonsense.socket).reply('greeting', 1_000), {
      code: 'ERR_TLS_SMTP_REPLY_MALFORMED',
    });
  });

  it('sends no line that is two, nor one that becomes two when its characters are cut to octets', () => {
    for (const bad of ['NOOP\r\nRSET', 'NOOP\nRSET', 'NOOP\u010d\u010aRSET', 'NOOP\0', 'NOOP \u00e9', 'NOOP\x7f']) {
      const { socket, written } = line();
      assert.throws(() => new Dialogue(socket).send(bad), TypeError);
      assert.deepEqual(written, []);
    }
  });

  it('stirs when something has come or the end, also where that was before it was asked', async () => {
    for (const [what, before] of [
      ['421 bye\r\n', false],
      ['421 bye\r\n', true],
      [null, false],
      [null, true],
    ] as const) {
      const { socket } = line();
      const dialogue = new Dialogue(socket);
      if (before) socket.push(what);
      await new Promise(setImmediate);
      const stirred = dialogue.stirred();
      if (!before) socket.push(what);
      await stirred;
    }
  });

  it('hears out no server that talks without being asked, and does not say that it has closed', async () => {
    const { socket } = line();
    const dialogue = new Dialogue(socket);
    socket.push(Buffer.from('x'.repeat(300 * 1024)));
    await new Promise(setImmediate);
    assert.equal(socket.destroyed, true);
    await assert.rejects(dialogue.reply('message', 1_000), { code: 'ERR_TLS_SMTP_REPLY_MALFORMED' });
  });
});
