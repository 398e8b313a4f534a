// One listener, many names: a certificate for each local address, and for each name that a client asks for.
// node examples/per-address-certificates.js <folder> [port]
// The folder holds <local address>.pem and <name>.pem, each with certificate, chain and key; default.pem for all others.

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { perSni } from 'tls-smtp/credentials';
import { SmtpServer } from 'tls-smtp/server';

const [folder = '/etc/mail/certs', port = '2525'] = process.argv.slice(2);
const root = resolve(folder);

const server = new SmtpServer({
  tls: {
    // Called before each handshake, and again with `sni` when the client has named a server. What it answers is a file
    // name here; it is read when it is new or has changed, and otherwise costs next to nothing.
    certificate: perSni(({ localAddress, sni }) => {
      const file = join(root, `${sni ?? localAddress}.pem`);
      if (existsSync(file)) return file;
      return sni === undefined ? join(root, 'default.pem') : undefined; // undefined: the certificate of the address
    }),
    credentialsRoot: root, // `sni` is the client's word: no name leads out of here
    whenUnavailable: 'continue', // a client whose certificate cannot be had goes on in clear
  },
  onMessage: async (message, session) => {
    console.log(`${(await message.bytes()).length} octets, SNI ${session.tls?.sni ?? 'none'}`);
  },
});

server.credentials.on('reloaded', ({ subject }) => console.log(`reloaded: ${subject}`));
server.on('warning', (message) => console.log(`warning: ${message}`));
server.on('tlsError', (error) => console.log(`${error.code}: ${error.message}`));

const address = await server.listen({ host: '127.0.0.1', port: Number(port) });
console.log(`STARTTLS on ${address.port}`);
process.once('SIGTERM', () => void server.close());
