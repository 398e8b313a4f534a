import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { MESSAGE } from '../support/delivery.js';
import { itWith, type Peer, run } from '../support/peers.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { startServer, testIdentity } from '../support/with-server.js';

/** How a client is to authenticate, and where. */
interface Target {
  readonly port: number;
  readonly ca: string;
  readonly method: 'PLAIN' | 'LOGIN';
  readonly password: string;
}

interface Client {
  readonly peer: Peer;
  args(target: Target): readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What it prints where the password is wrong. */
  readonly wrong: RegExp;
}

const PYTHON = `
import smtplib, ssl, sys
method, password, port, ca = sys.argv[1:]
smtp = smtplib.SMTP('localhost', int(port), local_hostname='client.test')
smtp.starttls(context=ssl.create_default_context(cafile=ca))
smtp.ehlo()
smtp.user, smtp.password = 'tim', password
smtp.auth(method, getattr(smtp, 'auth_' + method.lower()))
smtp.sendmail('alice@x.test', ['bob@y.test'], sys.stdin.buffer.read())
smtp.quit()
`;

const CLIENTS: readonly Client[] = [
  {
    peer: 'curl',
    args: ({ port, ca, method, password }) => [
      ...['-q', '--silent', '--show-error', '--noproxy', '*', '--resolve', `mx.test:${port}:127.0.0.1`],
      ...['--ssl-reqd', '--cacert', ca, '--user', `tim:${password}`, '--login-options', `AUTH=${method}`],
      ...['--mail-from', 'alice@x.test', '--mail-rcpt', 'bob@y.test', '--upload-file', '-'],
      `smtp://mx.test:${port}/client.test`,
    ],
    wrong: /curl: \(67\)/,
  },
  {
    peer: 'msmtp',
    args: ({ port, ca, method, password }) => [
      ...['--host=127.0.0.1', `--port=${port}`, '--tls=on', '--tls-starttls=on', `--tls-trust-file=${ca}`],
      ...['--tls-host-override=mx.test', `--auth=${method.toLowerCase()}`, '--user=tim'],
      ...[`--passwordeval=echo ${password}`, '--domain=client.test', '--from=alice@x.test', '--', 'bob@y.test'],
    ],
    wrong: /msmtp: authentication failed \(method [A-Z]+\)/,
  },
  {
    peer: 'python3',
    args: ({ port, ca, method, password }) => ['-c', PYTHON, method, password, String(port), ca],
    wrong: /SMTPAuthenticationError: \(535/,
  },
  {
    peer: 'swaks',
    args: ({ port, ca, method, password }) => [
      ...['--server', '127.0.0.1', '--port', String(port), '--tls', '--tls-verify', '--tls-ca-path', ca],
      ...['--auth', method, '--auth-user', 'tim', '--auth-password', password, '--helo', 'client.test'],
      ...['--from', 'alice@x.test', '--to', 'bob@y.test', '--data', '-'],
    ],
    wrong: /<~\* 535 5\.7\.8 [\s\S]*\*\*\* No authentication type succeeded/,
  },
];

for (const { peer, args, wrong } of CLIENTS) {
  describe(peer, () => {
    for (const method of ['PLAIN', 'LOGIN'] as const) {
      itWith([peer], `authenticates with ${method}, and is told where the password is wrong`, async () => {
        const asked: string[] = [];
        await using running = await startServer({
          onAuth: (auth) => {
            asked.push(`${auth.method} ${auth.username}`);
            return auth.password === 'right' && { user: auth.username };
          },
        });
        await using folder = await temporaryFolder({ 'ca.pem': running.authority.ca });
        const target = { port: running.port, ca: folder.file('ca.pem'), method };
        const good = await run(peer, args({ ...target, password: 'right' }), { input: MESSAGE });
        assert.equal(good.code, 0, good.printed);
        assert.deepEqual(
          running.messages.map(({ transmissionType, rcptTo }) => [transmissionType, rcptTo]),
          [['ESMTPSA', ['bob@y.test']]],
        );
        const bad = await run(peer, args({ ...target, password: 'wrong' }), { input: MESSAGE });
        assert.notEqual(bad.code, 0, bad.printed);
        assert.match(bad.printed, wrong);
        assert.equal(running.messages.length, 1);
        assert.deepEqual(asked, Array(2).fill(`${method} tim`));
      });
    }
  });
}

describe('EXTERNAL', () => {
  const clients: readonly Pick<Client, 'peer' | 'args'>[] = [
    {
      peer: 'curl',
      args: ({ port, ca }) => [
        ...['-q', '--silent', '--show-error', '--noproxy', '*', '--resolve', `mx.test:${port}:127.0.0.1`],
        ...['--ssl-reqd', '--cacert', ca, '--cert', ca.replace('ca.pem', 'client.pem'), '--user', 'tim:'],
        ...['--login-options', 'AUTH=EXTERNAL', '--mail-from', 'alice@x.test', '--mail-rcpt', 'bob@y.test'],
        ...['--upload-file', '-', `smtp://mx.test:${port}/client.test`],
      ],
    },
    {
      peer: 'msmtp',
      args: ({ port, ca }) => [
        ...['--host=127.0.0.1', `--port=${port}`, '--tls=on', '--tls-starttls=on', `--tls-trust-file=${ca}`],
        ...['--tls-host-override=mx.test', `--tls-cert-file=${ca.replace('ca.pem', 'client.pem')}`],
        ...[`--tls-key-file=${ca.replace('ca.pem', 'client.pem')}`, '--auth=external', '--user=tim'],
        ...['--domain=client.test', '--from=alice@x.test', '--', 'bob@y.test'],
      ],
    },
  ];

  for (const { peer, args } of clients) {
    itWith([peer], `${peer} is who its certificate says`, async () => {
      await using running = await startServer({
        onAuth: ({ certificate }) => certificate && { user: certificate.subject.get('CN')[0] },
        tls: { tryVerifyHosts: '*', verifyCertificates: (await testIdentity()).authority.ca },
      });
      const { cert, key } = await running.authority.issue({ name: 'tim.test', kind: 'client' });
      await using folder = await temporaryFolder({ 'ca.pem': running.authority.ca, 'client.pem': cert + key });
      const target = { port: running.port, ca: folder.file('ca.pem'), method: 'PLAIN', password: '' } as const;
      const { code, printed } = await run(peer, args(target), { input: MESSAGE });
      assert.equal(code, 0, printed);
      assert.deepEqual(
        running.messages.map(({ transmissionType, tls }) => [transmissionType, tls?.certificate]),
        [['ESMTPSA', 'verified']],
      );
    });
  }
});
