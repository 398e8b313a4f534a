import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { acl, reject } from '../../src/policy/index.js';
import { SmtpServer, type SmtpServerOptions } from '../../src/server/index.js';
import { eventually, RawClient } from '../support/raw-client.js';
import { type RunningServer, sendMessage, startServer, testIdentity } from '../support/with-server.js';

const { authority, issued } = await testIdentity();
const good = await authority.issue({ name: 'client one', names: [], kind: 'client' });
const { issued: _issued, ...unverified } = {
  issued,
  ...(await authority.issue({ kind: 'client', flaw: 'unknown-ca' })),
};
const DENIED = '550 5.7.1 Administrative prohibition';
const MODERN: ConnectionOptions = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' };

/** A client at an address of its own, greeted; inside TLS and greeted again where options for it are given. */
async function client(running: RunningServer, from: string, tls: ConnectionOptions | null): Promise<RawClient> {
  const one = await RawClient.connect(running.port, '127.0.0.1', from);
  await one.reply();
  await one.ask('EHLO client.test');
  if (tls === null) return one;
  await one.starttls({ ...running.trust, ...tls });
  await one.ask('EHLO client.test');
  return one;
}

/** What RCPT is answered. */
async function rcpt(running: RunningServer, from: string, tls: ConnectionOptions | null): Promise<string> {
  await using one = await client(running, from, tls);
  assert.match(await one.ask('MAIL FROM:<a@x.test>'), /^250 /);
  return (await one.ask('RCPT TO:<b@elsewhere.test>')).replace(/^250 .*/, '250');
}

const withAcl = (rules: SmtpServerOptions['acl'], tls: SmtpServerOptions['tls'] = {}): Promise<RunningServer> =>
  startServer({ tls, ...(rules !== undefined && { acl: rules }) });

describe('client certificates, as in the tests of Exim', { timeout: 120_000 }, () => {
  it('[S14] a client that must verify, and does: its message is taken, and the log line tells it and its DN', async () => {
    const lines: string[] = [];
    await using running = await startServer({
      tls: { verifyHosts: '*', verifyCertificates: authority.ca },
      onMessage: async (message) => {
        await message.bytes();
        lines.push(message.logLine('+tls_peerdn'));
      },
    });
    await using one = await running.upgraded({ ...good, maxVersion: 'TLSv1.3' });
    assert.match(await sendMessage(one), /^250 /);
    assert.match(lines[0] ?? '', / P=esmtps X=TLSv1\.3:\S+ CV=yes DN="\/CN=client one" /);
  });
});

describe('acl, as in the tests of Exim', { timeout: 120_000 }, () => {
  it('[S11] acl.starttls accepts one host: others get 550, and QUIT is 221', async () => {
    await using running = await withAcl({ starttls: [acl.accept(acl.hosts('127.0.0.2'))] });
    await using refused = await client(running, '127.0.0.1', null);
    assert.equal(await refused.ask('STARTTLS'), DENIED);
    assert.match(await refused.ask('QUIT'), /^221 /);
    await using accepted = await client(running, '127.0.0.2', null);
    await accepted.starttls(running.trust);
    assert.match(await accepted.ask('EHLO client.test'), /^250/);
  });

  it('[S13, S18, R22] acl.rcpt wants a verified certificate: without one, or with one that does not verify, 550', async () => {
    const rules = { rcpt: [acl.accept(acl.certificateVerified())] };
    await using running = await withAcl(rules, { tryVerifyHosts: '*', verifyCertificates: authority.ca });
    assert.deepEqual(
      [
        await rcpt(running, '127.0.0.1', null),
        await rcpt(running, '127.0.0.1', {}),
        await rcpt(running, '127.0.0.1', unverified),
        await rcpt(running, '127.0.0.1', good),
      ],
      [DENIED, DENIED, DENIED, '250'],
    );
  });

  it('[S31] relaying inside TLS alone: 550 behind HELO, 250 behind STARTTLS', async () => {
    await using running = await withAcl({ rcpt: [acl.accept(acl.encrypted('*'))] });
    await using one = await RawClient.connect(running.port);
    await one.reply();
    await one.ask('HELO client.test');
    await one.ask('MAIL FROM:<a@x.test>');
    assert.equal(await one.ask('RCPT TO:<b@elsewhere.test>'), DENIED);
    await one.ask('EHLO client.test');
    await one.starttls(running.trust);
    await one.ask('EHLO client.test');
    await one.ask('MAIL FROM:<a@x.test>');
    assert.match(await one.ask('RCPT TO:<b@elsewhere.test>'), /^250 /);
  });

  it('[S32] acl.rcpt demands TLS of some hosts: 550 to them in clear, others are served', async () => {
    const rules = { rcpt: [acl.deny(acl.all(acl.hosts('127.0.0.2'), acl.not(acl.encrypted('*')))), acl.accept()] };
    await using running = await withAcl(rules);
    assert.deepEqual(
      [
        await rcpt(running, '127.0.0.2', null),
        await rcpt(running, '127.0.0.2', {}),
        await rcpt(running, '127.0.0.1', null),
      ],
      [DENIED, '250', '250'],
    );
  });

  it('[S33, R22] encrypted() by the suite that was agreed: one that is not in use for one host, any for another', async () => {
    const rules = {
      rcpt: [
        acl.accept(acl.all(acl.hosts('127.0.0.2'), acl.encrypted('ECDHE-ECDSA-AES256-GCM-SHA384'))),
        acl.accept(acl.all(acl.hosts('127.0.0.1'), acl.encrypted('*'))),
      ],
    };
    await using running = await withAcl(rules);
    assert.deepEqual(
      [
        await rcpt(running, '127.0.0.2', MODERN),
        await rcpt(running, '127.0.0.2', { ...MODERN, ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' }),
        await rcpt(running, '127.0.0.1', MODERN),
      ],
      [DENIED, '250', '250'],
    );
  });

  it('[S34] encrypted(*): the same message is taken inside TLS and refused in clear', async () => {
    const words = reject(550, '5.7.0', 'TLS is needed');
    await using running = await withAcl({ rcpt: [acl.deny(acl.not(acl.encrypted('*')), words), acl.accept()] });
    assert.deepEqual(
      [await rcpt(running, '127.0.0.1', {}), await rcpt(running, '127.0.0.1', null)],
      ['250', '550 5.7.0 TLS is needed'],
    );
  });

  it('[S38, S39] acl.connect refuses before TLS-on-connect: closed without a byte; where nobody listens for events too', async () => {
    const identity = { certificate: issued.cert, privateKey: issued.key };
    for (const rule of [acl.deny(), acl.drop(), acl.defer()]) {
      await using server = new SmtpServer({ tls: identity, acl: { connect: [rule] } });
      const { port } = await server.listen({ host: '127.0.0.1', port: 0, tlsOnConnect: true });
      for (let round = 0; round < 2; round++) {
        await using one = await RawClient.connect(port);
        await assert.rejects(one.upgrade({ ca: authority.ca }));
        assert.equal(one.clearText, '');
        await eventually('it is closed', () => server.connections === 0);
      }
    }
  });
});
