import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  CipherList,
  type CredentialOptions,
  CredentialStore,
  type Delivery,
  type ErrorCode,
  HostList,
  SmtpServer,
  SmtpTransport,
  type SmtpTransportOptions,
  StartTlsServer,
} from '../../src/index.js';
import { TestAuthority } from '../../src/testing/index.js';
import { dhParameters } from './dh-parameters.js';
import { RawClient, within } from './raw-client.js';
import { type ScriptedServer, scriptedServer } from './scripted-server.js';
import { temporaryFolder } from './temporary-folder.js';
import { beginMessage, type RunningServer, type StartOptions, startServer, testIdentity } from './with-server.js';

/**
 * One way to meet each error as a user meets it: by the public API, with real files and sockets. Each gives what was
 * thrown, rejected with or reported. A new code needs a line here: test/conformance/errors.test.ts asks for it.
 */
export const PROVOCATIONS: Readonly<Partial<Record<ErrorCode, () => Promise<unknown>>>> = {
  // configuration
  ERR_TLS_SMTP_OPTION: () => thrown(() => new SmtpServer({ secure: true } as object)),
  ERR_TLS_SMTP_HOST_LIST_SYNTAX: () => thrown(() => HostList.parse('010.0.0.1')),
  ERR_TLS_SMTP_CIPHER_LIST_SYNTAX: () => thrown(() => CipherList.parse('HIGH:!aNULL')),
  ERR_TLS_SMTP_SERVER_CLOSED: async () => {
    const server = new SmtpServer({});
    await server.close();
    return thrown(() => server.listen({ host: '127.0.0.1', port: 0 }));
  },
  ERR_TLS_SMTP_DEPENDENCY_MISSING: withoutOptionalPackages,

  // credentials
  ERR_TLS_SMTP_CREDENTIAL_MISSING: () => checked({}),
  ERR_TLS_SMTP_CREDENTIAL_UNREADABLE: () => checked({ certificate: '/nonexistent/tls-smtp/cert.pem' }),
  ERR_TLS_SMTP_CREDENTIAL_INVALID: async () => {
    await using folder = await temporaryFolder({ 'cert.pem': 'no PEM' });
    return await checked({ certificate: folder.file('cert.pem') });
  },
  ERR_TLS_SMTP_CREDENTIAL_PATH: () =>
    resolved({ certificate: ({ heloName }) => `/etc/mail/${heloName}.pem` }, { heloName: 'client.test' }),
  ERR_TLS_SMTP_KEY_MISMATCH: async () => {
    const { authority, issued } = await testIdentity();
    return checked({ certificate: issued.cert, privateKey: (await authority.issue()).key });
  },
  ERR_TLS_SMTP_KEY_TOO_SMALL: async () => {
    const { issued } = await testIdentity();
    const { pem } = dhParameters(Buffer.alloc(128, 0xff));
    return checked({ certificate: issued.cert, privateKey: issued.key, dhparam: pem });
  },
  ERR_TLS_SMTP_KEY_FILE_EXPOSED: async () => {
    const { issued } = await testIdentity();
    await using folder = await temporaryFolder({ 'both.pem': issued.cert + issued.key });
    await chmod(folder.file('both.pem'), 0o644);
    return await checked({ certificate: folder.file('both.pem'), strictKeyFiles: true });
  },
  ERR_TLS_SMTP_EXPANSION_FAILED: () =>
    resolved({
      certificate: () => {
        throw new Error('the database is gone');
      },
    }),
  ERR_TLS_SMTP_EXPANSION_TIMEOUT: () =>
    resolved({ certificate: () => new Promise<string>(() => {}), expansionTimeoutMs: 20 }),

  // sockets of the program
  ERR_TLS_SMTP_SOCKET_UNUSABLE: () =>
    withSocket(async (socket) => {
      await using server = new SmtpServer({});
      return await thrown(() => server.accept(socket.setEncoding('utf8')));
    }),
  ERR_TLS_SMTP_STARTTLS_OUT_OF_ORDER: () =>
    withSocket(async (socket) => {
      const { issued } = await testIdentity();
      const tls = { certificate: issued.cert, privateKey: issued.key };
      const session = new StartTlsServer({ tls }).session({});
      session.tlsOnConnect(socket).catch(() => {}); // ends when the socket does
      return thrown(() => session.tlsOnConnect(socket));
    }),

  // clients of our server
  ERR_TLS_SMTP_CONNECTION_LIMIT: () =>
    reported({ limits: { maxHandshakes: 1 } }, async (client, running) => {
      await client.ask('STARTTLS');
      await using second = await running.greeted();
      await second.ask('STARTTLS');
    }),
  ERR_TLS_SMTP_PLAINTEXT_AFTER_STARTTLS: () =>
    reported({}, (client) => client.send('STARTTLS\r\nMAIL FROM:<a@x.test>\r\n')),
  ERR_TLS_SMTP_PROXY_HEADER: async () => {
    await using server = new SmtpServer({ onMessage: () => {} });
    const warned = once(server, 'warning');
    const { port } = await server.listen({ host: '127.0.0.1', port: 0, proxyProtocol: '127.0.0.1' });
    await using client = await RawClient.connect(port);
    await client.send('EHLO client.test\r\n');
    return (await warned)[1];
  },
  ERR_TLS_SMTP_HANDSHAKE_FAILED: () =>
    reported({}, async (client) => {
      await client.ask('STARTTLS');
      await client.send('EHLO once more\r\n');
    }),
  ERR_TLS_SMTP_HANDSHAKE_TIMEOUT: () =>
    reported({ tls: { handshakeTimeoutMs: 30 } }, (client) => client.ask('STARTTLS')),
  ERR_TLS_SMTP_HANDLER_FAILED: () =>
    reported({ onMailFrom: () => Promise.reject(new Error('mine')) }, (client) => client.ask('MAIL FROM:<a@x.test>')),
  ERR_TLS_SMTP_HANDLER_TIMEOUT: () =>
    reported({ limits: { handlerTimeoutMs: 30 }, onMailFrom: () => new Promise(() => {}) }, (client) =>
      client.send('MAIL FROM:<a@x.test>\r\n'),
    ),
  ERR_TLS_SMTP_MESSAGE_ALREADY_READ: () => ofReader('x\r\n.\r\n', 'twice'),
  ERR_TLS_SMTP_MESSAGE_INCOMPLETE: () => ofReader('x\r\n', 'once'),

  // servers of our client
  ERR_TLS_SMTP_CONNECT_FAILED: async () => {
    const { port } = await closedServer();
    return ofAttempt([port]);
  },
  ERR_TLS_SMTP_PEER_CLOSED: () => ofServer('220 mx.test\r\n', () => null),
  ERR_TLS_SMTP_TIMEOUT: () => ofServer('', () => undefined),
  ERR_TLS_SMTP_REPLY_MALFORMED: () => ofServer('HTTP/1.1 400 Bad Request\r\n', () => null),
  ERR_TLS_SMTP_REPLY_UNEXPECTED: () => ofServer('554 no service\r\n', () => null),
  ERR_TLS_SMTP_STARTTLS_NOT_OFFERED: () => ofServer('220 mx.test\r\n', () => '250 mx.test\r\n'),
  ERR_TLS_SMTP_VERIFICATION_FAILED: async () => {
    const { ca } = await TestAuthority.create({ name: 'another' });
    await using running = await startServer();
    return await ofAttempt([running.port], { tls: { verifyCertificates: ca } });
  },

  // deliveries of the program
  ERR_TLS_SMTP_ABORTED: () => thrown(() => deliver([1], {}, { signal: AbortSignal.abort() })),
  ERR_TLS_SMTP_MESSAGE_SOURCE: async () => {
    await using running = await startServer();
    const message = Readable.from(
      (async function* () {
        yield Buffer.from('Subject: x\r\n');
        throw new Error('the disk is gone');
      })(),
    );
    return await thrown(() => deliver([running.port], {}, { message }));
  },
  ERR_TLS_SMTP_MESSAGE_NOT_REPLAYABLE: async () => {
    await using busy = await startServer({ onMessage: () => Promise.reject(new Error('mine')) });
    await using idle = await startServer();
    return await ofAttempt([busy.port, idle.port], {}, { message: Readable.from([Buffer.from('x')]) });
  },
};

async function thrown(act: () => unknown): Promise<unknown> {
  try {
    await act();
  } catch (error) {
    return error;
  }
  return new Error('nothing was thrown');
}

function checked(options: CredentialOptions): Promise<unknown> {
  return thrown(() => new CredentialStore(options).check());
}

function resolved(options: CredentialOptions, connection = {}): Promise<unknown> {
  return thrown(() => new CredentialStore(options).resolve(connection));
}

/** @returns the first error that a server tells its operator, while a client does something behind its EHLO */
async function reported(
  options: StartOptions,
  act: (client: RawClient, running: RunningServer) => Promise<unknown>,
): Promise<unknown> {
  await using running = await startServer(options);
  const told = new Promise<unknown>((resolve) => {
    running.server.on('tlsError', resolve);
    running.server.on('warning', (_message, error) => resolve(error));
  });
  await using client = await running.greeted();
  await act(client, running);
  return await within(told, 'an event of the server');
}

/** @returns what the reader of a message is told */
async function ofReader(body: string, times: 'once' | 'twice'): Promise<unknown> {
  let tell: (error: unknown) => void = () => {};
  const told = new Promise<unknown>((resolve) => {
    tell = resolve;
  });
  const onMessage: StartOptions['onMessage'] = async (message) => {
    try {
      await message.bytes();
      if (times === 'twice') await message.bytes();
    } catch (error) {
      tell(error);
    }
  };
  await using running = await startServer({ onMessage });
  await using client = await RawClient.connect(running.port);
  await client.reply();
  await beginMessage(client);
  await client.send(body);
  if (times === 'once') client.destroy();
  return await within(told, 'the reader');
}

/** @returns why the last attempt at a delivery ended early */
async function ofAttempt(
  ports: readonly number[],
  options: SmtpTransportOptions = {},
  delivery: Partial<Delivery> = {},
): Promise<unknown> {
  return (await deliver(ports, options, delivery)).attempts.at(-1)?.error;
}

async function ofServer(...script: Parameters<typeof scriptedServer>): Promise<unknown> {
  await using server: ScriptedServer = await scriptedServer(...script);
  return await ofAttempt([server.port], { timeouts: { greetingMs: 50 } });
}

function deliver(ports: readonly number[], options: SmtpTransportOptions, delivery: Partial<Delivery>) {
  return new SmtpTransport(options).deliver({
    hosts: ports.map((port) => ({ host: 'mx.test', address: '127.0.0.1', port })),
    envelope: { from: 'a@x.test', to: ['b@y.test'] },
    message: 'Subject: x\r\n\r\nx\r\n',
    ...delivery,
  });
}

/** Accepts one connection on loopback. */
async function withSocket(act: (socket: Socket) => Promise<unknown>): Promise<unknown> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = connect((listener.address() as AddressInfo).port, '127.0.0.1').on('error', () => {});
  const [socket] = (await once(listener, 'connection')) as [Socket];
  listener.close();
  try {
    return await act(socket);
  } finally {
    socket.destroy();
    client.destroy();
  }
}

async function closedServer(): Promise<{ readonly port: number }> {
  await using server = await scriptedServer('', () => null);
  return { port: server.port };
}

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));
const run = promisify(execFile);

/** What a program says that installed our dependencies and no optional package. */
async function withoutOptionalPackages(): Promise<unknown> {
  await using folder = await temporaryFolder({ 'package.json': '{"type":"module"}' });
  await cp(SRC, folder.file('src'), { recursive: true });
  for (const name of ['debug', 'ipaddr.js', 'micromatch', 'tslib']) {
    await mkdir(folder.file('node_modules'), { recursive: true });
    const manifest = fileURLToPath(import.meta.resolve(`${name}/package.json`));
    await symlink(dirname(manifest), join(folder.path, 'node_modules', name));
  }
  await writeFile(
    folder.file('main.js'),
    `import { TestAuthority, TlsSmtpError } from './src/testing/index.js';
     const error = await TestAuthority.create().catch((error) => error);
     const { name, code, phase, fault, temporary, message } = error;
     if (error instanceof TlsSmtpError) console.log(JSON.stringify({ name, code, phase, fault, temporary, message }));`,
  );
  const { stdout } = await run(process.execPath, ['main.js'], { cwd: folder.path });
  return JSON.parse(stdout);
}
