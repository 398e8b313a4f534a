import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { dirname } from 'node:path';
import type { IssuedCertificate } from '../../src/testing/authority.js';
import { MESSAGE } from './delivery.js';
import { type MailClient, NO_STRANGERS, type Visit } from './mail-client.js';
import { outputOf, type PeerRun, pathOf, run, start } from './peers.js';
import { RawClient, within } from './raw-client.js';
import { type TemporaryFolder, temporaryFolder } from './temporary-folder.js';

/** Exim from its unpacked package, with a spool and a configuration of its own. Root starts it. */
interface Exim extends AsyncDisposable {
  readonly folder: TemporaryFolder;
  /** The main log, as Exim writes it for people. */
  log(): Promise<string>;
  /** The bodies of the messages in its queue, without headers. */
  queuedBodies(): Promise<string[]>;
}

/** Exim with one router, which sends everything to a port on 127.0.0.1 and insists on TLS and a verified certificate. */
export interface EximClient extends Exim {
  /** Takes a message as a local submission and delivers it at once. */
  deliver(message: string, ...to: readonly string[]): Promise<PeerRun>;
}

/** The same, with messages that wait for one connection, between which it ends TLS and starts it anew. */
export interface EximQueue extends Exim {
  /** Takes a message as a local submission and keeps it. */
  queue(message: string, to: string): Promise<PeerRun>;
  /** Delivers all that it has. */
  deliverAll(): Promise<PeerRun>;
}

/** Exim as a server that keeps what it takes in its queue. */
export interface EximServer extends Exim {
  readonly port: number;
  readonly tlsPort: number;
}

export async function eximClient(target: Target): Promise<EximClient> {
  const folder = await temporaryFolder({ 'ca.pem': target.ca, 'client.pem': target.identity ?? '' });
  const configuration = await writeConfiguration(folder, clientConfiguration(folder, target));
  return {
    ...exim(folder),
    deliver: (message, ...to) =>
      run('exim4', ['-C', configuration, '-odi', '-oi', '-f', 'alice@x.test', ...to], { input: message }),
  };
}

export const EXIM: MailClient = {
  name: 'Exim',
  peers: ['exim4'],
  cannot: { strangers: NO_STRANGERS },
  deliver: async (visit) => {
    const ca = await readFile(visit.ca, 'utf8');
    const identity = visit.identity === null ? null : await readFile(visit.identity, 'utf8');
    await using exim = await eximClient({ ...visit, ca, identity });
    const { code, printed } = await exim.deliver(MESSAGE, 'bob@y.test', 'carol@y.test');
    const { length: queued } = await exim.queuedBodies();
    return { code, printed: `${printed}${await exim.log()}queued: ${queued}` };
  },
  success:
    /(?:.* [=-]> \w+@y\.test .* X=TLS1\.[23]:\S+ CV=yes .*C="250 2\.0\.0 Message accepted".*\n){2}.* Completed\n(?:.*\n)*queued: 0$/,
  inGroups: / => bob@y\.test .* L C=/,
  inChunks: / => bob@y\.test .* K C=/,
  distrust: /== bob@y\.test .*certificate verification failed(?:.*\n)*queued: 1$/,
  wrong: /535 5\.7\.8 (?:.*\n)*queued: 1$/,
  // GnuTLS verifies behind the handshake; what it says then may be read together with the end of it.
  leaves:
    /^(?:the connection was lost|TLS handshake: the peer did not accept our certificate) \(ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE\)$/,
  traces: true,
};

/**
 * Exim hands a TCP connection, not its TLS, from the process of one message to that of the next: `hosts_noproxy_tls`. The
 * next one is started by a user who is not root, so the binary is setuid, where that user can enter; and it would not
 * stay root with a configuration that is not listed in a file of the system.
 */
export async function eximQueue(target: Target): Promise<EximQueue> {
  const folder = await temporaryFolder({ 'ca.pem': target.ca });
  const binary = folder.file('exim4');
  await copyFile(pathOf('exim4') ?? '', binary);
  await chmod(binary, 0o4755);
  await chmod(folder.path, 0o755);
  const specific = clientConfiguration(folder, target, 'hosts_noproxy_tls = *');
  const configuration = await writeConfiguration(folder, `remote_max_parallel = 1\n${specific}`, binary);
  const distrust = await trust(configuration);
  return {
    ...exim(folder),
    queue: (message, to) =>
      run('exim4', ['-C', configuration, '-odqs', '-oi', '-f', 'alice@x.test', to], { input: message }),
    deliverAll: () => run('exim4', ['-C', configuration, '-qq']),
    [Symbol.asyncDispose]: async () => {
      await distrust();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Lists a configuration among those with which Exim stays root. @returns what takes it off again */
async function trust(configuration: string): Promise<() => Promise<void>> {
  const before = await readFile(TRUSTED, 'utf8').catch(() => null);
  await mkdir(dirname(TRUSTED), { recursive: true });
  await writeFile(TRUSTED, `${before ?? ''}${configuration}\n`);
  return () => (before === null ? rm(TRUSTED) : writeFile(TRUSTED, before));
}

/** Debian's TRUSTED_CONFIG_LIST. */
const TRUSTED = '/etc/exim4/trusted_configs';

interface Target extends Pick<Visit, 'port' | 'mode' | 'version'>, Partial<Omit<Visit, 'port' | 'mode' | 'version'>> {
  /** The authority to trust, and the certificate to show with its key behind it: in PEM here, no files. */
  readonly ca: string;
  readonly identity?: string | null;
}

function clientConfiguration(folder: TemporaryFolder, target: Target, more = ''): string {
  const { port, mode, version, identity = null, login = null, pipelined = true, chunked = true } = target;
  return `
begin routers
all:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = out
begin transports
out:
  driver = smtp
  port = ${port}
  protocol = ${mode === 'starttls' ? 'smtp' : 'smtps'}
  allow_localhost
  hosts_require_tls = *
  tls_sni = mx.test
  tls_verify_hosts = *
  tls_verify_certificates = ${folder.file('ca.pem')}
  tls_require_ciphers = NORMAL:-VERS-ALL:+VERS-TLS1.${version.at(-1)}
  ${identity === null ? '' : `tls_certificate = ${folder.file('client.pem')}`}
  ${login === null ? '' : 'hosts_require_auth = *'}
  hosts_avoid_pipelining = ${pipelined ? '' : '*'}
  hosts_try_chunking = ${chunked ? '*' : ''}
  ${more}
begin retry
* * F,1h,10m
begin authenticators
${login === null ? '' : authenticator(login)}
`;
}

function authenticator({ mechanism, password }: NonNullable<Visit['login']>): string {
  const send = { PLAIN: `^tim^${password}`, LOGIN: `: tim : ${password}`, EXTERNAL: 'tim' }[mechanism];
  return `
tim:
  driver = ${mechanism === 'EXTERNAL' ? 'external' : 'plaintext'}
  public_name = ${mechanism}
  client_send = ${send}
`;
}

export async function eximServer(issued: IssuedCertificate): Promise<EximServer> {
  const folder = await temporaryFolder({ 'cert.pem': issued.cert, 'key.pem': issued.key });
  const [port, tlsPort] = [await freePort(), await freePort()];
  const configuration = await writeConfiguration(
    folder,
    `
local_interfaces = <; [127.0.0.1]:${port} ; [127.0.0.1]:${tlsPort}
tls_on_connect_ports = ${tlsPort}
tls_certificate = ${folder.file('cert.pem')}
tls_privatekey = ${folder.file('key.pem')}
tls_advertise_hosts = *
acl_smtp_rcpt = accept
queue_only
`,
  );
  const daemon = start('exim4', ['-C', configuration, '-bdf']);
  const output = outputOf(daemon);
  const closed = once(daemon, 'close');
  const stop = async (): Promise<void> => {
    daemon.kill('SIGTERM');
    await within(closed, 'exim4 ends');
    await folder[Symbol.asyncDispose]();
  };
  try {
    await within(Promise.race([answers(tlsPort), closed]), 'exim4 listens');
    if (daemon.exitCode !== null) throw new Error(`exim4 ended: ${output()}`);
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...exim(folder), port, tlsPort, [Symbol.asyncDispose]: stop };
}

function exim(folder: TemporaryFolder): Exim {
  return {
    folder,
    log: () => readFile(folder.file('log/main'), 'utf8'),
    queuedBodies: async () => {
      const names = (await readdir(folder.file('spool/input'))).filter((name) => name.endsWith('-D'));
      const files = names.sort().map((name) => readFile(folder.file(`spool/input/${name}`), 'latin1'));
      return (await Promise.all(files)).map((text) => text.slice(text.indexOf('\n') + 1)); // behind its own name
    },
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
  };
}

/** @returns the path of the configuration: what every Exim here needs, and `specific` behind it */
async function writeConfiguration(
  folder: TemporaryFolder,
  specific: string,
  binary: string | null = pathOf('exim4'),
): Promise<string> {
  const own = [folder.path, folder.file('spool'), folder.file('log')];
  for (const path of own.slice(1)) await mkdir(path);
  const { status, stderr } = spawnSync('chown', ['Debian-exim', ...own], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  const path = folder.file('exim.conf');
  await writeFile(
    path,
    `
exim_path = ${binary}
primary_hostname = client.test
spool_directory = ${folder.file('spool')}
log_file_path = ${folder.file('log')}/%s
log_selector = +pipelining +tls_cipher +tls_certificate_verified +tls_sni +smtp_connection
keep_environment =
${specific}`,
  );
  await chmod(path, 0o644); // a configuration that others could write is refused
  return path;
}

/** A port that was free a moment ago: Exim and haproxy cannot say which they took. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function answers(port: number): Promise<void> {
  while (true) {
    try {
      const client = await RawClient.connect(port);
      client.destroy();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
