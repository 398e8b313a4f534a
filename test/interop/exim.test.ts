import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { SmtpTransport } from '../../src/client/index.js';
import { TestAuthority } from '../../src/testing/authority.js';
import { MESSAGE, MODES, portOf, VERSIONS } from '../support/delivery.js';
import { EXIM, eximClient, eximQueue, eximServer } from '../support/exim.js';
import { inEveryWay } from '../support/matrix.js';
import { itWith } from '../support/peers.js';
import { startServer, testIdentity } from '../support/with-server.js';

/** The body of MESSAGE, as Exim keeps it. */
const BODY = 'Hello\n.\n..dots\nend\n';

const TO = ['bob@y.test', 'carol@y.test'] as const;

inEveryWay(EXIM);

describe('Exim as the client', () => {
  for (const mode of MODES) {
    itWith(['exim4'], `delivers by DATA where CHUNKING is hidden, and by BDAT the same message: ${mode}`, async () => {
      const large = `${MESSAGE}${'..a line of the body\r\n'.repeat(20_000)}`;
      const bodies: string[] = [];
      for (const hide of [[], ['CHUNKING']]) {
        await using running = await startServer({ hide });
        const target = { port: portOf(running, mode), mode, version: 'TLSv1.3', ca: running.authority.ca } as const;
        await using exim = await eximClient(target);
        const { code, printed } = await exim.deliver(large, ...TO);
        assert.equal(code, 0, printed);
        const log = await exim.log();
        assert.equal(/ K C="250 2\.0\.0 Message accepted"/.test(log), hide.length === 0, log);
        const [message] = running.messages;
        assert.ok(message !== undefined && running.messages.length === 1);
        bodies.push(message.body.slice(message.body.indexOf('From: Alice')));
      }
      assert.ok(bodies[0] === bodies[1] && bodies[0] === large);
    });

    itWith(
      ['exim4'],
      `keeps its message where it must show a certificate and has none, and delivers it with one: ${mode}`,
      async () => {
        const strict = await TestAuthority.create();
        await using running = await startServer({ tls: { verifyHosts: '127.0.0.1', verifyCertificates: strict.ca } });
        const target = { port: portOf(running, mode), mode, version: 'TLSv1.3', ca: running.authority.ca } as const;
        await using without = await eximClient(target);
        await without.deliver(MESSAGE, ...TO);
        assert.deepEqual([running.messages, await without.queuedBodies()], [[], [BODY]]);
        assert.match(await without.log(), /== bob@y\.test /);
        const { cert, key } = await strict.issue({ name: 'tim.test', kind: 'client' });
        await using having = await eximClient({ ...target, identity: cert + key });
        await having.deliver(MESSAGE, ...TO);
        await running.quiet();
        assert.deepEqual(await having.queuedBodies(), []);
        assert.deepEqual(
          running.messages.map(({ rcptTo, tls }) => [...rcptTo, tls?.certificate, tls?.peerDn]),
          [[...TO, 'verified', '/CN=tim.test']],
        );
      },
    );
  }
});

describe('Exim as a client that ends TLS between messages and keeps the connection (hosts_noproxy_tls)', () => {
  for (const version of VERSIONS) {
    itWith(
      ['exim4'],
      `delivers three queued messages over one TCP connection in three TLS sessions, ${version}`,
      async () => {
        const secured: string[] = [];
        await using running = await startServer({
          tls: { resumeClearHosts: '127.0.0.1' },
          onSecure: ({ protocol }, session) => void secured.push(`${session.id} ${protocol}`),
        });
        const { port, authority } = running;
        await using exim = await eximQueue({ port, mode: 'starttls', version, ca: authority.ca });
        for (const to of ['one@y.test', 'two@y.test', 'three@y.test']) await exim.queue(MESSAGE, to);
        const { code, printed } = await exim.deliverAll();
        assert.equal(code, 0, printed);
        await running.quiet();
        const log = await exim.log();
        const [first = ''] = secured;
        assert.deepEqual(
          {
            secured,
            delivered: running.messages
              .map(({ rcptTo, transmissionType }) => [...rcptTo, transmissionType].join())
              .sort(),
            connections: running.reasons.length,
            errors: running.errors,
            queued: await exim.queuedBodies(),
          },
          {
            secured: [first, first, first],
            delivered: ['one@y.test,ESMTPS', 'three@y.test,ESMTPS', 'two@y.test,ESMTPS'],
            connections: 1,
            errors: [],
            queued: [],
          },
          log,
        );
        assert.match(first, new RegExp(` ${version}$`));
      },
    );
  }
});

describe('Exim as the server', () => {
  for (const mode of MODES) {
    itWith(['exim4'], `takes a message from our transport, which verifies it: ${mode}`, async () => {
      const { authority, issued } = await testIdentity();
      await using exim = await eximServer(issued);
      const transport = new SmtpTransport({
        tls: { verifyCertificates: authority.ca },
        protocol: mode === 'starttls' ? 'smtp' : 'smtps',
        name: 'ours.test',
      });
      const port = mode === 'starttls' ? exim.port : exim.tlsPort;
      const { status, recipients, attempts } = await transport.deliver({
        hosts: [{ host: 'mx.test', address: '127.0.0.1', port }],
        envelope: { from: 'alice@x.test', to: TO },
        message: MESSAGE,
      });
      assert.deepEqual(
        {
          status,
          recipients: recipients.map((one) => [one.address, one.status]),
          attempts: attempts.map(({ outcome, error, security, tls }) => ({
            ...{ outcome, error, security, mode: tls?.mode, protocol: tls?.protocol, certificate: tls?.certificate },
          })),
        },
        {
          status: 'delivered',
          recipients: TO.map((address) => [address, 'delivered']),
          attempts: [
            {
              ...{ outcome: 'accepted', error: null, security: 'tls' },
              ...{ mode, protocol: 'TLSv1.3', certificate: 'verified' },
            },
          ],
        },
      );
      const log = await exim.log();
      assert.match(
        log,
        /<= alice@x\.test H=\(ours\.test\) \[127\.0\.0\.1\] P=esmtps L\S* X=TLS1\.3:\S+ CV=no SNI=mx\.test .*id=one@x\.test/,
      );
      assert.deepEqual(await exim.queuedBodies(), [BODY]);
    });
  }
});
