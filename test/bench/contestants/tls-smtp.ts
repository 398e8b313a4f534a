import { SmtpServer } from '../../../src/server/index.js';
import type { Contestant, ContestantSettings } from './contestant.js';

/**
 * Ours, as an application would set it up.
 * @param resumable - every client may end TLS and go on in clear
 */
export async function startOurs({ identity, load }: ContestantSettings, resumable: boolean): Promise<Contestant> {
  let messages = 0;
  let octets = 0;
  // A small message is taken whole, a large one piece by piece.
  const whole = load.kind === 'messages' && load.body === 'small';
  const server = new SmtpServer({
    hostname: 'mx.test',
    tls: { certificate: identity.cert, privateKey: identity.key, ...(resumable && { resumeClearHosts: '*' }) },
    limits: { maxConnections: 10_000, maxHandshakes: 10_000 },
    onMessage: async (message) => {
      if (whole) {
        const bytes = await message.bytes();
        octets += bytes.length;
      } else for await (const slice of message) octets += slice.length;
      messages++;
    },
  });
  server.on('tlsError', (error) => console.error(error.message));
  server.on('warning', (warning) => console.error(warning));
  const { port } = await server.listen({ port: 0, host: '127.0.0.1' });
  return { port, taken: () => ({ messages, octets }) };
}
