import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ProxyHeaderError, SmtpServer, type SmtpServerOptions, type SmtpSession } from '../../src/server/index.js';
import { noMoreSocketsThan, openSockets } from '../support/handles.js';
import { forClient, version2 } from '../support/proxy-headers.js';
import { clientHello, eventually, RawClient, sleep, within } from '../support/raw-client.js';
import { testIdentity } from '../support/with-server.js';

const LINE = Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\n');
const OCTETS = forClient(['192.0.2.1', 56_324], ['198.51.100.1', 25], Buffer.alloc(9));
const CLIENT = { address: '192.0.2.1', port: 56_324, localAddress: '198.51.100.1', localPort: 25 };

/** A server behind proxies, on a port in clear and one with TLS first, with all that it said. */
async function behindProxies(options: Partial<SmtpServerOptions> = {}, proxies = '127.0.0.0/8') {
  const { authority, issued } = await testIdentity();
  const warnings: unknown[] = [];
  const tlsErrors: string[] = [];
  const sessions: SmtpSession[] = [];
  const server = new SmtpServer({
    hostname: 'mx.test',
    onMessage: (message) => message.bytes().then(() => {}),
    ...options,
    tls: { certificate: issued.cert, privateKey: issued.key, ...options.tls },
  });
  server.on('warning', (message, error) => warnings.push(error ?? message));
  server.on('tlsError', ({ code }) => tlsErrors.push(code));
  server.on('session', (session) => sessions.push(session));
  const where = { host: '127.0.0.1', port: 0, proxyProtocol: proxies };
  const { port } = await server.listen(where);
  const { port: tlsPort } = await server.listen({ ...where, tlsOnConnect: true });
  return {
    server,
    port,
    tlsPort,
    trust: { ca: authority.ca, servername: 'mx.test' },
    warnings,
    tlsErrors,
    sessions,
    peers: () => sessions.map(({ peer }) => peer),
    [Symbol.asyncDispose]: () => within(server.close({ drainMs: 50 }), 'close()'),
  };
}

function reasonsOf(warnings: readonly unknown[]): string[] {
  return warnings.map((one) => (one instanceof ProxyHeaderError ? one.reason : String(one)));
}

describe('behind a proxy: the PROXY protocol', { timeout: 120_000 }, () => {
  for (const [version, header] of [
    ['1', LINE],
    ['2', OCTETS],
  ] as const) {
    it(`version ${version}: sessions, handlers and STARTTLS know the client, and no octet behind the header is lost`, async () => {
      const seen: unknown[] = [];
      await using running = await behindProxies({ onConnect: (session) => void seen.push(session.peer) });
      await using client = await RawClient.connect(running.port);
      await client.send(Buffer.concat([header, Buffer.from('EHLO early.test\r\n')]));
      assert.match(await client.reply(), /^220 /);
      assert.match(await client.reply(), /^250-mx\.test/);
      await client.starttls(running.trust);
      await client.ask('EHLO inside.test');
      assert.match(await client.ask('NOOP'), /^250 /);
      assert.deepEqual(running.peers(), [CLIENT]);
      assert.deepEqual(seen, [CLIENT]);
      assert.deepEqual(running.warnings, []);
    });

    it(`version ${version}: TLS before anything else stands behind the header`, async () => {
      await using running = await behindProxies();
      await using client = await RawClient.connect(running.tlsPort);
      await client.send(header);
      await client.upgrade(running.trust);
      assert.match(await client.reply(), /^220 /);
      await client.ask('EHLO inside.test');
      assert.deepEqual(running.peers(), [CLIENT]);
      assert.equal(running.sessions[0]?.tls?.mode, 'on-connect');
    });

    it(`version ${version}: also where the handshake begins in the segment of the header`, async () => {
      await using running = await behindProxies();
      await using client = await RawClient.connect(running.tlsPort);
      const hello = await clientHello();
      await client.send(Buffer.concat([header, hello.subarray(0, 40)]));
      await sleep(20);
      await client.send(hello.subarray(40));
      await eventually('a ServerHello', () => client.unread.startsWith('\x16\x03\x03'));
    });
  }

  it('a STARTTLS with octets behind it is refused behind a header too', async () => {
    await using running = await behindProxies();
    await using client = await RawClient.connect(running.port);
    await client.send(Buffer.concat([LINE, Buffer.from('EHLO a\r\nSTARTTLS\r\nNOOP\r\n')]));
    const { replies } = await client.untilClosed();
    assert.match(replies.at(-1) ?? '', /^554 5\.5\.1 /);
    assert.deepEqual(running.tlsErrors, ['ERR_TLS_SMTP_PLAINTEXT_AFTER_STARTTLS']);
  });

  it('a proxy that speaks for itself is the peer', async () => {
    await using running = await behindProxies();
    await using client = await RawClient.connect(running.port);
    await client.send(version2({ command: 0, family: 0, rest: Buffer.alloc(0) }));
    assert.match(await client.reply(), /^220 /);
    assert.equal(running.sessions[0]?.peer.address, '127.0.0.1');
  });

  it('the list of proxies knows the named lists of tls.hostLists, and their resolver', async () => {
    const hostLists = { named: { balancers: '127.0.0.0/8' } };
    await using running = await behindProxies({ tls: { hostLists } }, '+balancers');
    await using client = await RawClient.connect(running.port);
    await client.send(LINE);
    assert.match(await client.reply(), /^220 /);
    assert.deepEqual(running.peers(), [CLIENT]);
    await assert.rejects(running.server.listen({ port: 0, proxyProtocol: '+nobody' }), {
      code: 'ERR_TLS_SMTP_HOST_LIST_SYNTAX',
    });
  });

  it('from anybody else a header is a bad command, or a failed handshake', async () => {
    await using running = await behindProxies({}, '192.0.2.0/24');
    await using clear = await RawClient.connect(running.port);
    await clear.reply();
    assert.match(await clear.ask(LINE.toString().trimEnd()), /^500 /);
    assert.equal(running.sessions[0]?.peer.address, '127.0.0.1');
    await using secure = await RawClient.connect(running.tlsPort);
    await secure.send(LINE);
    const { rest } = await secure.closed();
    assert.ok(!rest.includes('220') && !rest.includes('500'));
    await eventually('one event', () => running.tlsErrors.length === 1);
    assert.deepEqual(running.warnings, []);
  });

  it('a proxy without a header, or with a bad one, is closed without a word, with one warning', async () => {
    await using running = await behindProxies({ tls: { handshakeTimeoutMs: 200 } });
    const before = openSockets();
    for (const [octets, reason] of [
      ['EHLO x\r\n', 'it is no PROXY header'],
      ['PROXY TCP4 1.2.3.4 x 1 2\r\n', 'its line is malformed'],
      ['', 'it did not come in time'],
      ['PROXY TCP4', 'it did not come in time'],
    ] as const) {
      for (const port of [running.port, running.tlsPort]) {
        await using client = await RawClient.connect(port);
        if (octets !== '') await client.send(octets);
        const { rest } = await client.closed();
        assert.equal(rest.length, 0);
        assert.equal(reasonsOf(running.warnings).at(-1), reason);
      }
    }
    assert.equal(running.warnings.length, 8);
    assert.deepEqual([running.sessions.length, running.server.connections], [0, 0]);
    await noMoreSocketsThan(before);
  });

  it('S17: a client that leaves before its header ends, at each octet, is no uncaught error', async () => {
    await using running = await behindProxies();
    const before = openSockets();
    for (let length = 0; length < OCTETS.length; length += 4) {
      for (const leave of ['finish', 'reset'] as const) {
        await using client = await RawClient.connect(running.tlsPort);
        if (length > 0) await client.send(OCTETS.subarray(0, length));
        client[leave]();
        await client.closed();
      }
    }
    await noMoreSocketsThan(before);
    assert.ok(reasonsOf(running.warnings).every((reason) => reason === 'the connection ended inside it'));
    assert.equal(running.sessions.length, 0);
    await using next = await RawClient.connect(running.port);
    await next.send(OCTETS);
    assert.match(await next.reply(), /^220 /);
  });

  it('close() does not wait for those that have not said for whom they come', async () => {
    const running = await behindProxies();
    await using client = await RawClient.connect(running.port);
    await client.send('PROXY TCP4');
    await sleep(20);
    const begun = performance.now();
    await within(running.server.close({ drainMs: 5_000 }), 'close()');
    assert.ok(performance.now() - begun < 1_500);
    await client.closed();
    await sleep(20);
    assert.deepEqual(running.warnings, []);
  });

  it('without a listener for warnings the first of each kind is a process warning, and no more', async () => {
    const { issued } = await testIdentity();
    const server = new SmtpServer({
      hostname: 'mx.test',
      tls: { certificate: issued.cert, privateKey: issued.key },
      onMessage: () => {},
    });
    const { port } = await server.listen({ host: '127.0.0.1', port: 0, proxyProtocol: '127.0.0.1' });
    const printed: string[] = [];
    const note = (warning: Error): void => void printed.push(warning.message);
    process.on('warning', note);
    try {
      for (let times = 0; times < 3; times++) {
        await using client = await RawClient.connect(port);
        await client.send('EHLO x\r\n');
        await client.closed();
      }
      await sleep(20);
      assert.deepEqual(printed, ['a connection was closed for its PROXY header: it is no PROXY header']);
    } finally {
      process.off('warning', note);
      await server.close();
    }
  });
});
