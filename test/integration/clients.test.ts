import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import nodemailer from 'nodemailer';
import { MODES, type Mode, oneDelivery, outcome, portOf, VERSIONS, type Version } from '../support/delivery.js';
import { itWith, type PeerRun, start } from '../support/peers.js';
import { eventually, within } from '../support/raw-client.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { typeDialogue } from '../support/typed-dialogue.js';
import { type RunningServer, startServer } from '../support/with-server.js';

describe('nodemailer delivers', { timeout: 120_000 }, () => {
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
      readonly version?: Version;
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

describe('openssl s_client delivers', { timeout: 120_000 }, () => {
  async function deliver(running: RunningServer, mode: Mode, version: Version): Promise<PeerRun> {
    await using folder = await temporaryFolder({ 'ca.pem': running.authority.ca });
    const client = start('openssl', [
      ...['s_client', '-quiet', '-connect', `127.0.0.1:${portOf(running, mode)}`, `-tls1_${version.at(-1)}`],
      ...['-CAfile', folder.file('ca.pem'), '-verify_hostname', 'mx.test', '-verify_return_error'],
      ...['-servername', 'mx.test', ...(mode === 'starttls' ? ['-starttls', 'smtp'] : [])],
    ]);
    // -starttls swallows the banner and the first EHLO; on-connect prints the banner
    return await typeDialogue(client, mode === 'starttls' ? /verify return/ : /^220 /m);
  }

  for (const mode of MODES) {
    for (const version of VERSIONS) {
      itWith(['openssl'], `through ${mode}, ${version}`, async () => {
        await using running = await startServer();
        const { code, printed } = await deliver(running, mode, version);
        assert.equal(code, 0, printed);
        assert.match(printed, /^250 2\.0\.0 Message accepted/m);
        assert.match(printed, /^221 2\.0\.0 Bye/m);
        await running.quiet();
        assert.deepEqual(outcome(running), oneDelivery(mode, version));
      });
    }
  }

  itWith(['openssl'], 'TLS 1.1 is refused by default, in one event', async () => {
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

  itWith(['openssl'], '0-RTT is not offered (S22)', async () => {
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
