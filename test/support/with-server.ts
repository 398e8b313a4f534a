import type { ConnectionOptions } from 'node:tls';
import type { TlsSmtpError } from '../../src/errors.js';
import type { TlsInfo } from '../../src/inspect/tls-info.js';
import type { ServerTlsOptions } from '../../src/net/server-tls-options.js';
import { type IncomingMessage, SmtpServer, type SmtpServerOptions, type SmtpSession } from '../../src/server/index.js';
import { type IssuedCertificate, TestAuthority } from '../../src/testing/authority.js';
import { eventually, RawClient, within } from './raw-client.js';

/** A message that the server's handler has read to its end. */
export interface Delivered {
  readonly body: string;
  readonly mailFrom: string;
  readonly rcptTo: readonly string[];
  readonly transmissionType: string;
  readonly tls: TlsInfo | null;
  readonly received: string;
}

/** What a command's handler saw, and whether TLS was on. */
interface Seen {
  readonly command: string;
  readonly encrypted: boolean;
}

/** A server on two free loopback ports, with all that it said about itself. */
export interface RunningServer extends AsyncDisposable {
  readonly server: SmtpServer;
  readonly port: number;
  readonly tlsPort: number;
  readonly authority: TestAuthority;
  readonly issued: IssuedCertificate;
  /** For `tls.connect`: trusts the server's authority. */
  readonly trust: ConnectionOptions;
  readonly messages: Delivered[];
  /** Of 'tlsError' events, and of the warnings that tell of a failed handler. */
  readonly errors: { readonly code: string; readonly message: string; readonly error: TlsSmtpError }[];
  readonly warnings: string[];
  /** Of each closed connection, in order. */
  readonly reasons: string[];
  /** Each command that reached a handler. */
  readonly seen: Seen[];
  /** Greeted with EHLO, in clear. */
  greeted(): Promise<RawClient>;
  /** Greeted, STARTTLS, handshake done, nothing said inside yet. */
  upgraded(options?: ConnectionOptions): Promise<RawClient>;
  /** Waits until no connection is left. */
  quiet(): Promise<void>;
}

export interface StartOptions extends Omit<SmtpServerOptions, 'tls'> {
  /** On top of the certificate and key. */
  readonly tls?: Partial<ServerTlsOptions>;
}

let shared: Promise<{ authority: TestAuthority; issued: IssuedCertificate }> | null = null;

/** One authority and one certificate for `mx.test` and 127.0.0.1 for a test file: making them takes time. */
export function testIdentity(): Promise<{ authority: TestAuthority; issued: IssuedCertificate }> {
  shared ??= TestAuthority.create().then(async (authority) => {
    return {
      authority,
      issued: await authority.issue({ name: 'mx.test', names: ['mx.test', 'localhost', '127.0.0.1'] }),
    };
  });
  return shared;
}

/** Starts a server; `await using` closes it. Handlers given replace the collecting ones. */
export async function startServer(options: StartOptions = {}): Promise<RunningServer> {
  const { authority, issued } = await testIdentity();
  const messages: Delivered[] = [];
  const errors: RunningServer['errors'] = [];
  const warnings: string[] = [];
  const reasons: string[] = [];
  const seen: Seen[] = [];
  const note = (command: string, session: SmtpSession): void => {
    seen.push({ command, encrypted: session.tls !== null });
  };
  const server = new SmtpServer({
    hostname: 'mx.test',
    onHelo: (name, session) => note(`EHLO ${name}`, session),
    onMailFrom: ({ address }, session) => note(`MAIL ${address}`, session),
    onRcptTo: ({ address }, session) => note(`RCPT ${address}`, session),
    onMessage: async (message, session) => {
      const body = (await message.bytes()).toString('latin1');
      messages.push(delivered(message, session, body));
    },
    ...options,
    tls: { certificate: issued.cert, privateKey: issued.key, ...options.tls },
    onClose: (session, reason) => {
      reasons.push(reason);
      return options.onClose?.(session, reason);
    },
  });
  const noteError = (error: TlsSmtpError): void => {
    errors.push({ code: error.code, message: error.message, error });
  };
  server.on('tlsError', noteError);
  server.on('warning', (warning, error) => (error === undefined ? warnings.push(warning) : noteError(error)));
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  const { port: tlsPort } = await server.listen({ host: '127.0.0.1', port: 0, tlsOnConnect: true });
  const trust: ConnectionOptions = { ca: authority.ca, servername: 'mx.test' };
  return {
    server,
    port,
    tlsPort,
    authority,
    issued,
    trust,
    messages,
    errors,
    warnings,
    reasons,
    seen,
    greeted: () => RawClient.greeted(port),
    upgraded: async (more = {}) => {
      const client = await RawClient.greeted(port);
      await client.starttls({ ...trust, ...more });
      return client;
    },
    quiet: () => eventually('no connection is left', () => server.connections === 0),
    [Symbol.asyncDispose]: () => within(server.close({ drainMs: 50 }), 'close()'),
  };
}

export function delivered(message: IncomingMessage, session: SmtpSession, body: string): Delivered {
  return {
    body,
    mailFrom: message.envelope.mailFrom.address,
    rcptTo: message.envelope.rcptTo.map(({ address }) => address),
    transmissionType: session.transmissionType,
    tls: session.tls,
    received: message.receivedHeader(),
  };
}

/** EHLO, MAIL, RCPT and DATA: the body comes next. */
export async function beginMessage(client: RawClient): Promise<void> {
  await client.ask('EHLO client.test');
  await client.ask('MAIL FROM:<a@x.test>');
  await client.ask('RCPT TO:<b@y.test>');
  await client.ask('DATA');
}

/** A client that has been told 354: the body comes next. */
export async function atData(running: RunningServer): Promise<RawClient> {
  const client = await running.greeted();
  await client.ask('MAIL FROM:<a@x.test>');
  await client.ask('RCPT TO:<b@y.test>');
  const reply = await client.ask('DATA');
  if (!reply.startsWith('354 ')) throw new Error(`DATA was answered ${reply}`);
  return client;
}

/** EHLO, MAIL, RCPT, DATA and a body. @returns the reply behind the final dot */
export async function sendMessage(client: RawClient, body = 'Subject: x\r\n\r\nhello\r\n'): Promise<string> {
  await beginMessage(client);
  await client.send(`${body}.\r\n`);
  return client.reply();
}
