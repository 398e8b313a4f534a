import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, Socket } from 'node:net';
import { describe, it } from 'node:test';
import { assertPeer, peerOf } from '../../src/peer.js';

describe('peerOf', () => {
  it('takes an IPv4-mapped address for IPv4, and leaves out what the socket does not know', () => {
    const socket = {
      remoteAddress: '::FFFF:192.0.2.1',
      remotePort: 5,
      localAddress: '2001:db8::1',
      localPort: undefined,
    };
    assert.deepEqual(peerOf(socket as unknown as Socket), {
      address: '192.0.2.1',
      port: 5,
      localAddress: '2001:db8::1',
    });
  });

  it('reads a connected socket', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    assert.deepEqual([peerOf(socket).address, peerOf(socket).port], ['127.0.0.1', port]);
    socket.destroy();
    server.close();
  });
});

describe('assertPeer', () => {
  it('says what is expected, and where a field is wrong which', () => {
    for (const none of ['192.0.2.1', 25, null, undefined, []]) {
      assert.throws(() => assertPeer(none), {
        option: 'peer',
        message: /\{ address: '192\.0\.2\.1' \}; peerOf\(socket\)/,
      });
    }
    assert.throws(() => assertPeer(new Socket()), { option: 'peer.address', message: /peerOf\(socket\) makes a peer/ });
    assert.throws(() => assertPeer({ address: '192.0.2.1', name: 1 }), { option: 'peer.name' });
  });

  it('takes a peer, and a local session', () => {
    for (const peer of [{}, { address: '192.0.2.1' }, { address: '::1', name: 'mx.test', localPort: 25 }])
      assertPeer(peer);
  });
});
