import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, Socket } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { TLSSocket } from 'node:tls';
import { assertBytes, assertHandedOver, assertUsable, SocketUnusableError } from '../../../src/net/socket-check.js';

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

describe('assertUsable on real sockets', () => {
  const refused = (socket: Duplex, words: RegExp): void => {
    assert.throws(
      () => assertUsable(socket),
      (error: Error) => {
        assert.ok(error instanceof SocketUnusableError);
        assert.deepEqual([error.fault, error.temporary, error.phase], ['caller', false, 'starttls']);
        assert.match(error.message, /^TLS cannot be started on this socket: /);
        assert.match(error.message, words);
        return true;
      },
    );
  };

  /** Both ends of one connection, and a function that closes them. */
  async function pair(): Promise<{ near: Socket; far: Socket; end: () => void }> {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const far = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const [[near]] = (await Promise.all([once(server, 'connection'), once(far, 'connect')])) as [[Socket], unknown];
    server.close();
    return { near, far, end: () => void [near, far].forEach((socket) => void socket.destroy()) };
  }

  it('takes one that is paused, one that waits for data, and one on which an error listener stands', async () => {
    const { near, far, end } = await pair();
    assertUsable(near);
    assertUsable(far.resume().on('error', () => {}));
    end();
  });

  it('takes one in which clear octets wait: to count them is the boundary’s', async () => {
    const { near, far, end } = await pair();
    far.write('NOOP\r\n');
    near.read(0);
    await once(near, 'readable');
    assertUsable(near);
    assert.ok(near.readableLength > 0);
    end();
  });

  it('refuses one with an encoding, also where nothing waits in it (nodejs/node#58756)', async () => {
    const { near, end } = await pair();
    refused(near.setEncoding('latin1'), /setEncoding\(\) was called on it/);
    end();
  });

  it('refuses one that somebody still reads, by `data` or by `readable`', async () => {
    const { near, end } = await pair();
    const listener = (): void => {};
    for (const event of ['data', 'readable']) {
      near.on(event, listener);
      refused(near, /still has a 'data' or 'readable' listener/);
      near.off(event, listener);
    }
    assertUsable(near);
    end();
  });

  it('refuses one that is not connected yet, or never will be', () => {
    const dialling = connect(1, '127.0.0.1').on('error', () => {});
    refused(dialling, /not connected|closed/);
    refused(new Socket(), /not connected/);
    dialling.destroy();
    refused(new Socket().destroy(), /closed/);
  });

  it('refuses one that is destroyed, that has ended, or that the peer has ended', async () => {
    const [first, second, third] = [await pair(), await pair(), await pair()];
    first.near.destroy();
    refused(first.near, /closed, or one of its sides has ended/);
    second.near.end();
    refused(second.near, /closed, or one of its sides has ended/);
    third.far.end();
    third.near.resume();
    await once(third.near, 'end');
    refused(third.near, /closed, or one of its sides has ended/);
    for (const { end } of [first, second, third]) end();
  });

  it('refuses a TLS socket', async () => {
    const { near, end } = await pair();
    const tls = new TLSSocket(near, { isServer: true }).on('error', () => {});
    refused(tls, /TLS socket already/);
    tls.destroy();
    end();
  });

  it('refuses object mode on either side', () => {
    for (const option of ['readableObjectMode', 'writableObjectMode']) {
      refused(new Duplex({ read() {}, [option]: true }), /object mode/);
    }
  });
});
