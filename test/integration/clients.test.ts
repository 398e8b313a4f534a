import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import nodemailer from 'nodemailer';
import { eventually, within } from '../support/raw-client.js';
import { type RunningServer, startServer } from '../support/with-server.js';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

describe('nodemailer delivers', { timeout: 60_000 }, () => {
  const message = {
    from: 'Alice <alice@x.test>',
    to: ['bob@y.test', 'carol@y.test'],
    subject: 'one',
    text: 'Hello\n.\n..dots\nend',
  };

  async function deliver(
    running: RunningServer,
    options: {
      readonly secure: boolean;
      readonly version?: (typeof VERSIONS)[number];
      readonly pool?: boolean;
      readonly count?: number;
    },
  ): Promise<string[]> {
    const transport = nodemailer.createTransport({
      host: '127.0.0.1',
      port: options.secure ? running.tlsPort : running.port,
      secure: options.secure,
      requireTLS: !options.secure,
      name: 'client.test',
      ...(options.pool === true && { pool: true as const, maxConnections: 2 }),
      tls: {
        ca: running.authority.ca,
        servername: 'mx.test',
        ...(options.version !== undefined && { minVersion: options.version, maxVersion: options.version }),
      },
    });
    try {
      const results = await within(
        Promise.all(Array.from({ length: options.count ?? 1 }, () => transport.sendMail(message))),
        'nodemailer delivers',
        20_000,
      );
      return results.map(({ response }) => String(response));
    } finally {
      transport.close();
    }
  }

  for (const secure of [false, true]) {
    const way = secure ? 'TLS-on-connect' : 'STARTTLS';
    for (const version of VERSIONS) {
      it(`through ${way}, ${version}`, async () => {
        await using running = await startServer();
        assert.deepEqual(await deliver(running, { secure, version }), ['250 2.0.0 Message accepted']);
        await running.quiet();
        const [received] = running.messages;
        assert.deepEqual(
          {
            count: running.messages.length,
            mailFrom: received?.mailFrom,
            rcptTo: received?.rcptTo,
            type: received?.transmissionType,
            protocol: received?.tls?.protocol,
            mode: received?.tls?.mode,
            sni: received?.tls?.sni,
            errors: running.errors,
            inClear: running.seen.filter(({ command, encrypted }) => !encrypted && !command.startsWith('EHLO')),
          },
          {
            count: 1,
            mailFrom: 'alice@x.test',
            rcptTo: ['bob@y.test', 'carol@y.test'],
            type: 'ESMTPS',
            protocol: version,
            mode: secure ? 'on-connect' : 'starttls',
            sni: 'mx.test',
            errors: [],
            inClear: [],
          },
        );
        assert.match(received?.body ?? '', /^Subject: one\r$/m);
        assert.match(received?.body ?? '', /\r\n\r\nHello\r\n\.\r\n\.\.dots\r\nend\r\n$/);
        assert.match(
          received?.received ?? '',
          /^Received: from client\.test \(\[127\.0\.0\.1\]\)\r\n\tby mx\.test with ESMTPS\r\n\tid \S+\r\n\ttls [A-Z0-9_]+;/,
        );
      });
    }
  }

  it('many messages over kept connections, STARTTLS', async () => {
    await using running = await startServer();
    const replies = await deliver(running, { secure: false, pool: true, count: 40 });
    assert.equal(replies.filter((reply) => reply.startsWith('250 ')).length, 40);
    assert.deepEqual([running.messages.length, running.errors], [40, []]);
  });

  it('nothing to a server whose certificate it does not trust; the server lives on', async () => {
    await using running = await startServer();
    const transport = nodemailer.createTransport({
      host: '127.0.0.1',
      port: running.port,
      requireTLS: true,
      tls: { servername: 'mx.test' },
    });
    await assert.rejects(within(transport.sendMail(message), 'nodemailer'), /self-signed|unable to|certificate/);
    transport.close();
    await running.quiet();
    assert.deepEqual(running.messages, []);
    assert.match((await deliver(running, { secure: false }))[0] ?? '', /^250 /);
  });
});

describe('openssl s_client delivers', {
  timeout: 60_000,
  skip: hasOpenssl ? false : 'openssl is not installed',
}, () => {
  const LINES = [
    'EHLO client.test',
    'MAIL FROM:<alice@x.test>',
    'RCPT TO:<bob@y.test>',
    'DATA',
    'Subject: one',
    '',
    'Hello',
    '.',
    'QUIT',
  ];

  /** Types the lines, each when the reply to the one before has come. @returns what was printed, and the exit code */
  async function converse(
    running: RunningServer,
    options: readonly string[],
  ): Promise<{ readonly printed: string; readonly code: number | null }> {
    const folder = await mkdtemp(join(tmpdir(), 'tls-smtp-'));
    const ca = join(folder, 'ca.pem');
    await writeFile(ca, running.authority.ca);
    const verify = ['-CAfile', ca, '-servername', 'mx.test', '-verify_hostname', 'mx.test', '-verify_return_error'];
    const client = spawn('openssl', ['s_client', ...options, ...verify, '-quiet', '-crlf']);
    let printed = '';
    let read = 0;
    const take = (chunk: Buffer): void => {
      printed += chunk.toString('latin1');
    };
    client.stdout.on('data', take);
    client.stderr.on('data', take);
    client.stdin.on('error', () => {});
    const exited = once(client, 'close') as Promise<[number | null]>;
    try {
      // -starttls swallows the banner and the first EHLO; on-connect prints the banner
      if (!options.includes('-starttls')) {
        await eventually('the banner', () => /^220 /m.test(printed));
        read = printed.length;
      } else await eventually('the handshake', () => /verify return/.test(printed));
      let inData = false;
      for (const line of LINES) {
        client.stdin.write(`${line}\n`);
        if (line === 'DATA') inData = true;
        else if (line === '.') inData = false;
        else if (inData) continue;
        await eventually(`the reply to ${line}; printed: ${printed}`, () =>
          /^\d{3} .*\r?\n/m.test(printed.slice(read)),
        );
        read = printed.length;
      }
      const [code] = await within(exited, 'openssl exits');
      return { printed, code };
    } finally {
      client.kill('SIGKILL');
      await rm(folder, { recursive: true });
    }
  }

  for (const way of ['STARTTLS', 'TLS-on-connect'] as const) {
    for (const version of ['-tls1_2', '-tls1_3'] as const) {
      it(`through ${way}, ${version}`, async () => {
        await using running = await startServer();
        const target =
          way === 'STARTTLS'
            ? ['-starttls', 'smtp', '-connect', `127.0.0.1:${running.port}`]
            : ['-connect', `127.0.0.1:${running.tlsPort}`];
        const { printed, code } = await converse(running, [...target, version]);
        await running.quiet();
        const [received] = running.messages;
        assert.deepEqual(
          {
            code,
            body: received?.body,
            envelope: [received?.mailFrom, received?.rcptTo],
            type: received?.transmissionType,
            mode: received?.tls?.mode,
            protocol: received?.tls?.protocol,
            errors: running.errors,
            reasons: running.reasons,
          },
          {
            code: 0,
            body: 'Subject: one\r\n\r\nHello\r\n',
            envelope: ['alice@x.test', ['bob@y.test']],
            type: 'ESMTPS',
            mode: way === 'STARTTLS' ? 'starttls' : 'on-connect',
            protocol: version === '-tls1_2' ? 'TLSv1.2' : 'TLSv1.3',
            errors: [],
            reasons: ['the client said QUIT'],
          },
        );
        assert.match(printed, /^250 2\.0\.0 Message accepted/m);
        assert.match(printed, /^221 2\.0\.0 Bye/m);
      });
    }
  }

  it('TLS 1.1 is refused by default, in one event', async () => {
    await using running = await startServer();
    const client = spawn(
      'openssl',
      ['s_client', '-connect', `127.0.0.1:${running.tlsPort}`, '-tls1_1', '-cipher', 'DEFAULT:@SECLEVEL=0'],
      { stdio: ['ignore', 'ignore', 'ignore'] },
    );
    const [code] = (await within(once(client, 'close'), 'openssl exits')) as [number | null];
    await running.quiet();
    assert.notEqual(code, 0);
    assert.equal(running.errors.length, 1);
    assert.match(running.errors[0]?.message ?? '', /no TLS version that both sides allow/);
  });

  it('0-RTT is not offered (S22)', async () => {
    await using running = await startServer();
    const client = spawn('openssl', [
      's_client',
      '-connect',
      `127.0.0.1:${running.tlsPort}`,
      '-tls1_3',
      '-servername',
      'mx.test',
    ]);
    let printed = '';
    client.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString('latin1');
    });
    const exited = once(client, 'close');
    try {
      await eventually('the banner', () => /^220 /m.test(printed)); // the tickets are printed with what follows
      client.stdin.write('QUIT\r\n');
      await within(exited, 'openssl exits');
    } finally {
      client.kill('SIGKILL');
    }
    assert.deepEqual([...new Set(printed.match(/Max Early Data: \d+/g))], ['Max Early Data: 0']);
  });
});
