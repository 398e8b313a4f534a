// Mail for this domain is taken from everybody; relaying is for those whose certificate verifies.
// With no arguments it makes itself an authority, and writes a certificate for a client into a folder.
//   node examples/relay-with-certificate.js [/etc/mail/cert.pem /etc/mail/key.pem /etc/mail/clients-ca.pem]
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acl, reject, SmtpServer } from 'tls-smtp';
import { TestAuthority } from 'tls-smtp/testing';

const [certificate, privateKey, verifyCertificates] = process.argv.slice(2);
const tls = certificate ? { certificate, privateKey, verifyCertificates } : await testCredentials();

const local = ({ address }) => address.address.toLowerCase().endsWith('@localhost');

const server = new SmtpServer({
  hostname: 'localhost',
  tls: { ...tls, tryVerifyHosts: '*' }, // everybody is asked for a certificate, nobody must have one
  acl: {
    rcpt: [
      acl.accept(local),
      acl.deny(acl.not(acl.encrypted('*')), reject(530, '5.7.0', 'Must issue a STARTTLS command first')),
      acl.accept(acl.certificateVerified()),
      acl.deny(undefined, reject(550, '5.7.1', 'Relaying is for those with a certificate')),
    ],
  },
  async onMessage(message, session) {
    const body = await message.bytes();
    const to = message.envelope.rcptTo.map(({ address }) => address);
    console.log(`${body.length} octets for ${to}, certificate: ${session.tls?.certificate ?? 'no TLS'}`);
  },
});
server.on('tlsError', (error, session) => console.error(`${session.peer.address}: ${error.message}`));

const { port } = await server.listen({ port: 0, host: '127.0.0.1' });
console.log(`STARTTLS on ${port}`);
process.once('SIGTERM', () => server.close());
process.once('SIGINT', () => server.close());

async function testCredentials() {
  const authority = await TestAuthority.create();
  const { cert, key } = await authority.issue({ name: 'localhost' });
  const client = await authority.issue({ name: 'client.test', kind: 'client' });
  const folder = await mkdtemp(join(tmpdir(), 'relay-'));
  await writeFile(join(folder, 'client.pem'), `${client.cert}${client.key}`, { mode: 0o600 });
  await writeFile(join(folder, 'ca.pem'), authority.ca);
  console.log(`client.pem and ca.pem are in ${folder}`);
  return { certificate: cert, privateKey: key, verifyCertificates: authority.ca };
}
