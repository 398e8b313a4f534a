// A mail listener inside a program. With no arguments it makes itself a test certificate.
//   node examples/mail-listener.js [/etc/mail/cert.pem /etc/mail/key.pem]
import { reject, SmtpServer } from 'tls-smtp';
import { TestAuthority } from 'tls-smtp/testing';

const [certificate, privateKey] = process.argv.slice(2);
const issued = certificate ? null : await (await TestAuthority.create()).issue({ name: 'localhost' });

const server = new SmtpServer({
  hostname: 'localhost',
  tls: { certificate: certificate ?? issued.cert, privateKey: privateKey ?? issued.key },
  onRcptTo(address) {
    if (!address.address.endsWith('@localhost')) throw reject(550, '5.7.1', 'no relaying');
  },
  async onMessage(message, session) {
    const body = await message.bytes();
    console.log(`${message.receivedHeader()}${body}`);
    return `taken as ${session.id}`;
  },
});
server.on('tlsError', (error, session) => console.error(`${session.peer.address}: ${error.message}`));

const { port } = await server.listen({ port: 0, host: '127.0.0.1' });
const secure = await server.listen({ port: 0, host: '127.0.0.1', tlsOnConnect: true });
console.log(`STARTTLS on ${port}, TLS-on-connect on ${secure.port}`);
process.once('SIGTERM', () => server.close());
process.once('SIGINT', () => server.close());
