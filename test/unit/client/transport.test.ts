import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { SmtpTransport } from '../../../src/client/transport.js';
import { SmtpServer, type SmtpServerOptions } from '../../../src/server/index.js';
import { reject } from '../../../src/smtp/rejection.js';
import { TestAuthority } from '../../../src/testing/authority.js';
import { POLITE, scriptedServer } from '../../support/scripted-server.js';

const authority = await TestAuthority.create();
const identity = await authority.issue({ name: 'mx.test', names: ['mx.test'] });
const envelope = { from: 'a@x.test', to: ['b@y.test'] };
const message = 'Subject: x\n\n.dot\nend';

async function listener(
  options: SmtpServerOptions = {},
  tlsOnConnect = false,
): Promise<{ server: SmtpServer; port: number; bodies: string[] }> {
  const bodies: string[] = [];
  const server = new SmtpServer({
    hostname: 'mx.test',
    tls: { certificate: identity.cert, privateKey: identity.key },
    onMessage: async (incoming) => {
      bodies.push(await incoming.text());
    },
    ...options,
  });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0, tlsOnConnect });
  return { server, port, bodies };
}

function host(port: number, name = 'mx.test'): { host: string; address: string; port: number } {
  return { host: name, address: '127.0.0.1', port };
}

/** A server that takes everything. */
function taking(line: string): string | undefined {
  return POLITE[line.split(' ', 1)[0] ?? ''];
}

const trusting = { tls: { verifyCertificates: authority.ca } };

describe('SmtpTransport.deliver', () => {
  it('delivers over STARTTLS to a server that verifies, dot-stuffed and with CRLF', async () => {
    const { server, port, bodies } = await listener();
    await using _server = server;
    const result = await new SmtpTransport(trusting).deliver({ hosts: [host(port)], envelope, message });
    const [attempt] = result.attempts;
    assert.deepEqual(
      [result.status, attempt?.security, attempt?.tls?.certificate, attempt?.tls?.sni, attempt?.outcome, bodies],
      ['delivered', 'tls', 'verified', 'mx.test', 'accepted', ['Subject: x\r\n\r\n.dot\r\nend\r\n']],
    );
  });

  it('delivers over TLS-on-connect as smtps (RFC 8314 §3.3)', async () => {
    const { server, port, bodies } = await listener({}, true);
    await using _server = server;
    const transport = new SmtpTransport({ ...trusting, protocol: 'smtps' });
    const result = await transport.deliver({
      hosts: [host(port)],
      envelope,
      message: Readable.from([Buffer.from('x')]),
    });
    assert.deepEqual([result.status, result.attempts[0]?.tls?.mode, bodies], ['delivered', 'on-connect', ['x\r\n']]);
  });

  it('sends nothing to a server whose certificate does not name it, and tries the next host', async () => {
    const { server, port, bodies } = await listener();
    await using _server = server;
    const result = await new SmtpTransport(trusting).deliver({
      hosts: [host(port, 'other.test'), host(port)],
      envelope,
      message,
    });
    assert.deepEqual(
      result.attempts.map((one) => [one.outcome, one.error?.code ?? null]),
      [
        ['next-host', 'ERR_TLS_SMTP_VERIFICATION_FAILED'],
        ['accepted', null],
      ],
    );
    assert.equal(bodies.length, 1);
  });

  it('checks a host that is given by address against SAN iPAddress', async () => {
    const named = await authority.issue({ names: ['127.0.0.1'] });
    const { server, port } = await listener({ tls: { certificate: named.cert, privateKey: named.key } });
    await using _server = server;
    const transport = new SmtpTransport(trusting);
    const [good, bad] = [
      await transport.deliver({ hosts: [{ host: '127.0.0.1', port }], envelope, message }),
      await transport.deliver({ hosts: [host(port)], envelope, message }),
    ];
    assert.deepEqual(
      [good.status, good.attempts[0]?.tls?.certificate, bad.status],
      ['delivered', 'verified', 'deferred'],
    );
  });

  it('checks a name without the dot at its end, and asks for it so by SNI (RFC 6066 §3)', async () => {
    const { server, port } = await listener();
    await using _server = server;
    const { attempts } = await new SmtpTransport(trusting).deliver({
      hosts: [host(port, 'mx.test.')],
      envelope,
      message,
    });
    assert.deepEqual([attempts[0]?.tls?.certificate, attempts[0]?.tls?.sni], ['verified', 'mx.test']);
  });

  it('checks an address without its zone against SAN iPAddress', async () => {
    const named = await authority.issue({ names: ['fe80::1'] });
    const { server, port } = await listener({ tls: { certificate: named.cert, privateKey: named.key } });
    await using _server = server;
    const { attempts } = await new SmtpTransport(trusting).deliver({
      hosts: [host(port, 'fe80::1%eth0')],
      envelope,
      message,
    });
    assert.deepEqual([attempts[0]?.tls?.certificate, attempts[0]?.tls?.sni ?? null], ['verified', null]);
  });

  it('sends nothing to a server that is not trusted', async () => {
    const { server, port, bodies } = await listener();
    await using _server = server;
    const stranger = await TestAuthority.create();
    const transport = new SmtpTransport({ tls: { verifyCertificates: stranger.ca } });
    const result = await transport.deliver({ hosts: [host(port)], envelope, message });
    assert.deepEqual([result.status, bodies, result.attempts[0]?.tls?.certificate], ['deferred', [], 'unverified']);
  });

  it('nor where the environment tells Node to trust everybody', async () => {
    const { server, port, bodies } = await listener();
    await using _server = server;
    const stranger = await TestAuthority.create();
    const variable = 'NODE_TLS_REJECT_UNAUTHORIZED';
    const before = process.env[variable];
    process.env[variable] = '0';
    try {
      const transport = new SmtpTransport({ tls: { verifyCertificates: stranger.ca } });
      const { status, attempts } = await transport.deliver({ hosts: [host(port)], envelope, message });
      assert.deepEqual(
        [status, bodies, attempts[0]?.error?.code],
        ['deferred', [], 'ERR_TLS_SMTP_VERIFICATION_FAILED'],
      );
    } finally {
      if (before === undefined) delete process.env[variable];
      else process.env[variable] = before;
    }
  });

  it('never sends a message in clear where STARTTLS is not offered, not even named in the greeting line', async () => {
    await using server = await scriptedServer('220 x\r\n', (line) =>
      line.startsWith('EHLO') ? '250-x STARTTLS\r\n250 SIZE 1000\r\n' : '250 ok\r\n',
    );
    const result = await new SmtpTransport().deliver({ hosts: [host(server.port)], envelope, message });
    assert.equal(result.attempts[0]?.error?.code, 'ERR_TLS_SMTP_STARTTLS_NOT_OFFERED');
    assert.doesNotMatch(server.heard(), /MAIL/);
  });

  it('says so where a firewall has written over STARTTLS', async () => {
    await using server = await scriptedServer('220 x\r\n', (line) =>
      line.startsWith('EHLO') ? '250-x\r\n250-SIZE 1000\r\n250 XXXXXXXA\r\n' : '250 ok\r\n',
    );
    const { attempts } = await new SmtpTransport().deliver({ hosts: [host(server.port)], envelope, message });
    assert.match(attempts[0]?.error?.message ?? '', /STARTTLS appears stripped by a firewall/);
    assert.doesNotMatch(server.heard(), /MAIL/);
  });

  it('takes octets behind the 220 for an injection, whole lines and parts (CVE-2021-38371)', async () => {
    for (const injected of ['250-EVIL\r\n250 AUTH PLAIN\r\n', '2']) {
      await using server = await scriptedServer('220 x\r\n', (line) =>
        line.startsWith('EHLO') ? '250-x\r\n250 STARTTLS\r\n' : `220 go\r\n${injected}`,
      );
      const result = await new SmtpTransport().deliver({ hosts: [host(server.port)], envelope, message });
      assert.equal(result.attempts[0]?.error?.code, 'ERR_TLS_SMTP_PLAINTEXT_AFTER_STARTTLS');
      assert.doesNotMatch(server.heard(), /MAIL/);
    }
  });

  it('reports a 220 followed by something that is not TLS as a failed handshake', async () => {
    await using server = await scriptedServer('220 x\r\n', (line, socket) => {
      if (line.startsWith('EHLO')) return '250-x\r\n250 STARTTLS\r\n';
      setTimeout(() => socket.write('hello, this is no TLS at all\r\n'), 50);
      return '220 go\r\n';
    });
    const result = await new SmtpTransport().deliver({ hosts: [host(server.port)], envelope, message });
    assert.deepEqual([result.status, result.attempts[0]?.error?.code], ['deferred', 'ERR_TLS_SMTP_HANDSHAKE_FAILED']);
  });

  it('tells recipients apart', async () => {
    const { server, port } = await listener({
      onRcptTo(address) {
        if (address.address === 'no@y.test') throw reject(550, '5.1.1', 'no such user');
      },
    });
    await using _server = server;
    const result = await new SmtpTransport(trusting).deliver({
      hosts: [host(port)],
      envelope: { from: '', to: ['b@y.test', 'no@y.test'] },
      message,
    });
    assert.deepEqual(
      [result.status, result.recipients.map((one) => [one.address, one.status, one.reply?.enhanced])],
      [
        'partial',
        [
          ['b@y.test', 'delivered', '2.0.0'],
          ['no@y.test', 'failed', '5.1.1'],
        ],
      ],
    );
  });

  it('calls a recipient unknown where the reply to the final dot was lost, and tries no further host', async () => {
    const { server, port } = await listener({
      onMessage: async (incoming) => {
        await incoming.bytes();
        await new Promise(() => {});
      },
    });
    const { server: second, port: secondPort, bodies } = await listener();
    await using _server = server;
    await using _second = second;
    server.on('session', () => setTimeout(() => void server.close({ drainMs: 100 }), 300));
    const result = await new SmtpTransport(trusting).deliver({
      hosts: [host(port), host(secondPort)],
      envelope,
      message,
    });
    assert.deepEqual([result.status, result.attempts.length, bodies], ['unknown', 1, []]);
  });

  it('puts no command of the caller’s data on the wire: U+010D and U+010A are CR and LF in latin1', async () => {
    const injecting = 'x\u010d\u010aNOOP\u010d\u010a@x.test';
    for (const bad of [
      { ...envelope, from: injecting },
      { ...envelope, to: [injecting] },
    ]) {
      await using server = await scriptedServer('220 x\r\n', taking, identity);
      const transport = new SmtpTransport({ ...trusting, protocol: 'smtps' });
      await assert.rejects(transport.deliver({ hosts: [host(server.port)], envelope: bad, message }), {
        code: 'ERR_TLS_SMTP_OPTION',
      });
      assert.doesNotMatch(server.heard(), /^NOOP/m);
    }
  });

  it('names the file that whom to trust cannot be read from', async () => {
    const transport = new SmtpTransport({ tls: { verifyCertificates: '/nowhere/ca.pem' } });
    await assert.rejects(
      transport.deliver({ hosts: [host(25)], envelope, message }),
      /tls\.verifyCertificates: \/nowhere\/ca\.pem/,
    );
  });
});
