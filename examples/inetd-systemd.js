// A mail listener that opens no port itself: systemd or inetd has, and needs no root for it here.
//   node examples/inetd-systemd.js /etc/mail/cert.pem /etc/mail/key.pem [tls-on-connect]
//
// systemd: a .socket unit with ListenStream=25; its service gets the listening socket, number 3 and on.
// inetd:   smtp stream tcp nowait mail /usr/bin/node node /srv/inetd-systemd.js /etc/mail/cert.pem /etc/mail/key.pem
//          one process for each client, whose connection is number 0. Say nothing on stdout: it is the same connection.
import { Socket } from 'node:net';
import { SmtpServer } from 'tls-smtp';

const [certificate, privateKey, mode] = process.argv.slice(2);
const tlsOnConnect = mode === 'tls-on-connect';

const server = new SmtpServer({
  hostname: 'localhost',
  tls: { certificate, privateKey },
  async onMessage(message, session) {
    const body = await message.bytes();
    console.error(`${body.length} octets from ${session.peer.address}`);
  },
});
server.on('tlsError', (error, session) => console.error(`${session.peer.address}: ${error.message}`));

const { LISTEN_PID, LISTEN_FDS } = process.env;
if (Number(LISTEN_PID) === process.pid) {
  for (let fd = 3; fd < 3 + Number(LISTEN_FDS); fd++) {
    const { port } = await server.listen({ fd, tlsOnConnect });
    console.error(`listening on ${port}`);
  }
  process.once('SIGTERM', () => server.close());
} else {
  await server.ready();
  server.accept(new Socket({ fd: 0, readable: true, writable: true, allowHalfOpen: true }), { tlsOnConnect });
}
