// A mail listener on all cores. Workers share the port, and a secret from which they make the same session-ticket keys: a
// client that comes back resumes its session, whichever of them it meets.
//   node examples/cluster.js /etc/mail/cert.pem /etc/mail/key.pem [port] [workers]
import cluster from 'node:cluster';
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { SmtpServer } from 'tls-smtp';

const [certificate, privateKey, port = '2525', workers = String(availableParallelism())] = process.argv.slice(2);

if (cluster.isPrimary) {
  // On several machines: one secret for all of them, from wherever their other secrets come.
  const secrets = { TICKET_SECRET: randomBytes(32).toString('base64') };
  let stopping = false;
  for (let count = 0; count < Number(workers); count++) cluster.fork(secrets);
  cluster.on('exit', () => stopping || cluster.fork(secrets));
  process.once('SIGTERM', () => {
    stopping = true;
    for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGTERM');
  });
} else {
  const { TICKET_SECRET: ticketSecret } = process.env;
  const server = new SmtpServer({
    hostname: 'localhost',
    banner: `ESMTP worker ${cluster.worker.id}`,
    tls: { certificate, privateKey, ticketSecret },
    async onMessage(message, session) {
      console.log(
        `${(await message.bytes()).length} octets at worker ${cluster.worker.id} from ${session.peer.address}`,
      );
    },
    onSecure(tls) {
      console.log(`worker ${cluster.worker.id}: ${tls.resumed ? 'resumed' : 'full handshake'}`);
    },
  });
  const { port: listening } = await server.listen({ port: Number(port), host: '127.0.0.1', tlsOnConnect: true });
  console.log(`worker ${cluster.worker.id} listens on ${listening}`);
  process.once('SIGTERM', async () => {
    await server.close();
    process.disconnect();
  });
}
