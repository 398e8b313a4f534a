import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { SmtpTransport } from '../../src/client/index.js';
import { SmtpServer } from '../../src/server/index.js';
import { TestAuthority } from '../../src/testing/authority.js';
import { root, textOf } from '../architecture/project.js';
import { identityFiles } from '../support/identity-files.js';
import { RawClient, within } from '../support/raw-client.js';
import { beginMessage } from '../support/with-server.js';

/** An example as a person runs it. */
class Example implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  out = '';

  constructor(example: string | ChildProcess, ...args: string[]) {
    this.#child = typeof example === 'string' ? started(example, args) : example;
    this.#closed = once(this.#child, 'close');
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk) => {
        this.out += chunk;
      });
    }
  }

  /** Waits until the output matches, at most five seconds. */
  async says(pattern: RegExp): Promise<string> {
    for (let waited = 0; waited < 20_000; waited += 20) {
      const match = pattern.exec(this.out);
      if (match) return match[1] ?? match[0];
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new assert.AssertionError({ message: `the example never said ${pattern}: ${this.out}` });
  }

  stop(): void {
    this.#child.kill('SIGTERM');
  }

  /** Waits until it ends by itself. @returns its exit code */
  async exit(): Promise<number | null> {
    await within(this.#closed, `the end of: ${this.out}`);
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await this.#closed; // some end by themselves, and did so before
  }
}

function started(name: string, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [join(root, 'examples', name), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The number of a listening socket: what a child is started with. Node does not document it. */
function descriptorOf(listener: Server): number {
  const { _handle: handle } = listener as { readonly _handle?: { readonly fd: number } };
  return handle?.fd ?? assert.fail('it does not listen');
}

/** A handshake, the banner, QUIT. */
async function visit(
  options: ConnectionOptions,
): Promise<{ worker: string; resumed: boolean; session: Buffer | null }> {
  const socket = connectTls({ host: '127.0.0.1', ...options });
  let session: Buffer | null = null;
  socket.on('session', (ticket) => {
    session = ticket;
  });
  const [banner] = (await once(socket, 'data')) as [Buffer];
  const resumed = socket.isSessionReused();
  socket.end('QUIT\r\n');
  socket.resume();
  await once(socket, 'close');
  const worker = /worker (\d+)/.exec(banner.toString())?.[1] ?? '';
  return { worker, resumed, session };
}

/** Sends octets in clear and gives back all that came until the server closed, or for a moment. */
function inClear(port: number, octets: string): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(octets));
    socket.on('data', (chunk) => {
      heard += chunk;
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve(heard));
    setTimeout(() => socket.destroy(), 1_500).unref();
  });
}

describe('examples', () => {
  it('are each under 60 lines', async () => {
    for (const name of await readdir(join(root, 'examples'))) {
      const lines = (await readFile(join(root, 'examples', name), 'utf8')).split('\n').length;
      assert.ok(lines <= 60, `${name} has ${lines} lines`);
    }
  });

  it('mail-listener takes a message and refuses to relay', async () => {
    await using example = new Example('mail-listener.js');
    const port = Number(await example.says(/STARTTLS on (\d+)/));
    const result = await new SmtpTransport().deliver({
      hosts: [{ host: 'localhost', address: '127.0.0.1', port }],
      envelope: { from: 'a@x.test', to: ['b@localhost', 'c@elsewhere.test'] },
      message: 'Subject: from a test\n\nhello\n',
    });
    assert.deepEqual(
      result.recipients.map((one) => one.status),
      ['delivered', 'failed'],
    );
    await example.says(/Received: from[\s\S]*Subject: from a test/);
  });

  it('cipher-rules tells a suite on its list from another, and names the item that it cannot read', async () => {
    await using identity = await identityFiles('mine.test');
    await using example = new Example('cipher-rules.js', ...identity.paths, '!*-SHA : *_SHA384', '0');
    const port = Number(await example.says(/listening on (\d+)/));
    const hear = async (maxVersion: 'TLSv1.2' | 'TLSv1.3', ciphers: string): Promise<string> => {
      const options = { port, servername: 'mine.test', rejectUnauthorized: false, maxVersion, ciphers };
      return (await connectTls(options).setEncoding('utf8').toArray()).join('');
    };
    assert.match(await hear('TLSv1.3', 'TLS_AES_256_GCM_SHA384'), /^220 /);
    assert.match(await hear('TLSv1.2', 'ECDHE-ECDSA-AES256-SHA'), /^554 5\.7\.1 /);
    await example.says(/^welcome X=TLSv1\.3:TLS_AES_256_GCM_SHA384:256 CV=no SNI=mine\.test$/m);
    await example.says(/^refused X=TLSv1\.2:ECDHE-ECDSA-AES256-SHA:256 CV=no SNI=mine\.test$/m);
    await using slip = new Example('cipher-rules.js', ...identity.paths, '*_SHA384 : HIGH', '0');
    await slip.says(/CipherListSyntaxError.*item 1 \(at offset 11\) is 'HIGH'/);
  });

  it('own-socket upgrades, and refuses what stands behind STARTTLS', async () => {
    await using identity = await identityFiles('mine.test');
    await using example = new Example('own-socket.js', ...identity.paths, '0');
    const port = Number(await example.says(/listening on (\d+)/));
    const result = await new SmtpTransport({ tls: { verifyCertificates: identity.authority.ca } }).deliver({
      hosts: [{ host: 'mine.test', address: '127.0.0.1', port }],
      envelope: { from: 'a@x.test', to: ['b@y.test'] },
      message: 'x',
    });
    const [attempt] = result.attempts;
    assert.deepEqual([attempt?.tls?.certificate, result.recipients[0]?.reply?.code], ['verified', 502]);
    assert.match(await inClear(port, 'EHLO me\r\nSTARTTLS\r\nNOOP\r\n'), /250 STARTTLS\r\n554 5\.5\.1 [^\r]*\r\n$/);
    await example.says(/sent 6 octets in clear behind STARTTLS/);
  });

  for (const mode of ['starttls', 'tls-on-connect'] as const) {
    it(`inetd-systemd serves what it was started with, a listening socket or one client (${mode})`, async () => {
      await using identity = await identityFiles('localhost');
      const listener = createServer({ pauseOnConnect: true });
      try {
        const args = [join(root, 'examples/inetd-systemd.js'), ...identity.paths, mode];
        listener.listen(0, '127.0.0.1');
        await once(listener, 'listening');
        const { port } = listener.address() as AddressInfo;
        const deliver = async (): Promise<unknown> => {
          const protocol = mode === 'starttls' ? 'smtp' : 'smtps';
          const transport = new SmtpTransport({ protocol, tls: { verifyCertificates: identity.authority.ca } });
          const { status, attempts } = await transport.deliver({
            hosts: [{ host: 'localhost', address: '127.0.0.1', port }],
            envelope: { from: 'a@x.test', to: ['b@localhost'] },
            message: 'Subject: x\n\nhello\n',
          });
          return [status, attempts[0]?.tls?.certificate];
        };
        const inetd = deliver();
        const [client] = (await once(listener, 'connection')) as [Socket];
        {
          await using one = new Example(spawn(process.execPath, args, { stdio: [client, 'pipe', 'pipe'] }));
          client.destroy(); // the child has its own copy of the descriptor
          assert.deepEqual(await inetd, ['delivered', 'verified']);
          await one.says(/octets from 127\.0\.0\.1\n/);
          assert.equal(await one.exit(), 0, one.out); // by itself: its one client is gone
        }
        const script = 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@"';
        await using all = new Example(
          spawn('sh', ['-c', script, process.execPath, ...args], {
            stdio: ['ignore', 'pipe', 'pipe', descriptorOf(listener)],
          }),
        );
        listener.close(); // its own copy alone: the child listens on
        assert.equal(Number(await all.says(/listening on (\d+)/)), port);
        assert.deepEqual(
          [await deliver(), await deliver()],
          [
            ['delivered', 'verified'],
            ['delivered', 'verified'],
          ],
        );
      } finally {
        listener.close();
      }
    });
  }

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`cluster: a session that began at one worker is resumed at the other (${maxVersion})`, async () => {
      await using identity = await identityFiles('localhost');
      await using example = new Example('cluster.js', ...identity.paths, '0', '2');
      const port = Number(await example.says(/worker 1 listens on (\d+)/));
      await example.says(new RegExp(`worker 2 listens on ${port}`));
      const options = { port, servername: 'localhost', ca: identity.authority.ca, maxVersion };
      const first = await visit(options);
      assert.ok(first.session);
      // Each client meets the next worker, mostly: it is told which, and asks until it has met both.
      const met = new Set<string>();
      for (let visits = 0; met.size < 2 && visits < 20; visits++) {
        const again = await visit({ ...options, session: first.session });
        assert.equal(again.resumed, true, `began at ${first.worker}, went on at ${again.worker}`);
        met.add(again.worker);
      }
      assert.equal(met.size, 2);
      example.stop();
      assert.equal(await example.exit(), 0, example.out);
    });
  }

  it('graceful-shutdown: a message under way is finished, others are told 421, and the process ends', async () => {
    await using identity = await identityFiles('localhost');
    await using example = new Example('graceful-shutdown.js', ...identity.paths, '0');
    const port = Number(await example.says(/listening on (\d+)/));
    await using idle = await RawClient.greeted(port);
    await using sending = await RawClient.greeted(port);
    await sending.starttls({ ca: identity.authority.ca, servername: 'localhost' });
    await beginMessage(sending);
    await sending.send('Subject: half\r\n');
    example.stop();
    await example.says(/stopping with 2 connections/);
    assert.match(await idle.reply(), /^421 4\.3\.2 /);
    await idle.closed();
    await assert.rejects(RawClient.connect(port), /ECONNREFUSED/);
    await sending.send('\r\nand whole\r\n.\r\n');
    assert.match(await sending.reply(), /^250 /);
    assert.match(await sending.reply(), /^421 4\.3\.2 /);
    await sending.closed();
    assert.equal(await example.exit(), 0, example.out);
    assert.match(example.out, /28 octets are safe\n[\s\S]*closed after \d+ ms\n$/);
  });

  it('migrating-from-smtp-server: before and after serve a client alike', async () => {
    const folder = await mkdtemp(join(root, 'dist/guide-')); // inside the package, whose name the programs import
    try {
      const authority = await TestAuthority.create();
      const { cert, key } = await authority.issue({ name: 'localhost' });
      await writeFile(join(folder, 'cert.pem'), cert);
      await writeFile(join(folder, 'key.pem'), key, { mode: 0o600 });
      const page = textOf('docs/guide/migrating-from-smtp-server.md');
      const programs = [...page.matchAll(/```js\n(\/\/ (before|after)\n[\s\S]*?)```/g)];
      const seen: unknown[] = [];
      for (const [, program = '', name = ''] of programs) {
        const file = join(folder, `${name}.mjs`);
        await writeFile(file, program);
        const args = [file, join(folder, 'cert.pem'), join(folder, 'key.pem'), '0'];
        await using example = new Example(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] }));
        const port = Number(await example.says(/listening on (\d+)/));
        await using client = await RawClient.greeted(port);
        await client.starttls({ ca: authority.ca, servername: 'localhost' });
        const codes: string[] = [];
        const login = (password: string): string => Buffer.from(`\0alice\0${password}`).toString('base64');
        for (const command of [
          'EHLO client.test',
          'MAIL FROM:<a@example.org>',
          `AUTH PLAIN ${login('wrong')}`,
          `AUTH PLAIN ${login('correct horse')}`,
          'MAIL FROM:<a@example.org>',
          'RCPT TO:<b@elsewhere.test>',
          'RCPT TO:<b@example.org>',
          'DATA',
          'Subject: x\r\n\r\nhello\r\n.',
        ]) {
          codes.push((await client.ask(command)).slice(0, 3));
        }
        await example.says(/^21 octets from alice$/m);
        seen.push({ name, codes });
        assert.match(await client.ask('QUIT'), /^221 /);
      }
      const codes = ['250', '530', '535', '235', '250', '550', '250', '354', '250'];
      assert.deepEqual(seen, [
        { name: 'before', codes },
        { name: 'after', codes },
      ]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('send delivers a file over verified TLS, and says what came of it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tls-smtp-'));
    try {
      const authority = await TestAuthority.create();
      const { cert, key } = await authority.issue({ name: 'localhost' });
      await writeFile(join(folder, 'ca.pem'), authority.ca);
      await writeFile(join(folder, 'message.eml'), 'Subject: a file\n\n.dot\n');
      const bodies: string[] = [];
      await using server = new SmtpServer({
        hostname: 'localhost',
        tls: { certificate: cert, privateKey: key },
        onMessage: async (message) => {
          bodies.push(await message.text());
        },
      });
      const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
      const args = ['a@x.test', 'b@y.test', `localhost:${port}`, join(folder, 'ca.pem')];
      await using good = new Example('send.js', join(folder, 'message.eml'), ...args);
      await good.says(/accepted \(TLSv1\.3:\S+, certificate verified\)\n/);
      await good.says(/b@y\.test: delivered \(250 /);
      await using bad = new Example('send.js', join(folder, 'absent.eml'), ...args);
      await bad.says(/the source of the message failed: ENOENT: .*; by then the message was deferred/);
      assert.deepEqual(bodies, ['Subject: a file\r\n\r\n.dot\r\n']);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('host-list says who must use TLS and why, warns, and refuses what it cannot read', async () => {
    await using told = new Example(
      'host-list.js',
      '!192.0.2.7 : 192.0.2.0/24',
      '192.0.2.1',
      '192.0.2.7',
      '::ffff:192.0.2.9',
    );
    await told.says(/192\.0\.2\.1 must use TLS: yes, the address matches 192\.0\.2\.0\/24\n/);
    await told.says(/192\.0\.2\.7 need not: no, the address matches !192\.0\.2\.7\n/);
    await told.says(/::ffff:192\.0\.2\.9 must use TLS/);
    await using warned = new Example('host-list.js', '10.0.0.0/8 : !10.0.0.1', '11.0.0.1');
    await warned.says(/warning: !10\.0\.0\.1: it never decides/);
    await warned.says(/11\.0\.0\.1 must use TLS: yes, no item matches, and the last one is negated/);
    await using refused = new Example('host-list.js', '10.0.0.1 : 010.0.0.1');
    await refused.says(/item 1 \(at offset 11\) is '010\.0\.0\.1', expected an IPv4 address/);
  });

  it('per-address-certificates serves the address, a name, and what replaced it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tls-smtp-'));
    try {
      const authority = await TestAuthority.create();
      const put = async (file: string, name: string): Promise<void> => {
        const { cert, key } = await authority.issue({ name });
        await writeFile(join(folder, file), `${cert}${key}`, { mode: 0o600 });
      };
      await put('127.0.0.1.pem', 'address.test');
      await put('named.test.pem', 'named.test');
      await using example = new Example('per-address-certificates.js', folder, '0');
      const port = Number(await example.says(/STARTTLS on (\d+)/));
      const certificateFor = async (host: string): Promise<string | undefined> => {
        const result = await new SmtpTransport().deliver({
          hosts: [{ host, address: '127.0.0.1', port }],
          envelope: { from: 'a@x.test', to: ['b@y.test'] },
          message: 'x',
        });
        return result.attempts[0]?.tls?.peerDn;
      };
      assert.deepEqual(
        [await certificateFor('named.test'), await certificateFor('unknown.test'), await certificateFor('127.0.0.1')],
        ['/CN=named.test', '/CN=address.test', '/CN=address.test'],
      );
      await put('127.0.0.1.pem', 'replaced.test');
      assert.equal(await certificateFor('unknown.test'), '/CN=replaced.test');
      await example.says(/reloaded: CN=replaced\.test/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('relay-with-certificate relays with a verified certificate only, and takes local mail from everybody', async () => {
    await using example = new Example('relay-with-certificate.js');
    const port = Number(await example.says(/STARTTLS on (\d+)/));
    const folder = await example.says(/client\.pem and ca\.pem are in (\S+)/);
    try {
      const pem = await readFile(join(folder, 'client.pem'), 'utf8');
      const trust = { ca: await readFile(join(folder, 'ca.pem'), 'utf8'), servername: 'localhost' };
      const stranger = await (await TestAuthority.create()).issue({ name: 'client.test', kind: 'client' });
      const codes: string[][] = [];
      for (const tls of [null, trust, { ...trust, ...stranger }, { ...trust, cert: pem, key: pem }]) {
        await using client = await RawClient.greeted(port);
        if (tls !== null) {
          await client.starttls(tls);
          await client.ask('EHLO client.test');
        }
        await client.ask('MAIL FROM:<a@x.test>');
        const replies = [await client.ask('RCPT TO:<b@localhost>'), await client.ask('RCPT TO:<c@far.test>')];
        codes.push(replies.map((reply) => reply.slice(0, 9)));
        await client.ask('DATA');
        await client.ask('hello\r\n.');
      }
      assert.deepEqual(codes, [
        ['250 2.1.5', '530 5.7.0'],
        ['250 2.1.5', '550 5.7.1'],
        ['250 2.1.5', '550 5.7.1'],
        ['250 2.1.5', '250 2.1.5'],
      ]);
      await example.says(/7 octets for b@localhost, certificate: no TLS/);
      await example.says(/7 octets for b@localhost, certificate: unverified/);
      await example.says(/7 octets for b@localhost,c@far\.test, certificate: verified/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
