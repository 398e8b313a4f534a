import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { TestAuthority } from '../../src/testing/authority.js';
import {
  MESSAGE,
  MODES,
  type Mode,
  oneDelivery,
  outcome,
  portOf,
  VERSIONS,
  type Version,
} from '../support/delivery.js';
import { itWith, type Peer, run } from '../support/peers.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { startServer } from '../support/with-server.js';

/** Where a client is to deliver, and how. */
interface Target {
  readonly mode: Mode;
  readonly version: Version;
  readonly port: number;
  /** The file of the authority to trust. */
  readonly ca: string;
}

/** A program that takes a message on its standard input and delivers it. */
interface Client {
  readonly peer: Peer;
  args(target: Target): readonly string[];
  /** What it reads. Default: MESSAGE. */
  readonly input?: string;
  /** The name that it asks for. Default: mx.test. */
  readonly sni?: string | undefined;
  /** What it prints of a good delivery. */
  readonly success: RegExp;
  /** What it prints of a certificate that it does not trust. */
  readonly distrust: RegExp;
  /** When it looks at the certificate: an alert tells us of the one, the other is a client that leaves. */
  readonly verifies: 'in the handshake' | 'behind it';
}

const UNKNOWN_CA = 'TLS handshake: the peer did not accept our certificate (ERR_SSL_TLSV1_ALERT_UNKNOWN_CA)';

const PYTHON = `
import smtplib, ssl, sys
mode, version, port, ca = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
context.minimum_version = context.maximum_version = ssl.TLSVersion[version.replace('.', '_')]
if mode == 'on-connect':
    smtp = smtplib.SMTP_SSL('localhost', int(port), local_hostname='client.test', context=context)
else:
    smtp = smtplib.SMTP('localhost', int(port), local_hostname='client.test')
    smtp.starttls(context=context)
refused = smtp.sendmail('alice@x.test', ['bob@y.test', 'carol@y.test'], sys.stdin.buffer.read())
print(refused, *smtp.quit())
`;

const CLIENTS: readonly Client[] = [
  {
    peer: 'curl',
    args: ({ mode, version, port, ca }) => [
      ...['-q', '--silent', '--show-error', '--verbose', '--noproxy', '*', '--resolve', `mx.test:${port}:127.0.0.1`],
      ...['--ssl-reqd', '--cacert', ca, `--tlsv1.${version.at(-1)}`, '--tls-max', `1.${version.at(-1)}`],
      ...['--mail-from', 'alice@x.test', '--mail-rcpt', 'bob@y.test', '--mail-rcpt', 'carol@y.test'],
      ...['--upload-file', '-', `${mode === 'starttls' ? 'smtp' : 'smtps'}://mx.test:${port}/client.test`],
    ],
    success: /SSL certificate verify ok[\s\S]*< 250 2\.0\.0 Message accepted/,
    distrust: /curl: \(60\) SSL certificate problem/,
    verifies: 'in the handshake',
  },
  {
    peer: 'msmtp',
    args: ({ mode, version, port, ca }) => [
      ...['--host=127.0.0.1', `--port=${port}`, '--tls=on', `--tls-starttls=${mode === 'starttls' ? 'on' : 'off'}`],
      ...[`--tls-trust-file=${ca}`, '--tls-host-override=mx.test'],
      `--tls-priorities=NORMAL:-VERS-ALL:+VERS-TLS1.${version.at(-1)}`,
      ...['--auth=off', '--domain=client.test', '--from=alice@x.test', '--debug', '--', 'bob@y.test', 'carol@y.test'],
    ],
    success: /<-- 250 2\.0\.0 Message accepted/,
    distrust: /msmtp: TLS certificate verification failed/,
    verifies: 'behind it',
  },
  {
    peer: 'python3',
    args: ({ mode, version, port, ca }) => ['-c', PYTHON, mode, version, String(port), ca],
    sni: 'localhost',
    success: /^\{\} 221 b'2\.0\.0 Bye'$/m,
    distrust: /ssl\.SSLCertVerificationError/,
    verifies: 'in the handshake',
  },
  {
    peer: 'swaks',
    args: ({ mode, version, port, ca }) => [
      ...['--server', '127.0.0.1', '--port', String(port), mode === 'starttls' ? '--tls' : '--tlsc'],
      ...['--tls-verify', '--tls-ca-path', ca, '--tls-sni', 'mx.test'],
      ...['--tls-protocol', version.toLowerCase().replace('.', '_')],
      ...['--helo', 'client.test', '--from', 'alice@x.test', '--to', 'bob@y.test,carol@y.test', '--data', '-'],
    ],
    input: MESSAGE.slice(0, -2), // it adds an end of line of its own
    success: /<~ {2}250 2\.0\.0 Message accepted/,
    distrust: /\*\*\* TLS startup failed|certificate verify failed/,
    verifies: 'in the handshake',
  },
];

for (const { peer, args, input = MESSAGE, success, distrust, verifies, ...more } of CLIENTS) {
  describe(peer, () => {
    for (const mode of MODES) {
      for (const version of VERSIONS) {
        itWith([peer], `delivers: ${mode}, ${version}`, async () => {
          await using running = await startServer();
          await using folder = await temporaryFolder({ 'ca.pem': running.authority.ca });
          const target = { mode, version, port: portOf(running, mode), ca: folder.file('ca.pem') };
          const { code, printed } = await run(peer, args(target), { input });
          assert.equal(code, 0, printed);
          assert.match(printed, success);
          await running.quiet();
          assert.deepEqual(outcome(running), oneDelivery(mode, version, more));
        });
      }

      itWith([peer], `delivers nothing where it trusts another authority: ${mode}`, async () => {
        await using running = await startServer();
        const stranger = await TestAuthority.create();
        await using folder = await temporaryFolder({ 'ca.pem': stranger.ca });
        const target = { mode, version: VERSIONS[1], port: portOf(running, mode), ca: folder.file('ca.pem') };
        const { code, printed } = await run(peer, args(target), { input });
        assert.notEqual(code, 0, printed);
        assert.match(printed, distrust);
        await running.quiet();
        assert.deepEqual(outcome(running), {
          messages: [],
          errors: verifies === 'in the handshake' ? [UNKNOWN_CA] : [],
          warnings: [],
          reasons: [verifies === 'in the handshake' ? UNKNOWN_CA : 'the client closed the connection'],
          inClear: [],
        });
      });
    }
  });
}
