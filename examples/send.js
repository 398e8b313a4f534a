// Sends one message file over TLS. It is never sent in clear.
//   node examples/send.js message.eml sender@example.org recipient@example.com mx.example.com[:port] [ca.pem]
// With ca.pem (an absolute path) the server has to prove its name; without it the connection is only encrypted.
import { createReadStream } from 'node:fs';
import { AbortError, MessageSourceError, SmtpTransport } from 'tls-smtp/client';

const [file, from, to, server, verifyCertificates] = process.argv.slice(2);
if (server === undefined) {
  console.error('usage: node examples/send.js message.eml sender recipient server[:port] [ca.pem]');
  process.exit(64);
}
const [, host, port] = /^(.*?)(?::(\d+))?$/.exec(server);

const abort = new AbortController();
process.once('SIGINT', () => abort.abort());

const transport = new SmtpTransport({ ...(verifyCertificates && { tls: { verifyCertificates } }) });
try {
  const result = await transport.deliver({
    hosts: [{ host, ...(port && { port: Number(port) }) }],
    envelope: { from, to: [to] },
    message: () => createReadStream(file), // a function: the file can be read again for a further host
    signal: abort.signal,
  });
  for (const attempt of result.attempts) {
    const tls = attempt.tls ? `${attempt.tls.cipher}, certificate ${attempt.tls.certificate}` : 'no TLS';
    console.log(`${attempt.host} port ${attempt.port}: ${attempt.outcome} (${attempt.error?.message ?? tls})`);
  }
  for (const { address, status, reply } of result.recipients) {
    console.log(`${address}: ${status}${reply ? ` (${reply.code} ${reply.lines.join(' ')})` : ''}`);
  }
  process.exitCode = result.status === 'delivered' ? 0 : 75; // EX_TEMPFAIL
} catch (error) {
  if (!(error instanceof AbortError || error instanceof MessageSourceError)) throw error; // a wrong option, a bad ca.pem
  console.error(`${error.message}: ${error.cause?.message}; by then the message was ${error.result.status}`);
  process.exitCode = 1;
}
