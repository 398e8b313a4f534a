// Cipher rules on a TLS server of your own: whoever comes with a weaker suite is logged and sent away.
// Run it with a certificate and key (PEM files), a list of suites in Exim's syntax, and a port:
//   node examples/cipher-rules.js /etc/mail/cert.pem /etc/mail/key.pem '!*-SHA : *_SHA384 : *_SHA256' 4650
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { CipherList, TlsInfo } from 'tls-smtp/inspect';

const [cert = '', key = '', list = '*', port = '4650'] = process.argv.slice(2);
const allowed = CipherList.parse(list); // a slip in the list is an error here, with the item that is wrong

const server = tls.createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (socket) => {
  socket.on('error', () => socket.destroy());
  const info = TlsInfo.from(socket);
  const verdict = info.encrypted(allowed) ? 'welcome' : 'refused';
  console.log(`${verdict} ${info.logFields('+tls_sni')}`);
  socket.end(verdict === 'welcome' ? '220 mine.test ESMTP\r\n' : '554 5.7.1 a stronger cipher is needed\r\n');
});
server.listen(Number(port), '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
