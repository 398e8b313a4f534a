import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { MESSAGE } from './delivery.js';
import type { MailClient, Visit } from './mail-client.js';
import { outputOf, type PeerRun, POSTFIX, run, start } from './peers.js';
import { within } from './raw-client.js';
import { type TemporaryFolder, temporaryFolder } from './temporary-folder.js';

/** What every program of Postfix wants to read before it does anything; the two accounts only have to exist. */
const COMMON = `
compatibility_level = 3.6
myhostname = client.test
inet_protocols = ipv4
mail_owner = games
setgid_group = mail
smtp_dns_support_level = disabled
`;

/** The daemons of a host that only sends, none of them in a chroot; smtp tells its dialogue only with -v. */
function daemons({ pipelined }: Visit): string {
  return `
postlog  unix-dgram n - n - 1 postlogd
pickup   unix n - n 60 1 pickup
cleanup  unix n - n - 0 cleanup
qmgr     unix n - n 300 1 qmgr
tlsmgr   unix - - n 1000? 1 tlsmgr
rewrite  unix - - n - - trivial-rewrite
bounce   unix - - n - 0 bounce
defer    unix - - n - 0 bounce
trace    unix - - n - 0 bounce
retry    unix - - n - - error
proxymap unix - - n - - proxymap
scache   unix - - n - 1 scache
smtp     unix - - n - - smtp${pipelined ? ' -v' : ''}
`;
}

/** Postfix from its unpacked package, with a queue and a configuration of its own, which sends all that it gets to one port. */
interface Postfix extends AsyncDisposable {
  /** Submits a message and waits until each recipient is delivered or deferred. @returns the log, and what waits in the queue */
  deliver(message: string, ...to: readonly string[]): Promise<PeerRun>;
}

/** A folder with a `main.cf`, for a program of Postfix that stands alone. */
export async function postfixFolder(files: Readonly<Record<string, string>>, specific = ''): Promise<TemporaryFolder> {
  const folder = await temporaryFolder({ 'main.cf': COMMON + specific, ...files });
  await utimes(folder.file('main.cf'), 0, 0); // Postfix waits two seconds for a new one, in case somebody still edits it
  return folder;
}

async function postfix(visit: Visit): Promise<Postfix> {
  const folder = await postfixFolder({ 'master.cf': daemons(visit) });
  await chmod(folder.path, 0o755);
  await makeQueue(folder);
  await writeFile(folder.file('main.cf'), COMMON + settings(folder, visit));
  await utimes(folder.file('main.cf'), 0, 0);
  const master = start('master', ['-d', '-c', folder.path], { detached: true, env: { MAIL_CONFIG: folder.path } });
  const output = outputOf(master);
  const closed = once(master, 'close');
  const log = async (): Promise<string> => output() + (await readFile(folder.file('maillog'), 'utf8').catch(() => ''));
  return {
    deliver: async (message, ...to) => {
      const args = ['-C', folder.path, '-i', '-f', 'alice@x.test', ...to];
      const { code, printed } = await run('sendmail', args, {
        input: message.replaceAll('\r\n', '\n'),
        env: { MAIL_CONFIG: folder.path },
      });
      const text = await within(verdicts(log, to.length), 'Postfix delivers or defers', 20_000);
      return { code, printed: printed + text };
    },
    [Symbol.asyncDispose]: async () => {
      master.kill('SIGTERM');
      await within(closed, 'master ends');
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** @returns the log, once it tells of each recipient, and of the end of a message that is delivered */
async function verdicts(log: () => Promise<string>, recipients: number): Promise<string> {
  while (true) {
    const text = await log();
    const told = text.match(/ status=\w+ /g)?.length ?? 0;
    if (told >= recipients && /: removed\n| status=deferred /.test(text)) return text;
    if (text.includes(' fatal: ')) throw new Error(text);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function settings(folder: TemporaryFolder, { mode, version, port, ca, identity, login }: Visit): string {
  const path = 'LD_LIBRARY_PATH MAIL_CONFIG';
  return `
queue_directory = ${folder.file('queue')}
data_directory = ${folder.file('data')}
command_directory = ${POSTFIX}/sbin
daemon_directory = ${POSTFIX}/lib/postfix/sbin
shlib_directory = ${POSTFIX}/lib/postfix
import_environment = ${path} POSTLOG_SERVICE POSTLOG_HOSTNAME
export_environment = ${path}
maillog_file = ${folder.file('maillog')}
maillog_file_prefixes = ${folder.path}
inet_interfaces = 127.0.0.1
mydestination =
alias_maps =
alias_database =
relayhost = [127.0.0.1]:${port}
smtp_tls_security_level = secure
smtp_tls_secure_cert_match = mx.test
smtp_tls_servername = mx.test
smtp_tls_wrappermode = ${mode === 'on-connect' ? 'yes' : 'no'}
smtp_tls_mandatory_protocols = >=${version}, <=${version}
smtp_tls_CAfile = ${ca}
smtp_tls_loglevel = 1
${identity === null ? '' : `smtp_tls_cert_file = ${identity}\nsmtp_tls_key_file = ${identity}`}
${login === null ? '' : authentication(login)}
`;
}

function authentication({ mechanism, password }: NonNullable<Visit['login']>): string {
  return `
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = static:tim:${password}
smtp_sasl_security_options = noanonymous
smtp_sasl_mechanism_filter = ${mechanism.toLowerCase()}
`;
}

/** What `postfix check` makes, and whose it must be. */
async function makeQueue(folder: TemporaryFolder): Promise<void> {
  const own = [
    'active',
    'bounce',
    'corrupt',
    'defer',
    'deferred',
    'flush',
    'hold',
    'incoming',
    'private',
    'saved',
    'trace',
  ];
  const paths = [...own, 'maildrop', 'public'].map((name) => folder.file(`queue/${name}`));
  for (const path of [folder.file('queue'), folder.file('queue/pid'), folder.file('data'), ...paths]) await mkdir(path);
  await chmod(folder.file('queue/maildrop'), 0o730);
  const { status, stderr } = spawnSync('chown', ['games:mail', folder.file('data'), ...paths], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

export const POSTFIX_SMTP: MailClient = {
  name: 'Postfix',
  peers: ['master', 'sendmail'],
  cannot: {
    EXTERNAL: 'tells its SASL library no name from the certificate',
    chunked: 'sends the body with DATA alone',
  },
  deliver: async (visit) => {
    await using sender = await postfix(visit);
    return await sender.deliver(MESSAGE, 'bob@y.test', 'carol@y.test');
  },
  success:
    /Verified TLS connection established to 127\.0\.0\.1\[127\.0\.0\.1\]\S+ TLSv1\.[23] (?:.*\n)*.*: to=<bob@y\.test>, .* status=sent \(250 2\.0\.0 Message accepted\)\n(?:.*\n)*.*: to=<carol@y\.test>, .* status=sent \(250 2\.0\.0 Message accepted\)\n(?:.*\n)*.*: removed/,
  inGroups: / > \S+: MAIL FROM:(?:(?! < \S+: 250 )[\s\S])* > \S+: DATA\n/,
  distrust: /status=deferred \(Server certificate not (?:trusted|verified)\)/,
  wrong: /status=deferred \(SASL authentication failed; .*535 5\.7\.8 /,
  leaves: /^the client said QUIT$/,
  traces: true,
};
