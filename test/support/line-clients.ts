import { readFile } from 'node:fs/promises';
import { createTransport } from 'nodemailer';
import { MESSAGE } from './delivery.js';
import { ALERT, GONE, type MailClient, NO_STRANGERS, type Visit } from './mail-client.js';
import { type PeerRun, run } from './peers.js';

/** Programs that are told all on their command line, and read the message on their standard input; and nodemailer. */

const NO_BDAT = 'sends the body with DATA alone';
const NO_GROUPS = 'waits for each reply before it sends the next command';

export const CURL: MailClient = {
  name: 'curl',
  peers: ['curl'],
  cannot: { pipelined: NO_GROUPS, chunked: NO_BDAT },
  deliver: (visit) => curl(visit),
  success: /SSL certificate verify ok[\s\S]*< 250 2\.0\.0 Message accepted/,
  distrust: /curl: \(60\) SSL certificate problem/,
  wrong: /curl: \(67\)/,
  leaves: ALERT,
};

/** @param more - options that no other client has */
export function curl(
  { mode, version, port, ca, identity, login }: Visit,
  ...more: readonly string[]
): Promise<PeerRun> {
  return run(
    'curl',
    [
      ...[
        '-q',
        ...more,
        '--silent',
        '--show-error',
        '--verbose',
        '--noproxy',
        '*',
        '--resolve',
        `mx.test:${port}:127.0.0.1`,
      ],
      ...['--ssl-reqd', '--cacert', ca, `--tlsv1.${version.at(-1)}`, '--tls-max', `1.${version.at(-1)}`],
      ...(identity === null ? [] : ['--cert', identity]),
      ...(login === null ? [] : ['--login-options', `AUTH=${login.mechanism}`, '--user', `tim:${login.password}`]),
      ...['--mail-from', 'alice@x.test', '--mail-rcpt', 'bob@y.test', '--mail-rcpt', 'carol@y.test'],
      ...['--upload-file', '-', `${mode === 'starttls' ? 'smtp' : 'smtps'}://mx.test:${port}/client.test`],
    ],
    { input: MESSAGE },
  );
}

export const MSMTP: MailClient = {
  name: 'msmtp',
  peers: ['msmtp'],
  cannot: { strangers: NO_STRANGERS, chunked: NO_BDAT },
  deliver: ({ mode, version, port, ca, identity, login }) =>
    run(
      'msmtp',
      [
        ...['--host=127.0.0.1', `--port=${port}`, '--tls=on', `--tls-starttls=${mode === 'starttls' ? 'on' : 'off'}`],
        ...[`--tls-trust-file=${ca}`, '--tls-host-override=mx.test'],
        `--tls-priorities=NORMAL:-VERS-ALL:+VERS-TLS1.${version.at(-1)}`,
        ...(identity === null ? [] : [`--tls-cert-file=${identity}`, `--tls-key-file=${identity}`]),
        ...(login === null
          ? ['--auth=off']
          : [`--auth=${login.mechanism.toLowerCase()}`, '--user=tim', `--passwordeval=echo ${login.password}`]),
        ...['--domain=client.test', '--from=alice@x.test', '--debug', '--', 'bob@y.test', 'carol@y.test'],
      ],
      { input: MESSAGE },
    ),
  success: /<-- 250 2\.0\.0 Message accepted/,
  inGroups: /--> MAIL FROM:.*\r\n--> RCPT TO:.*\r\n--> RCPT TO:.*\r\n--> DATA\r\n/,
  distrust: /msmtp: TLS certificate verification failed/,
  wrong: /msmtp: authentication failed \(method [A-Z]+\)/,
  leaves: GONE,
};

const SMTPLIB = `
import smtplib, ssl, sys
mode, version, port, ca, identity, mechanism, password = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
context.minimum_version = context.maximum_version = ssl.TLSVersion[version.replace('.', '_')]
if identity:
    context.load_cert_chain(identity)
if mode == 'on-connect':
    smtp = smtplib.SMTP_SSL('localhost', int(port), local_hostname='client.test', context=context)
else:
    smtp = smtplib.SMTP('localhost', int(port), local_hostname='client.test')
    smtp.starttls(context=context)
if mechanism:
    smtp.ehlo()
    smtp.user, smtp.password = 'tim', password
    smtp.auth(mechanism, (lambda challenge=None: 'tim') if mechanism == 'EXTERNAL' else getattr(smtp, 'auth_' + mechanism.lower()))
refused = smtp.sendmail('alice@x.test', ['bob@y.test', 'carol@y.test'], sys.stdin.buffer.read())
print(refused, *smtp.quit())
`;

export const PYTHON: MailClient = {
  name: 'smtplib of Python',
  peers: ['python3'],
  cannot: { pipelined: NO_GROUPS, chunked: NO_BDAT },
  deliver: ({ mode, version, port, ca, identity, login }) =>
    run(
      'python3',
      ['-c', SMTPLIB, mode, version, String(port), ca, identity ?? '', login?.mechanism ?? '', login?.password ?? ''],
      { input: MESSAGE },
    ),
  success: /^\{\} 221 b'2\.0\.0 Bye'$/m,
  distrust: /ssl\.SSLCertVerificationError/,
  wrong: /SMTPAuthenticationError: \(535/,
  leaves: ALERT,
  sni: 'localhost',
};

export const SWAKS: MailClient = {
  name: 'swaks',
  peers: ['swaks'],
  cannot: { EXTERNAL: 'knows PLAIN, LOGIN, CRAM-MD5, DIGEST-MD5 and NTLM', chunked: NO_BDAT },
  deliver: ({ mode, version, port, ca, identity, login, pipelined }) =>
    run(
      'swaks',
      [
        ...['--server', '127.0.0.1', '--port', String(port), mode === 'starttls' ? '--tls' : '--tlsc'],
        ...['--tls-verify', '--tls-ca-path', ca, '--tls-sni', 'mx.test'],
        ...['--tls-protocol', version.toLowerCase().replace('.', '_')],
        ...(identity === null ? [] : ['--tls-cert', identity, '--tls-key', identity]),
        ...(login === null ? [] : ['--auth', login.mechanism, '--auth-user', 'tim', '--auth-password', login.password]),
        ...(pipelined ? ['--pipeline'] : []),
        ...['--helo', 'client.test', '--from', 'alice@x.test', '--to', 'bob@y.test,carol@y.test', '--data', '-'],
      ],
      { input: MESSAGE.slice(0, -2) }, // it adds an end of line of its own
    ),
  success: /<~ {2}250 2\.0\.0 Message accepted/,
  inGroups: /~> MAIL FROM:.*\n ~> RCPT TO:.*\n ~> RCPT TO:.*\n ~> DATA\n/,
  distrust: /\*\*\* TLS startup failed|certificate verify failed/,
  wrong: /<~\* 535 5\.7\.8 [\s\S]*\*\*\* No authentication type succeeded/,
  leaves: ALERT,
};

export const NODEMAILER: MailClient = {
  name: 'nodemailer',
  peers: [],
  cannot: { EXTERNAL: 'knows PLAIN, LOGIN, CRAM-MD5 and XOAUTH2', chunked: NO_BDAT },
  deliver: async ({ mode, version, port, ca, identity, login }: Visit) => {
    const said: string[] = [];
    const note = (entry: { readonly tnx?: string }, text: string): number => said.push(`${entry.tnx} ${text}`);
    const logger = { level: () => {}, trace: note, debug: note, info: note, warn: note, error: note, fatal: note };
    const pem = identity === null ? null : await readFile(identity, 'utf8');
    const transport = createTransport({
      ...{ host: '127.0.0.1', port, name: 'client.test', logger, debug: true },
      ...(mode === 'starttls' ? { requireTLS: true } : { secure: true }),
      ...(login !== null && { auth: { user: 'tim', pass: login.password }, authMethod: login.mechanism }),
      tls: {
        ...{ ca: await readFile(ca, 'utf8'), servername: 'mx.test', minVersion: version, maxVersion: version },
        ...(pem !== null && { cert: pem, key: pem }),
      },
    });
    try {
      const envelope = { from: 'alice@x.test', to: ['bob@y.test', 'carol@y.test'] };
      const { response } = await transport.sendMail({ envelope, raw: MESSAGE });
      return { code: 0, printed: [...said, response].join('\n') };
    } catch (error) {
      return { code: 1, printed: [...said, String(error)].join('\n') };
    } finally {
      transport.close();
    }
  },
  success: /^250 2\.0\.0 Message accepted$/m,
  inGroups: /client MAIL FROM:.*\nclient RCPT TO:.*\nclient RCPT TO:.*\nclient DATA\n/,
  distrust: /unable to verify|self-signed certificate|unable to get/,
  wrong: /535 5\.7\.8/,
  ends: ['the client closed the connection'],
  leaves: GONE,
};
