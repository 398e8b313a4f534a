import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connect } from 'node:tls';
import { countContexts, uncountedContext } from '../support/context-count.js';
import { RawClient } from '../support/raw-client.js';
import { sendMessage, startServer } from '../support/with-server.js';

const built = countContexts();

describe('R5: what a connection does not pay for', { timeout: 120_000 }, () => {
  it('a server builds no SecureContext for it: not for STARTTLS, TLS-on-connect, an SNI, or a resumed session', async () => {
    await using running = await startServer();
    // The client's own context is one for all: what is counted is the server's.
    const trust = { secureContext: uncountedContext({ ca: running.authority.ca }) };
    (await running.upgraded(trust)).destroy();
    const before = built();
    for (let visit = 0; visit < 20; visit++) {
      await using inside = await running.upgraded({ ...trust, servername: `host${visit}.test`, checkServerIdentity });
      assert.match(await sendMessage(inside), /^250 /);
      await using onConnect = await RawClient.connectTls(running.tlsPort, trust);
      assert.match(await onConnect.reply(), /^220 /); // and the ticket before it
      const session = onConnect.tls?.getSession();
      assert.ok(session);
      await using resumed = await RawClient.connectTls(running.tlsPort, { ...trust, session });
      assert.equal(resumed.tls?.isSessionReused(), true);
    }
    assert.equal(built() - before, 0);
    assert.equal(running.messages.length, 20);
  });

  it('negative control: a client that gives its CA and no context builds one, which is counted', async () => {
    await using running = await startServer();
    const before = built();
    connect({ port: running.tlsPort, host: '127.0.0.1', ca: running.authority.ca })
      .on('error', () => {})
      .destroy();
    assert.equal(built() - before, 1);
  });
});

function checkServerIdentity(): undefined {}
