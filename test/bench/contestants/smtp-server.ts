import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import type { Contestant, ContestantSettings } from './contestant.js';

/** The peer that users compare us with. It does the same for each message; what it does beyond that is switched off. */
export async function startSmtpServer({ identity, load }: ContestantSettings): Promise<Contestant> {
  let messages = 0;
  let octets = 0;
  const whole = load.kind === 'messages' && load.body === 'small';
  const smtp = new SMTPServer({
    name: 'mx.test',
    cert: identity.cert,
    key: identity.key,
    authOptional: true,
    disabledCommands: ['AUTH'],
    disableReverseLookup: true,
    logger: false,
    onData(stream, _session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => {
        if (whole) chunks.push(chunk);
        else octets += chunk.length;
      });
      stream.on('end', () => {
        if (whole) octets += Buffer.concat(chunks).length;
        messages++;
        done();
      });
    },
  });
  smtp.on('error', (error: Error) => console.error(error.message));
  const listener = smtp.listen(0, '127.0.0.1', 1_024);
  await once(listener, 'listening');
  return { port: (listener.address() as AddressInfo).port, taken: () => ({ messages, octets }) };
}
