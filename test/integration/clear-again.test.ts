import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, it } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { ClosingTls } from '../support/closing-tls.js';
import { eventually, sleep, within } from '../support/raw-client.js';
import { type RunningServer, type StartOptions, startServer } from '../support/with-server.js';

const MESSAGE = 'Subject: x\r\n\r\nhello\r\n.';

function resuming(options: StartOptions = {}): Promise<RunningServer> {
  return startServer({ ...options, tls: { resumeClearHosts: '127.0.0.1', ...options.tls } });
}

/** MAIL, RCPT, DATA, a message. @returns the codes */
async function send(client: ClosingTls): Promise<string[]> {
  const codes: string[] = [];
  for (const line of ['MAIL FROM:<a@x.test>', 'RCPT TO:<b@y.test>', 'DATA', MESSAGE]) {
    codes.push((await client.ask(line)).slice(0, 3));
  }
  return codes;
}

const OK = ['250', '250', '354', '250'];

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  describe(`tls.resumeClearHosts, ${version}`, { timeout: 120_000 }, () => {
    const only = (running: RunningServer): ConnectionOptions => ({
      ...running.trust,
      minVersion: version,
      maxVersion: version,
    });

    it('goes on in clear with what stood in one segment with close_notify, everything forgotten', async () => {
      const held: unknown[] = [];
      await using running = await resuming({
        onHelo: (name, session) => {
          held.push([
            name,
            session.tls?.protocol ?? null,
            session.helo,
            session.esmtp,
            session.envelope,
            session.data.size,
          ]);
          session.data.set('name', name);
        },
      });
      using client = await ClosingTls.greeted(running.port);
      await client.starttls(only(running));
      await client.ask('EHLO inside.test');
      assert.deepEqual(await send(client), OK);
      await client.ask('MAIL FROM:<a@x.test>');
      client.raw.write(
        Buffer.concat([await client.closeNotify(), Buffer.from('MAIL FROM:<c@x.test>\r\nEHLO again.test\r\n')]),
      );
      const said = await client.reply(/^250 .*\r\n/m);
      assert.match(said, /^503 5\.5\.1 [^\r]*\r\n250-mx\.test /); // no EHLO is remembered
      assert.match(said, /^250[- ]STARTTLS\r\n/m);
      await client.tlsEnded(); // the server's own close_notify came
      assert.deepEqual(held, [
        ['client.test', null, null, false, null, 0],
        ['inside.test', version, null, false, null, 0],
        ['again.test', null, null, false, null, 0],
      ]);
      assert.deepEqual(await send(client), OK);
      assert.deepEqual(
        running.messages.map(({ transmissionType, tls }) => [transmissionType, tls?.protocol ?? null]),
        [
          ['ESMTPS', version],
          ['ESMTP', null],
        ],
      );
      assert.match(await client.ask('QUIT'), /^221 /);
      await running.quiet();
      assert.deepEqual([running.errors, running.reasons], [[], ['the client said QUIT']]);
    });

    it('starts TLS again, any number of times, and leaves no listener behind', async () => {
      const warned: string[] = [];
      const onWarning = ({ message }: Error): void => void warned.push(message);
      process.on('warning', onWarning);
      await using running = await resuming();
      using client = await ClosingTls.greeted(running.port);
      for (let round = 0; round < 12; round++) {
        await client.starttls(only(running));
        await client.ask('EHLO inside.test');
        assert.deepEqual(await send(client), OK);
        client.raw.write(await client.closeNotify());
        await client.tlsEnded();
        assert.match(await client.ask('EHLO clear.test'), /STARTTLS/);
        assert.deepEqual(await send(client), OK);
      }
      await sleep(20); // warnings come in a later tick
      process.off('warning', onWarning);
      assert.deepEqual([running.messages.length, warned, running.reasons], [24, [], []]);
    });

    it('takes the same octet by octet', async () => {
      await using running = await resuming();
      using client = await ClosingTls.greeted(running.port);
      await client.starttls(only(running));
      const inside = await client.hold((tls) => tls.write('EHLO inside.test\r\n'));
      const octets = Buffer.concat([inside, await client.closeNotify(), Buffer.from('EHLO again.test\r\n')]);
      for (const octet of octets) {
        client.raw.write(Buffer.of(octet));
        await sleep(1);
      }
      await client.reply(/STARTTLS\r\n[\s\S]*STARTTLS|^250 .*\r\n/m);
      assert.deepEqual(
        running.seen.map(({ command, encrypted }) => [command, encrypted]),
        [
          ['EHLO client.test', false],
          ['EHLO inside.test', true],
          ['EHLO again.test', false],
        ],
      );
    });

    it('says inside TLS what a command there has led to, however long its handler takes', async () => {
      let answer = (): void => {};
      const asked = new Promise<void>((resolve) => {
        answer = resolve;
      });
      await using running = await resuming({ onRcptTo: () => asked });
      using client = await ClosingTls.greeted(running.port);
      await client.starttls(only(running));
      await client.ask('EHLO inside.test');
      await client.ask('MAIL FROM:<a@x.test>');
      const rcpt = await client.hold((tls) => tls.write('RCPT TO:<b@y.test>\r\n'));
      client.raw.write(Buffer.concat([rcpt, await client.closeNotify(), Buffer.from('NOOP\r\n')]));
      const inTls: string[] = [];
      client.tls?.on('data', (chunk: Buffer) => inTls.push(chunk.toString('latin1')));
      await sleep(50);
      assert.equal(client.said, '');
      answer();
      await client.reply(/^250 [^\r]*\r\n250 [^\r]*\r\n/m);
      assert.match(inTls.join(''), /^250 2\.1\.5 [^\r]*\r\n$/);
      await client.tlsEnded();
      assert.match(await client.ask('DATA'), /^503 /); // the envelope is gone
    });

    it('does not join half a line inside TLS with what follows in clear', async () => {
      await using running = await resuming();
      using client = await ClosingTls.greeted(running.port);
      await client.starttls(only(running));
      const half = await client.hold((tls) => tls.write('EHLO inside'));
      client.raw.write(Buffer.concat([half, await client.closeNotify(), Buffer.from('.test\r\n')]));
      assert.match(await client.reply(), /^500 /);
      assert.deepEqual(
        running.seen.map(({ command }) => command),
        ['EHLO client.test'],
      );
    });

    it('inside a message is a lost connection, and no clear octet is run (SECURITY S08, CVE-2026-45185)', async () => {
      await using running = await resuming();
      using client = await ClosingTls.greeted(running.port);
      await client.starttls(only(running));
      await client.ask('EHLO inside.test');
      await client.ask('MAIL FROM:<a@x.test>');
      await client.ask('RCPT TO:<b@y.test>');
      await client.ask('DATA');
      const body = await client.hold((tls) => tls.write('Subject: cut\r\n\r\nhal'));
      client.raw.write(Buffer.concat([body, await client.closeNotify(), Buffer.from('f\r\n.\r\nEHLO evil.test\r\n')]));
      await client.untilClosed();
      await running.quiet();
      assert.deepEqual([client.said, running.messages], ['', []]);
      assert.ok(!running.seen.some(({ command }) => command.includes('evil')));
    });

    it('is not for hosts off the list: the connection closes, and no clear octet is run (SECURITY S08)', async () => {
      await using running = await startServer({ tls: { resumeClearHosts: '192.0.2.1' } });
      using client = await ClosingTls.greeted(running.port);
      await client.starttls(only(running));
      await client.ask('EHLO inside.test');
      client.raw.write(Buffer.concat([await client.closeNotify(), Buffer.from('EHLO evil.test\r\n')]));
      await client.untilClosed();
      await running.quiet();
      assert.deepEqual([client.said, running.seen.length], ['', 2]);
    });

    it('is not for ports on which TLS comes first (RFC 8314 §3.3)', async () => {
      await using running = await resuming();
      using client = ClosingTls.to(running.tlsPort);
      await client.upgrade(only(running));
      await client.reply();
      await client.ask('EHLO inside.test');
      client.raw.write(Buffer.concat([await client.closeNotify(), Buffer.from('EHLO evil.test\r\n')]));
      await client.untilClosed();
      assert.deepEqual([client.said, running.seen.length], ['', 1]);
    });

    it('clear octets while TLS is up end the connection, and none is run', async () => {
      await using running = await resuming();
      using client = await ClosingTls.greeted(running.port);
      await client.starttls(only(running));
      await client.ask('EHLO inside.test');
      client.said = '';
      client.raw.write('EHLO evil.test\r\nQUIT\r\n');
      await client.untilClosed();
      await running.quiet();
      assert.deepEqual([client.said, running.seen.length], ['', 2]);
      assert.match(running.reasons.join(), /^the connection was lost \(ERR_SSL_\w+\)$/);
    });

    it('a TLS session that is cut is never clear again: FIN, and FIN inside a record', async () => {
      await using running = await resuming();
      for (const octets of [0, 11]) {
        using client = await ClosingTls.greeted(running.port);
        await client.starttls(only(running));
        await client.ask('EHLO inside.test');
        const record = await client.hold((tls) => tls.write('NOOP\r\n'));
        client.said = '';
        client.raw.end(record.subarray(0, octets));
        await client.untilClosed();
        assert.equal(client.said, '');
      }
      await running.quiet();
      assert.equal(running.reasons.length, 2);
    });

    it('close_notify and FIN together end the session in peace', async () => {
      await using running = await resuming();
      using client = await ClosingTls.greeted(running.port);
      await client.starttls(only(running));
      client.raw.end(await client.closeNotify());
      await client.untilClosed();
      await running.quiet();
      assert.deepEqual([running.reasons, running.errors], [['the client closed the connection'], []]);
    });

    it('a client that must use TLS must use it again (RFC 3207 §4)', async () => {
      await using running = await resuming({ tls: { requireHosts: '*' } });
      using client = await ClosingTls.greeted(running.port);
      await client.starttls(only(running));
      await client.ask('EHLO inside.test');
      assert.deepEqual(await send(client), OK);
      client.raw.write(await client.closeNotify());
      await client.tlsEnded();
      assert.match(await client.ask('EHLO clear.test'), /STARTTLS/);
      assert.match(await client.ask('MAIL FROM:<a@x.test>'), /^530 5\.7\.0 /);
      await client.starttls(only(running));
      await client.ask('EHLO inside.test');
      assert.deepEqual(await send(client), OK);
    });

    it('counts octets behind the next STARTTLS too, while a slow onStartTls is asked (RFC 3207 §6)', async () => {
      await using running = await resuming({ onStartTls: () => sleep(100) });
      using client = await ClosingTls.greeted(running.port);
      await client.starttls(only(running));
      client.raw.write(Buffer.concat([await client.closeNotify(), Buffer.from('EHLO clear.test\r\nSTARTTLS\r\n')]));
      await client.reply();
      client.said = '';
      await sleep(30);
      client.raw.write('EHLO injected\r\n');
      await client.untilClosed();
      await running.quiet();
      assert.match(client.said, /^554 5\.5\.1 Synchronization error/);
      assert.deepEqual(
        running.errors.map(({ code }) => code),
        ['ERR_TLS_SMTP_PLAINTEXT_AFTER_STARTTLS'],
      );
      assert.ok(!running.seen.some(({ command }) => command.includes('injected')));
    });

    it('leaves no socket behind where the server closes in the moment in which TLS has ended', async () => {
      await using running = await resuming();
      using client = await ClosingTls.greeted(running.port);
      await client.starttls(only(running));
      await client.ask('EHLO inside.test');
      let closed: Promise<void> | null = null;
      const listen = (event: unknown): void => {
        if ((event as { type: string }).type === 'ended') closed = running.server.close({ drainMs: 50 });
      };
      subscribe('tls-smtp:starttls', listen);
      client.raw.write(await client.closeNotify());
      await eventually('TLS ended', () => closed !== null);
      unsubscribe('tls-smtp:starttls', listen);
      await within(closed ?? Promise.reject(new Error('close() was not called')), 'close()');
      assert.deepEqual(running.reasons, ['the server shut down']);
    });

    it('a reset in the middle of TLS is a lost connection', async () => {
      await using running = await resuming();
      using client = await ClosingTls.greeted(running.port);
      await client.starttls(only(running));
      await client.ask('EHLO inside.test');
      client.raw.resetAndDestroy();
      await running.quiet();
      await eventually('onClose', () => running.reasons.length === 1);
      assert.match(running.reasons.join(), /^the connection was lost \(ECONNRESET\)$/);
    });
  });
}
