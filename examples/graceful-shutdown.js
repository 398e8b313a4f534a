// Stopping without losing mail: on SIGTERM no new client is let in, idle ones are told 421, and messages under way may
// finish. Whoever is not done by then is cut, and sends again: no 250 has been said.
//   node examples/graceful-shutdown.js /etc/mail/cert.pem /etc/mail/key.pem [port] [drain in ms]
import { setTimeout as sleep } from 'node:timers/promises';
import { SmtpServer } from 'tls-smtp';

const [certificate, privateKey, port = '2525', drainMs = '10000'] = process.argv.slice(2);

const server = new SmtpServer({
  hostname: 'localhost',
  tls: { certificate, privateKey },
  async onMessage(message) {
    const body = await message.bytes();
    await sleep(200); // to a disk, or to a database
    console.log(`${body.length} octets are safe`);
  },
  onClose(_session, reason) {
    console.log(`over: ${reason}`);
  },
});

const { port: listening } = await server.listen({ port: Number(port), host: '127.0.0.1' });
console.log(`listening on ${listening}`);

process.once('SIGTERM', async () => {
  const begun = performance.now();
  console.log(`stopping with ${server.connections} connections`);
  await server.close({ drainMs: Number(drainMs) }); // shorter than your supervisor waits before it kills
  console.log(`closed after ${Math.round(performance.now() - begun)} ms`);
  // No process.exit(): nothing is left that would keep the process.
});
