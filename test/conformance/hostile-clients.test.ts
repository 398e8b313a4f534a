import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { createServer as createTlsServer, type SecureVersion } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { HeldTls } from '../support/held-tls.js';
import { clientHello, eventually, RawClient, within } from '../support/raw-client.js';
import { type RunningServer, sendMessage, startServer, testIdentity } from '../support/with-server.js';

const VERSIONS: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];

/** SMTP, and what a careless server ends a message with. */
interface NaiveServer extends AsyncDisposable {
  readonly port: number;
  /** Each message that it took for whole. */
  readonly accepted: string[];
}

/**
 * TLS before anything else, and the two mistakes that the tests below are about: a message ends where `end` matches
 * (SMTP smuggling), or where the connection ends (truncation).
 */
async function startNaiveServer(end: RegExp): Promise<NaiveServer> {
  const { issued } = await testIdentity();
  const accepted: string[] = [];
  const server = createTlsServer({ key: issued.key, cert: issued.cert, ALPNProtocols: ['smtp'] }, (socket) => {
    let body: string | null = null;
    let unread = '';
    const finish = (text: string): void => {
      accepted.push(text);
      body = null;
    };
    socket.on('error', () => {});
    socket.on('end', () => body !== null && finish(body));
    socket.on('data', (chunk: Buffer) => {
      unread += chunk.toString('latin1');
      while (true) {
        if (body !== null) {
          body += unread;
          const match = end.exec(body);
          unread = match === null ? '' : body.slice(match.index + match[0].length);
          if (match === null) return;
          finish(body.slice(0, match.index));
          socket.write('250 accepted\r\n');
        }
        const line = unread.indexOf('\r\n');
        if (line === -1) return;
        if (unread.startsWith('DATA')) body = '';
        unread = unread.slice(line + 2);
        socket.write(body === null ? '250 OK\r\n' : '354 go on\r\n');
      }
    });
    socket.write('220 naive.test\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    accepted,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

/** Up to and with the 354. */
async function openData(client: RawClient | HeldTls): Promise<void> {
  for (const line of ['EHLO c.test', 'MAIL FROM:<a@x.test>', 'RCPT TO:<b@y.test>', 'DATA']) await client.ask(line);
}

describe('S08: TLS that ends while TCP goes on', { timeout: 120_000 }, () => {
  /** close_notify and clear text, in one segment or in two. */
  async function endTls(client: HeldTls, clear: string, segments: 1 | 2): Promise<void> {
    const closeNotify = await client.hold((tls) => tls.end());
    assert.notEqual(closeNotify.length, 0);
    if (segments === 1) client.raw.write(Buffer.concat([closeNotify, Buffer.from(clear)]));
    else {
      client.raw.write(closeNotify);
      client.raw.write(clear);
    }
  }

  for (const version of VERSIONS) {
    for (const segments of [1, 2] as const) {
      it(`between commands: the end, and not an octet in clear is run or answered (${version}, ${segments})`, async () => {
        await using running = await startServer();
        using client = await HeldTls.greeted(running.tlsPort, { ...running.trust, maxVersion: version });
        await client.ask('EHLO inside');
        const heard = client.received.length;
        await endTls(client, 'EHLO clear\r\nMAIL FROM:<clear@x.test>\r\n', segments);
        await client.untilClosed();
        await running.quiet();
        const said = Buffer.concat(client.received.slice(heard)).toString('latin1');
        assert.doesNotMatch(said, /^\d{3}[ -]/m);
        assert.deepEqual(running.seen, [{ command: 'EHLO inside', encrypted: true }]);
      });

      it(`inside a message: it is not accepted, whatever follows in clear (${version}, ${segments})`, async () => {
        await using running = await startServer();
        using client = await HeldTls.greeted(running.tlsPort, { ...running.trust, maxVersion: version });
        await openData(client);
        client.tls.write('Subject: x\r\n\r\nhalf\r\n');
        await endTls(client, 'the rest\r\n.\r\n', segments);
        await client.untilClosed();
        await running.quiet();
        assert.deepEqual(running.messages, []);
      });
    }
  }
});

describe('S11: SMTP smuggling (CVE-2023-51764 and its kin)', { timeout: 120_000 }, () => {
  /** What some server or other has taken for the end of a message, and the one that is. */
  const ENDS = [
    ['\n.\n', 'refused'],
    ['\n.\r\n', 'refused'],
    ['\r.\r', 'refused'],
    ['\r.\r\n', 'refused'],
    ['\r\n.\n', 'refused'],
    ['\r\n.\r', 'refused'],
    ['\n.\r', 'refused'],
    ['\r.\n', 'refused'],
    ['\n\n.\r\n', 'refused'],
    ['\r\n.\r\r\n', 'refused'],
    ['\r\n\0.\r\n', 'one message'],
    ['\r\n.\0\r\n', 'one message'],
    ['\r\n .\r\n', 'one message'],
    ['\r\r\n.\r\n', 'refused, and its end is the true one'],
    ['\r\n.\r\n', 'two messages'],
  ] as const;
  const SMUGGLED = 'MAIL FROM:<smuggled@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\nsmuggled\r\n.\r\n';

  /** With `normalize` a message is not refused for its line ends, and ends where it would have been refused. */
  function fateOf(end: (typeof ENDS)[number], bareNewlines: 'reject' | 'normalize'): (typeof ENDS)[number][1] {
    const [, fate] = end;
    if (bareNewlines === 'reject' || !fate.startsWith('refused')) return fate;
    return fate === 'refused' ? 'one message' : 'two messages';
  }

  /** @param pipelined - sends all of it at once, as nobody may (RFC 2920 §3.1), or body and rest at once behind the 354 */
  async function smuggle(port: number, encrypted: boolean, pipelined: boolean, end: string): Promise<RawClient> {
    const { authority } = await testIdentity();
    const client = encrypted ? await RawClient.connectTls(port, { ca: authority.ca }) : await RawClient.connect(port);
    await client.reply();
    const body = `first${end}${SMUGGLED}QUIT\r\n`;
    await client.ask('EHLO c.test');
    const envelope = ['MAIL FROM:<a@x.test>', 'RCPT TO:<b@y.test>', 'DATA'];
    if (pipelined) await client.send(`${envelope.join('\r\n')}\r\n${body}`);
    else {
      for (const line of envelope) await client.ask(line);
      await client.send(body);
    }
    return client;
  }

  for (const bareNewlines of ['reject', 'normalize'] as const) {
    for (const one of ENDS) {
      const [end] = one;
      const fate = fateOf(one, bareNewlines);
      it(`${JSON.stringify(end)}, ${bareNewlines}: ${fate}; in clear, inside TLS, pipelined`, async () => {
        await using running = await startServer({ bareNewlines });
        for (const encrypted of [false, true]) {
          for (const pipelined of [false, true]) {
            running.messages.length = 0;
            running.seen.length = 0;
            await using client = await smuggle(encrypted ? running.tlsPort : running.port, encrypted, pipelined, end);
            const { replies } = await client.untilClosed();
            const codes = replies.map((reply) => reply.slice(0, 3)).filter((code) => code !== '354' && code !== '221');
            const outcome = {
              said: codes.slice(pipelined ? 2 : 0),
              bodies: running.messages.map(({ body }) => body.slice(0, 5)),
              smuggled: running.seen.some(({ command }) => command === 'MAIL smuggled@x.test'),
            };
            const transaction = ['250', '250', '250'];
            assert.deepEqual(
              outcome,
              {
                refused: { said: ['550'], bodies: [], smuggled: false },
                'one message': { said: ['250'], bodies: ['first'], smuggled: false },
                'two messages': { said: ['250', ...transaction], bodies: ['first', 'smugg'], smuggled: true },
                'refused, and its end is the true one': {
                  ...{ said: ['550', ...transaction], bodies: ['smugg'], smuggled: true },
                },
              }[fate],
              `${encrypted ? 'inside TLS' : 'in clear'}${pipelined ? ', pipelined' : ''}`,
            );
          }
        }
      });
    }

    it(`a relay that splits at any newline finds nothing in what we hand on, ${bareNewlines}`, async () => {
      await using running = await startServer({ bareNewlines });
      for (const [end, fate] of ENDS) {
        if (fate === 'two messages') continue;
        running.messages.length = 0;
        await using client = await smuggle(running.tlsPort, true, false, end);
        await client.untilClosed();
        for (const { body } of running.messages) {
          assert.doesNotMatch(body, /(?:\r\n|\n|\r)\.(?:\r\n|\n|\r)/, JSON.stringify(end));
          assert.doesNotMatch(body, /\r(?!\n)|(?<!\r)\n/, JSON.stringify(end));
        }
      }
    });
  }

  it('negative control: a server that takes any newline for one accepts two messages', async () => {
    await using naive = await startNaiveServer(/(?:\r\n|\n|\r)\.(?:\r\n|\n|\r)/);
    for (const [end] of ENDS.slice(0, 8)) {
      naive.accepted.length = 0;
      await using _client = await smuggle(naive.port, true, false, end);
      await eventually('both', () => naive.accepted.length === 2);
      assert.equal(naive.accepted[0], 'first', JSON.stringify(end));
    }
  });
});

describe('S14: sixteen megabytes without a line end', { timeout: 120_000 }, () => {
  const MIB = 1024 * 1024;
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');

  /** Sends from another process, so that nothing of the client's counts. @returns what the octets held grew by, at most */
  async function flood(port: number, encrypted: boolean): Promise<{ readonly heldMiB: number; readonly said: string }> {
    const program = `
      const { connect } = require(${encrypted ? "'tls'" : "'net'"});
      const socket = connect({ port: ${port}, host: '127.0.0.1', rejectUnauthorized: false });
      socket.on('data', (chunk) => process.stdout.write(chunk));
      socket.on('error', () => {});
      socket.once('data', () => { for (let n = 0; n < 1024; n++) socket.write(Buffer.alloc(16384, 'x')); socket.end(); });
    `;
    const held = (): number => {
      collectGarbage(); // what was read and dropped is not held
      return process.memoryUsage().arrayBuffers;
    };
    const before = held();
    let most = before;
    const sample = setInterval(() => {
      most = Math.max(most, held());
    }, 3);
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'ignore'] });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString('latin1');
    });
    try {
      await within(once(child, 'close'), 'the client ends', 10_000);
    } finally {
      clearInterval(sample);
      child.kill('SIGKILL');
    }
    return { heldMiB: (most - before) / MIB, said };
  }

  for (const encrypted of [false, true]) {
    it(`500 and close, and next to nothing is held, ${encrypted ? 'inside TLS' : 'in clear'}`, async () => {
      await using running = await startServer();
      const { heldMiB, said } = await flood(encrypted ? running.tlsPort : running.port, encrypted);
      await running.quiet();
      assert.equal(said, '220 mx.test ESMTP\r\n500 5.5.2 Line too long, closing\r\n');
      assert.ok(heldMiB < 4, `${heldMiB} MiB`);
    });
  }

  it('negative control: a server that waits for the line end holds all of it', async () => {
    const { issued } = await testIdentity();
    const server = createTlsServer({ key: issued.key, cert: issued.cert }, (socket) => {
      const line: Buffer[] = [];
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => line.push(chunk));
      socket.write('220 naive.test\r\n');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { heldMiB } = await flood((server.address() as AddressInfo).port, true);
    server.close();
    assert.ok(heldMiB > 8, `${heldMiB} MiB`);
  });
});

describe('S21: ALPACA, another protocol where SMTP is spoken', { timeout: 120_000 }, () => {
  const CLOSING = '421 4.7.0 This is an SMTP server, closing';
  const FOREIGN = ['GET', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'CONNECT', 'PRI'];

  async function connected(running: RunningServer, encrypted: boolean): Promise<RawClient> {
    if (!encrypted) return RawClient.connect(running.port);
    return RawClient.connectTls(running.tlsPort, running.trust);
  }

  for (const encrypted of [false, true]) {
    for (const verb of FOREIGN) {
      it(`${verb}, ${encrypted ? 'inside TLS' : 'in clear'}: 421, and nothing behind it is run or reflected`, async () => {
        await using running = await startServer();
        await using client = await connected(running, encrypted);
        await client.reply();
        await client.send(`${verb} /<script>alert(1)</script> HTTP/1.1\r\nHost: mx.test\r\n\r\nEHLO reflected\r\n`);
        const { replies } = await client.untilClosed();
        await running.quiet();
        assert.deepEqual([replies, running.seen], [[CLOSING], []]);
        assert.equal(running.reasons[0], 'the session was ended: This is an SMTP server, closing');
      });
    }
  }

  it('in any case, and in the middle of a session too', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    await client.ask('MAIL FROM:<a@x.test>');
    await client.send('post / http/1.1\r\nRCPT TO:<reflected@x.test>\r\n');
    assert.deepEqual((await client.untilClosed()).replies, [CLOSING]);
    assert.deepEqual(
      running.seen.map(({ command }) => command),
      ['EHLO client.test', 'MAIL a@x.test'],
    );
  });

  it('TLS unasked: 421 at its first octet, whether a line end comes or not', async () => {
    const hello = await clientHello();
    for (const octets of [hello, hello.subarray(0, 1), Buffer.from('\x16\n'), Buffer.from('\x16\r\nNOOP\r\n')]) {
      await using running = await startServer();
      await using client = await RawClient.connect(running.port);
      await client.reply();
      await client.send(octets);
      assert.deepEqual((await client.untilClosed()).replies, [CLOSING]);
      await running.quiet();
      assert.deepEqual(running.reasons, ['the client began TLS unasked']);
    }
  });

  it('a message may begin with any of it', async () => {
    await using running = await startServer();
    await using client = await running.upgraded();
    assert.match(await sendMessage(client, 'GET / HTTP/1.1\r\n\x16\r\n'), /^250 /);
  });
});

describe('S23: TLS cut by a FIN without close_notify', { timeout: 120_000 }, () => {
  /** A message in nine records, the last of which ends it, and QUIT in a tenth. */
  async function records(client: HeldTls): Promise<Buffer[]> {
    const lines = Array.from({ length: 8 }, (_none, index) => `line ${index}\r\n`);
    const made: Buffer[] = [];
    for (const text of [...lines, '.\r\n', 'QUIT\r\n']) made.push(await client.hold((tls) => tls.write(text)));
    return made;
  }

  /** Cuts behind so many whole records and so many octets of the next. @returns what the client heard behind its 354 */
  async function cut(port: number, version: SecureVersion, whole: number, octets: number): Promise<string> {
    const { authority } = await testIdentity();
    using client = await HeldTls.greeted(port, { ca: authority.ca, maxVersion: version });
    await openData(client);
    client.said = '';
    const all = await records(client);
    client.raw.end(Buffer.concat([...all.slice(0, whole), all[whole]?.subarray(0, octets) ?? Buffer.alloc(0)]));
    await client.untilClosed();
    return client.said;
  }

  for (const version of VERSIONS) {
    it(`[R74] TLS cut at each record and inside each: a message is accepted when its last record came, and never before (${version})`, async () => {
      await using running = await startServer();
      for (let record = 0; record < 9; record++) {
        const told = await Promise.all([0, 1, 5, 12].map((offset) => cut(running.tlsPort, version, record, offset)));
        assert.deepEqual(told, ['', '', '', ''], `cut behind record ${record}`);
      }
      await running.quiet();
      assert.deepEqual(running.messages, []);
      assert.match(await cut(running.tlsPort, version, 9, 0), /^250 /);
      await running.quiet();
      assert.equal(running.messages.length, 1);
    });
  }

  it('negative control: a server that takes the end of the connection for the end of the message', async () => {
    await using naive = await startNaiveServer(/\r\n\.\r\n/);
    for (let record = 1; record < 9; record++) await cut(naive.port, 'TLSv1.3', record, 0);
    await eventually('eight', () => naive.accepted.length === 8);
    assert.equal(naive.accepted[0], 'line 0\r\n');
  });
});
