#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { SmtpTransport } from '../client/index.js';
import { TlsSmtpError } from '../errors.js';
import { printable } from '../inspect/printable.js';
import { type IncomingMessage, SmtpServer, type SmtpSession } from '../server/index.js';
import { TestAuthority } from '../testing/index.js';
import { Paint, withDialogue } from './dialogue-printer.js';

const USAGE = `npm start -- [--port N] [--tls-port N] [--host ADDRESS] [--once]

Starts a mail listener with a fresh self-signed certificate, sends itself one message over STARTTLS,
shows the dialogue, and stays until Ctrl-C, printing each message that other clients deliver.

  --port N       STARTTLS port         (default 2525; 0 takes a free one)
  --tls-port N   TLS-on-connect port   (default 4650; 0 takes a free one)
  --host ADDR    where to listen       (default 127.0.0.1)
  --once         end after the first message
`;

const paint = new Paint(process.stdout);
const print = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '2525' },
      'tls-port': { type: 'string', default: '4650' },
      host: { type: 'string', default: '127.0.0.1' },
      once: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return print(USAGE);
  const { host } = values;

  const authority = await TestAuthority.create();
  const { cert, key } = await authority.issue({ names: ['localhost', host], flaw: 'self-signed' });
  const server = new SmtpServer({
    hostname: 'localhost',
    tls: { certificate: cert, privateKey: key },
    onMessage: showMessage,
  });
  server.on('tlsError', (error) => print(`  ${error.message}`));
  const starttls = await server.listen({ host, port: portNumber('--port', values.port) });
  const onConnect = await server.listen({
    host,
    port: portNumber('--tls-port', values['tls-port']),
    tlsOnConnect: true,
  });
  print(paint.bold('tls-smtp listens'));
  print(`  STARTTLS        ${host}:${starttls.port}`);
  print(`  TLS-on-connect  ${host}:${onConnect.port}`);
  print('');
  print(paint.bold('One message over STARTTLS, sent by the transport of this library'));

  const transport = new SmtpTransport({ name: 'demo.localhost', tls: { verifyCertificates: cert } });
  const result = await withDialogue(paint, print, () =>
    transport.deliver({
      hosts: [{ host: 'localhost', address: host, port: starttls.port }],
      envelope: { from: 'alice@demo.localhost', to: ['bob@localhost'] },
      message: 'From: alice@demo.localhost\nTo: bob@localhost\nSubject: Hello over TLS\n\nIt works.\n',
    }),
  );
  const attempt = result.attempts.at(-1);
  print('');
  print(paint.bold(`Result: ${result.status}${attempt?.error ? ` (${attempt.error.message})` : ''}`));
  if (attempt?.tls) {
    print(`  protocol       ${attempt.tls.protocol}`);
    print(`  cipher         ${attempt.tls.cipher}`);
    print(`  key exchange   ${attempt.tls.keyExchangeGroup ?? 'not known'}`);
    print(`  certificate    ${attempt.tls.certificate} (${attempt.tls.peerDn})`);
  }
  if (values.once || result.status !== 'delivered') {
    await server.close();
    process.exitCode = result.status === 'delivered' ? 0 : 1;
    return;
  }
  print('');
  print(`Try: openssl s_client -starttls smtp -connect ${host}:${starttls.port} -crlf -quiet`);
  print('Waiting for messages; Ctrl-C ends.');
  process.once('SIGINT', () => void server.close());
  process.once('SIGTERM', () => void server.close());
}

async function showMessage(message: IncomingMessage, session: SmtpSession): Promise<string> {
  const received = message.receivedHeader();
  const body = await message.bytes();
  const to = message.envelope.rcptTo.map((one) => one.address).join(', ');
  print('');
  print(
    paint.bold(`Received ${body.length} octets from <${printable(message.envelope.mailFrom.address, 100)}> to <${to}>`),
  );
  for (const line of received.trimEnd().split('\r\n\t')) print(`  ${paint.green(line)}`);
  print(`  ${session.transmissionType}, ${session.tls ? session.tls.cipher : 'in clear'}`);
  for (const line of body.toString('utf8').split('\r\n').slice(0, 12))
    print(`  ${paint.dim('|')} ${printable(line, 120)}`);
  print('');
  return `queued as ${session.id}`;
}

function portNumber(flag: string, text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535 || text.trim() === '') {
    throw new TypeError(`${flag} takes a port number, not '${text}'`);
  }
  return port;
}

main().catch((error: unknown) => {
  const inUse = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
  const told =
    error instanceof TlsSmtpError || error instanceof TypeError || error instanceof Error
      ? error.message
      : String(error);
  process.stderr.write(
    `${told}${inUse ? '\nChoose other ports with --port and --tls-port (0 takes a free one).' : ''}\n`,
  );
  process.exitCode = 1;
});
