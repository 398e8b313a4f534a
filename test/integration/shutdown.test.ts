import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually, RawClient, sleep, within } from '../support/raw-client.js';
import { startServer } from '../support/with-server.js';

describe('close()', { timeout: 120_000 }, () => {
  it('S47: begins no handshake any more, also inside a transaction that may go on', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    await client.ask('MAIL FROM:<a@x.test>');
    const closing = running.server.close({ drainMs: 5_000 });
    const begun = performance.now();
    assert.match(await client.ask('STARTTLS'), /^421 4\.3\.2 /);
    await client.closed();
    await within(closing, 'close()');
    assert.ok(performance.now() - begun < 1_500);
    assert.deepEqual([running.errors, running.reasons], [[], ['the server shut down']]);
  });

  it('called in a handler that then answers late: 421, and nothing behind it', async () => {
    const running = await startServer({
      onHelo: async () => {
        void running.server.close({ drainMs: 5_000 });
        await sleep(50);
      },
    });
    await using client = await RawClient.connect(running.port);
    await client.reply();
    await client.send('EHLO client.test\r\nNOOP\r\n');
    const { replies } = await client.untilClosed();
    assert.deepEqual(replies, ['421 4.3.2 Service shutting down']);
    await within(running.server.close(), 'close()');
    await sleep(100); // for the late answer
    assert.deepEqual([running.errors, running.reasons], [[], ['the server shut down']]);
  });

  it('S47: cuts a handshake under way at once, whatever time messages have', async () => {
    await using running = await startServer();
    await using starting = await running.greeted();
    await starting.ask('STARTTLS');
    await using onConnect = await RawClient.connect(running.tlsPort);
    await eventually('both are there', () => running.server.connections === 2);
    const begun = performance.now();
    await within(running.server.close({ drainMs: 5_000 }), 'close()');
    assert.ok(performance.now() - begun < 1_500);
    for (const client of [starting, onConnect]) assert.equal((await client.closed()).rest.length, 0);
  });

  it('lets a message that has begun be whole, and says 421 behind its 250', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    for (const line of ['MAIL FROM:<a@x.test>', 'RCPT TO:<b@y.test>', 'DATA']) await client.ask(line);
    await client.send('Subject: x\r\n');
    const closing = running.server.close({ drainMs: 5_000 });
    await client.send('\r\nwhole\r\n.\r\n');
    assert.match(await client.reply(), /^250 /);
    assert.match(await client.reply(), /^421 4\.3\.2 /);
    await client.closed();
    await within(closing, 'close()');
    assert.equal(running.messages[0]?.body, 'Subject: x\r\n\r\nwhole\r\n');
  });

  it('gives nobody a port any more: listen() and accept() refuse, and a client is not connected', async () => {
    await using running = await startServer();
    const { server, port } = running;
    await server.close();
    await assert.rejects(server.listen({ host: '127.0.0.1', port: 0 }), { code: 'ERR_TLS_SMTP_SERVER_CLOSED' });
    await assert.rejects(RawClient.connect(port), { code: 'ECONNREFUSED' });
    assert.equal(await server.close(), undefined); // as often as anybody likes
  });
});
