import assert from 'node:assert/strict';
import { Duplex, PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { assertBytes, assertHandedOver, assertUsable } from '../../../src/net/socket-check.js';

describe('the check of a socket', () => {
  it('refuses what Node would answer with an abort, silence or clear text', () => {
    const withEncoding = new PassThrough().setEncoding('utf8');
    const objects = new Duplex({ objectMode: true });
    const dead = new PassThrough().destroy();
    const read = new PassThrough().on('data', () => {});
    const tls = Object.assign(new PassThrough(), { encrypted: true });
    for (const [socket, words] of [
      [withEncoding, /setEncoding/],
      [objects, /object mode/],
      [dead, /closed/],
      [read, /'data'/],
      [tls, /TLS socket already/],
    ] as const) {
      assert.throws(() => assertUsable(socket), { code: 'ERR_TLS_SMTP_SOCKET_UNUSABLE', message: words });
    }
    assert.throws(() => assertBytes(withEncoding));
    assertHandedOver(tls);
    assertUsable(new PassThrough());
  });
});
