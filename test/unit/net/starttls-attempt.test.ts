import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { announce, closeAfter, newAttempt } from '../../../src/net/starttls-attempt.js';
import { replies } from '../../../src/starttls/server-machine.js';
import { eventually } from '../../support/raw-client.js';

describe('announce', () => {
  it('tells when the 220 has left', async () => {
    const socket = new PassThrough();
    assert.equal(await announce(newAttempt(socket, null), replies.ready, 1_000), 'flushed');
    assert.equal(String(socket.read()), '220 2.0.0 Ready to start TLS\r\n');
  });

  it('a client that does not read it is closed at the deadline of the handshake, and one that is gone at once', async () => {
    for (const [gone, code] of [
      [false, 'ERR_TLS_SMTP_HANDSHAKE_TIMEOUT'],
      [true, 'ERR_TLS_SMTP_HANDSHAKE_FAILED'],
    ] as const) {
      const socket = new PassThrough({ highWaterMark: 1, write: () => {} });
      const attempt = newAttempt(socket, null);
      const work = announce(attempt, replies.ready, 30);
      if (gone) socket.destroy();
      assert.deepEqual([await work, attempt.error?.code, socket.destroyed], ['closed', code, true]);
    }
  });
});

describe('closeAfter', () => {
  it('lets the client read a last reply, and says nothing more behind a 220', async () => {
    for (const [last, said] of [
      [null, ''],
      [replies.ready, ''],
      [replies.injection, '554 5.5.1 Synchronization error: data received behind STARTTLS\r\n'],
    ] as const) {
      let written = '';
      const socket = new PassThrough({
        write(chunk: Buffer, _encoding, done): void {
          written += chunk;
          done();
        },
      });
      closeAfter(socket, last);
      await eventually('its end', () => socket.destroyed || socket.writableFinished);
      assert.equal(written, said);
    }
  });
});
