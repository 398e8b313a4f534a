import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { StartTlsServer } from '../../src/net/starttls-server.js';
import { noMoreSocketsThan, openSockets } from '../support/handles.js';
import { HeldTls } from '../support/held-tls.js';
import { clientHello, eventually, RawClient, sleep, within } from '../support/raw-client.js';
import { type RunningServer, sendMessage, startServer, testIdentity } from '../support/with-server.js';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
/** On each test: Node counts a skipped `describe` as no test at all. */
const NEEDS_OPENSSL = { skip: hasOpenssl ? false : 'openssl is not installed' };

/** A program that runs beside the test, all its output as one text. */
class Program implements Disposable {
  printed = '';
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<unknown[]>;

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args);
    this.#ended = once(this.#child, 'close');
    for (const output of [this.#child.stdout, this.#child.stderr]) {
      output.on('data', (chunk: Buffer) => {
        this.printed += chunk.toString('latin1');
      });
    }
    this.#child.stdin.on('error', () => {});
  }

  /** A module for this Node. */
  static node(source: string): Program {
    return new Program(process.execPath, ['--input-type=module', '-e', source]);
  }

  /** Waits until it has printed this. */
  async until(words: RegExp): Promise<RegExpExecArray> {
    await eventually(`${words}`, () => words.test(this.printed) || this.#child.exitCode !== null, 10_000);
    const match = words.exec(this.printed);
    if (match === null) throw new Error(`${words} is not in ${this.printed}`);
    return match;
  }

  say(line: string): void {
    this.#child.stdin.write(line);
  }

  /** Waits until it ends by itself. @returns its exit code */
  async exit(): Promise<unknown> {
    const [code] = await within(this.#ended, `the end of ${this.printed}`, 10_000);
    return code;
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }
}

describe('S22: early data (TLS 1.3 0-RTT) can be replayed', {
  timeout: 120_000,
}, () => {
  /** Visits twice: for a ticket, and to send early data under it. @returns what openssl says of the second visit */
  async function visitTwice(port: number): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'early-data-'));
    const [ticket, early] = [join(folder, 'ticket'), join(folder, 'early')];
    const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_3'];
    try {
      await writeFile(early, 'EHLO early.test\r\n');
      using first = new Program('openssl', [...args, '-sess_out', ticket]);
      await eventually('the ticket', () => existsSync(ticket));
      first.say('Q\n');
      await first.exit();
      using second = new Program('openssl', [...args, '-sess_in', ticket, '-early_data', early]);
      await second.until(/^Early data was/m);
      second.say('Q\n');
      await second.exit();
      return second.printed;
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  it(
    '[R68] early data is not sent to ours, which resumes all the same; nothing of it runs',
    NEEDS_OPENSSL,
    async () => {
      await using running = await startServer();
      const printed = await visitTwice(running.tlsPort);
      await running.quiet();
      assert.match(printed, /^Reused, TLSv1\.3/m);
      assert.match(printed, /^Early data was not sent/m);
      assert.deepEqual(running.seen, []);
    },
  );

  it('negative control: a server that allows it gets it', NEEDS_OPENSSL, async () => {
    const { issued } = await testIdentity();
    const folder = await mkdtemp(join(tmpdir(), 'early-data-'));
    const file = join(folder, 'identity');
    await writeFile(file, issued.key + issued.cert);
    try {
      using server = new Program('openssl', ['s_server', '-accept', '0', '-cert', file, '-tls1_3', '-early_data']);
      const [, port] = await server.until(/^ACCEPT .*:(\d+)$/m);
      assert.match(await visitTwice(Number(port)), /^Early data was accepted/m);
      assert.match(server.printed, /EHLO early\.test/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

type Listening = Pick<RunningServer, 'port' | 'tlsPort' | 'greeted' | 'upgraded'>;

/** The moments of a session at which a client can go, or stay and say no more. */
const MOMENTS = {
  'before the banner': async ({ port }: Listening) => RawClient.connect(port),
  'in clear': async (running: Listening) => running.greeted(),
  'behind the 220': async (running: Listening) => {
    const client = await running.greeted();
    await client.ask('STARTTLS');
    return client;
  },
  'in the handshake': async ({ tlsPort }: Listening) => {
    const client = await RawClient.connect(tlsPort);
    await client.send(await clientHello());
    await eventually('the ServerHello', () => client.unread !== '');
    return client;
  },
  'inside TLS': async (running: Listening) => running.upgraded(),
  'while a handler is asked': async (running: Listening) => {
    const client = await running.upgraded();
    await client.ask('EHLO c.test');
    await client.send('MAIL FROM:<slow@x.test>\r\n');
    await sleep(10);
    return client;
  },
  'inside a message': async (running: Listening) => {
    const client = await running.upgraded();
    for (const line of ['EHLO c.test', 'MAIL FROM:<a@x.test>', 'RCPT TO:<b@y.test>', 'DATA']) await client.ask(line);
    await client.send('half of it\r\n');
    return client;
  },
  'behind QUIT': async (running: Listening) => {
    const client = await running.upgraded();
    await client.ask('QUIT');
    return client;
  },
  'behind an injection': async (running: Listening) => {
    const client = await running.greeted();
    await client.ask('STARTTLS\r\nEHLO injected');
    return client;
  },
};

describe('S37: whatever a client does to its connection, the process goes on', { timeout: 120_000 }, () => {
  it('a reset at each moment: no uncaught error, each session over once, no socket left', async () => {
    await using running = await startServer({
      onMailFrom: ({ address }) => (address.startsWith('slow') ? sleep(30) : undefined),
    });
    const before = openSockets();
    for (let round = 0; round < 5; round++) {
      for (const reach of Object.values(MOMENTS)) {
        const client = await reach(running);
        client.reset();
      }
    }
    await running.quiet();
    await noMoreSocketsThan(before);
    assert.deepEqual(running.messages, []);
    await using next = await running.upgraded();
    assert.match(await sendMessage(next), /^250 /);
  });

  it('negative control: a reset of a socket without an error listener ends the process', async () => {
    using program = Program.node(`
      import { createServer } from 'node:net';
      const server = createServer((socket) => {
        socket.resume();
        console.log('ACCEPTED');
      });
      server.listen(0, '127.0.0.1', () => console.log('PORT', server.address().port));
    `);
    const [, port] = await program.until(/^PORT (\d+)/m);
    const client = await RawClient.connect(Number(port));
    await program.until(/^ACCEPTED/m); // a connection that is reset before may never be seen
    client.reset();
    assert.equal(await program.exit(), 1);
    assert.match(program.printed, /ECONNRESET/);
  });

  it('the listeners that a program has on its own socket stay, and hear its end', async () => {
    await using running = await startServer();
    const heard: string[] = [];
    const listener = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
      for (const event of ['error', 'close', 'timeout', 'end']) socket.on(event, () => heard.push(event));
      running.server.accept(socket);
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    await using client = await RawClient.greeted((listener.address() as AddressInfo).port);
    await client.starttls(running.trust);
    await client.ask('QUIT');
    await client.closed();
    await eventually('close', () => heard.includes('close'));
    listener.close();
    assert.equal(heard.filter((event) => event === 'close').length, 1);
  });
});

describe('S38: torn down from every side, in every order, at every moment', { timeout: 120_000 }, () => {
  /** What a program can do to the sockets of an upgrade. */
  const TEARS: readonly ((raw: Socket, tls: Socket | null) => void)[] = [
    (raw) => raw.destroy(),
    (raw) => raw.resetAndDestroy(),
    (raw) => raw.end(),
    (_raw, tls) => tls?.destroy(),
    (_raw, tls) => tls?.end(),
    (raw, tls) => {
      raw.destroy();
      setImmediate(() => tls?.destroy()); // in the same tick it is a segmentation fault of Node
    },
    (raw, tls) => {
      tls?.destroy();
      raw.destroy();
    },
    (raw, tls) => {
      tls?.end('last words');
      raw.resetAndDestroy();
    },
  ];
  /** When, in turns of the loop behind the begin of the handshake; 0 is the very tick. */
  const TURNS = [0, 1, 2, 3, 5, 8, 13, 'when secured'] as const;

  it('no crash, no hang, no socket left, and each upgrade settles', async () => {
    const { issued, authority } = await testIdentity();
    const starttls = new StartTlsServer({ tls: { certificate: issued.cert, privateKey: issued.key } });
    await starttls.ready();
    const settled = { secured: 0, failed: 0 };
    const upgrades: Promise<void>[] = [];
    const plans = [1, 2, 3, 4, 5].flatMap(() => TEARS.flatMap((tear) => TURNS.map((turns) => ({ tear, turns }))));
    let next = 0;
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (raw) => {
      const { tear, turns } = plans[next++ % plans.length] ?? assert.fail();
      const wait = (left: number): void => void (left > 0 ? setImmediate(wait, left - 1) : tear(raw, null));
      const upgrade = starttls.session({}).tlsOnConnect(raw);
      upgrades.push(
        upgrade.then(
          ({ socket }) => {
            settled.secured++;
            if (turns === 'when secured') tear(raw, socket);
            else socket.destroy();
          },
          () => {
            settled.failed++;
          },
        ),
      );
      if (turns !== 'when secured') wait(turns);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const before = openSockets();
    for (let done = 0; done < plans.length; done += 40) {
      await Promise.all(
        plans.slice(done, done + 40).map(async () => {
          const client = await RawClient.connect(port).catch(() => null); // it may be torn down as soon as that
          await client?.upgrade({ ca: authority.ca }).catch(() => {});
          await client?.closed();
        }),
      );
    }
    await within(Promise.all(upgrades), 'each upgrade settles');
    await noMoreSocketsThan(before);
    server.close();
    assert.deepEqual([next, settled.secured + settled.failed], [plans.length, plans.length]);
    assert.ok(settled.secured >= 40 && settled.failed > 0, JSON.stringify(settled));
  });
});

describe('S38: close() in the very tick in which a handshake ends', { timeout: 120_000 }, () => {
  it('ends the session, and not the process', async () => {
    const { issued, authority } = await testIdentity();
    const tls = { certificate: issued.cert, privateKey: issued.key };
    using program = Program.node(`
      import { subscribe } from 'node:diagnostics_channel';
      import { SmtpServer } from ${JSON.stringify(new URL('../../src/server/index.js', import.meta.url).href)};
      const server = new SmtpServer({ hostname: 'mx.test', tls: ${JSON.stringify(tls)} });
      subscribe('tls-smtp:starttls', ({ type }) => type === 'secured' && server.close({ drainMs: 10 }));
      server.on('close', () => console.log('CLOSED'));
      const { port } = await server.listen({ host: '127.0.0.1', port: 0, tlsOnConnect: true });
      console.log('PORT', port);
    `);
    const [, port] = await program.until(/^PORT (\d+)/m);
    await using client = await RawClient.connect(Number(port));
    await client.upgrade({ ca: authority.ca }).catch(() => {});
    await client.closed();
    assert.equal(await program.exit(), 0, program.printed);
    assert.match(program.printed, /^CLOSED$/m);
  });
});

describe('S38: a program that destroys its own socket in the tick in which the handshake ended', {
  timeout: 120_000,
}, () => {
  /** Not each of them crashes a process that is wrong. */
  const VISITS = 10;

  for (const end of ['raw.destroy()', 'raw.resetAndDestroy()', 'raw.destroy(new Error())']) {
    it(`onSecure, ${end}: ends the session, and not the process`, async () => {
      const { issued, authority } = await testIdentity();
      const tls = { certificate: issued.cert, privateKey: issued.key };
      using program = Program.node(`
        import { createServer } from 'node:net';
        import { SmtpServer } from ${JSON.stringify(new URL('../../src/server/index.js', import.meta.url).href)};
        let raw;
        let left = ${VISITS};
        const onClose = () => --left === 0 && setTimeout(() => process.exit(0), 50);
        const server = new SmtpServer({ hostname: 'mx.test', tls: ${JSON.stringify(tls)}, onSecure: () => void ${end}, onClose });
        await server.ready();
        const listener = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
          raw = socket.on('error', () => {});
          server.accept(socket, { tlsOnConnect: true });
        });
        listener.listen(0, '127.0.0.1', () => console.log('PORT', listener.address().port));
      `);
      const [, port] = await program.until(/^PORT (\d+)/m);
      for (let visit = 0; visit < VISITS; visit++) {
        await using client = await RawClient.connect(Number(port));
        const maxVersion = visit % 2 === 0 ? 'TLSv1.2' : 'TLSv1.3';
        await client.upgrade({ ca: authority.ca, maxVersion }).catch(() => {});
        await client.closed();
      }
      assert.equal(await program.exit(), 0, program.printed);
    });
  }

  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    it(`a client's, ${version}: ends the connection, and not the process`, async () => {
      const { issued, authority } = await testIdentity();
      const identity = { cert: issued.cert, key: issued.key, maxVersion: version };
      using program = Program.node(`
        import { once } from 'node:events';
        import { connect } from 'node:net';
        import { createSecureContext, createServer } from 'node:tls';
        import { upgradeClient } from ${JSON.stringify(new URL('../../src/net/client-upgrade.js', import.meta.url).href)};
        const server = createServer(${JSON.stringify(identity)}, (socket) => socket.on('error', () => {}).resume());
        await once(server.listen(0, '127.0.0.1'), 'listening');
        const context = createSecureContext({ ca: ${JSON.stringify(authority.ca)} });
        for (let visit = 0; visit < ${VISITS}; visit++) {
          const raw = connect(server.address().port, '127.0.0.1').on('error', () => {});
          await once(raw, 'connect');
          const tls = await upgradeClient(raw, 'on-connect', { host: 'mx.test', context, timeoutMs: 2_000 });
          raw.destroy();
          tls.destroy();
          await new Promise(setImmediate);
        }
        process.exit(0);
      `);
      assert.equal(await program.exit(), 0, program.printed);
    });
  }
});

describe('S39: TLS errors behind the handshake', { timeout: 120_000 }, () => {
  const FAULTS = {
    'data behind QUIT, and so behind our close_notify': async (client: HeldTls) => {
      const late = await client.hold((tls) => {
        tls.write('QUIT\r\n');
        tls.write('NOOP\r\n');
      });
      client.raw.write(late);
    },
    'a record that was tampered with': async (client: HeldTls) => {
      const record = await client.hold((tls) => tls.write('NOOP\r\n'));
      record.writeUInt8(record.readUInt8(record.length - 1) ^ 1, record.length - 1);
      client.raw.write(record);
    },
    'the same record twice': async (client: HeldTls) => {
      const record = await client.hold((tls) => tls.write('NOOP\r\n'));
      client.raw.write(Buffer.concat([record, record]));
    },
    'a record without a length that can be': async (client: HeldTls) => {
      client.raw.write(Buffer.from([23, 3, 3, 0xff, 0xff, 0, 0, 0]));
    },
    'clear text': async (client: HeldTls) => {
      client.raw.write('QUIT\r\n');
    },
    'a fatal alert in clear': async (client: HeldTls) => {
      client.raw.write(Buffer.from([21, 3, 3, 0, 2, 2, 40]));
    },
  };

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    for (const [name, fault] of Object.entries(FAULTS)) {
      it(`${name}: the session ends, the process does not (${version})`, async () => {
        await using running = await startServer();
        const before = openSockets();
        {
          using client = await HeldTls.greeted(running.tlsPort, { ...running.trust, maxVersion: version });
          await client.ask('EHLO inside');
          await fault(client);
          await client.untilClosed();
        }
        await running.quiet();
        await noMoreSocketsThan(before);
        assert.equal(running.reasons.length, 1);
        await using next = await running.upgraded();
        assert.match(await sendMessage(next), /^250 /);
      });
    }
  }

  it('negative control: Node only emits them, and the connection stays open', async () => {
    const { issued, authority } = await testIdentity();
    const errors: string[] = [];
    const server = createTlsServer({ key: issued.key, cert: issued.cert }, (socket) => {
      socket.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code ?? ''));
      socket.resume();
      socket.write('220 naive.test\r\n');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    using client = await HeldTls.greeted((server.address() as AddressInfo).port, { ca: authority.ca });
    await FAULTS['a record that was tampered with'](client);
    await sleep(300);
    server.close();
    assert.deepEqual([errors.length, client.closed], [1, false], errors.join());
  });
});

describe('S41: slow handshakes', { timeout: 120_000 }, () => {
  const DEADLINE_MS = 400;
  const LATE_MS = 250;
  const CLIENTS = 9;

  /** Each octet of the hello in a TLS record of its own (RFC 8446 §5.1 lets a message be cut so). */
  function inTinyRecords(hello: Buffer): Buffer[] {
    return [...hello.subarray(5)].map((octet) => Buffer.from([0x16, 3, 1, 0, 1, octet]));
  }

  async function drip(client: RawClient, pieces: readonly Buffer[], gapMs: number): Promise<void> {
    for (const piece of pieces) {
      if (client.isClosed) return;
      await client.send(piece).catch(() => {});
      await sleep(gapMs);
    }
  }

  const PATTERNS = {
    silence: async () => {},
    'octet by octet': async (client: RawClient) =>
      drip(
        client,
        [...(await clientHello())].map((o) => Buffer.of(o)),
        20,
      ),
    'octets in records of their own': async (client: RawClient) => drip(client, inTinyRecords(await clientHello()), 20),
    'a whole ClientHello, then records without end': async (client: RawClient) =>
      drip(client, [await clientHello(), ...Array.from({ length: 200 }, () => Buffer.from([20, 3, 3, 0, 1, 1]))], 20),
  };

  for (const way of ['STARTTLS', 'TLS-on-connect'] as const) {
    for (const [pattern, act] of Object.entries(PATTERNS)) {
      it(`${pattern}, ${way}: over at the deadline, at most ${LATE_MS} ms late (the median of ${CLIENTS})`, async () => {
        await using running = await startServer({ tls: { handshakeTimeoutMs: DEADLINE_MS } });
        const took = await Promise.all(
          Array.from({ length: CLIENTS }, async () => {
            await using client = await (way === 'STARTTLS'
              ? MOMENTS['behind the 220'](running)
              : RawClient.connect(running.tlsPort));
            const begun = performance.now();
            const acting = act(client);
            await client.closed();
            const tookMs = performance.now() - begun;
            await acting;
            return tookMs;
          }),
        );
        await running.quiet();
        const median = took.sort((a, b) => a - b)[(CLIENTS - 1) / 2] ?? Number.NaN;
        assert.ok(median <= DEADLINE_MS + LATE_MS, `${median} ms`);
        if (pattern !== 'a whole ClientHello, then records without end') {
          assert.ok(median > DEADLINE_MS - 50, `${median} ms`);
          assert.deepEqual([...new Set(running.errors.map(({ code }) => code))], ['ERR_TLS_SMTP_HANDSHAKE_TIMEOUT']);
        }
        assert.equal(running.errors.length, CLIENTS);
      });
    }
  }
});

describe('S47: shutdown', { timeout: 120_000 }, () => {
  const GRACE_MS = 300;
  const LATE_MS = 200;

  /** A server in a process of its own, clients at each moment that neither speak nor close. @returns close() to exit */
  async function shutDown(): Promise<number> {
    const { issued, authority } = await testIdentity();
    const options = {
      hostname: 'mx.test',
      tls: { certificate: issued.cert, privateKey: issued.key },
      limits: { maxConnections: Object.keys(MOMENTS).length },
    };
    using program = Program.node(`
      import { SmtpServer } from ${JSON.stringify(new URL('../../src/server/index.js', import.meta.url).href)};
      const server = new SmtpServer({
        ...${JSON.stringify(options)},
        onMailFrom: ({ address }) => (address.startsWith('slow') ? new Promise(() => {}) : undefined),
        onMessage: (message) => message.bytes(),
      });
      const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
      const { port: tlsPort } = await server.listen({ host: '127.0.0.1', port: 0, tlsOnConnect: true });
      process.stdin.once('data', async () => {
        process.stdin.destroy();
        const begun = performance.now();
        process.on('exit', () => console.log('EXIT', performance.now() - begun));
        await server.close({ drainMs: ${GRACE_MS} });
        console.log('CLOSED', performance.now() - begun);
      });
      console.log('PORTS', port, tlsPort);
    `);
    const [, port, tlsPort] = await program.until(/^PORTS (\d+) (\d+)/m);
    const greeted = (): Promise<RawClient> => RawClient.greeted(Number(port));
    const listening: Listening = {
      port: Number(port),
      tlsPort: Number(tlsPort),
      greeted,
      upgraded: async () => {
        const client = await greeted();
        await client.starttls({ ca: authority.ca });
        return client;
      },
    };
    const clients: RawClient[] = [];
    try {
      for (const reach of Object.values(MOMENTS)) clients.push(await reach(listening));
      // and one that was turned away at the door and does not go
      clients.push(await RawClient.connect(listening.port));
      program.say('close\n');
      assert.equal(await program.exit(), 0, program.printed);
    } finally {
      for (const client of clients) client.destroy();
    }
    const [, tookMs] = await program.until(/^EXIT ([\d.]+)/m);
    return Number(tookMs);
  }

  it(`the process ends by itself ${LATE_MS} ms behind the time for messages at the latest`, async () => {
    const took = [await shutDown(), await shutDown(), await shutDown()];
    assert.ok(Math.min(...took) <= GRACE_MS + LATE_MS, `${took.join()} ms`); // what is late by itself is late each time
  });
});
