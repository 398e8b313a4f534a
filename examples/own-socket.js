// STARTTLS for a server that is yours: your sockets, your parser, your commands; only the TLS part is the library's.
// Run it with a certificate and key (PEM files, absolute paths):
//   node examples/own-socket.js /etc/mail/cert.pem /etc/mail/key.pem 2525
import net from 'node:net';
import { formatReply, peerOf, StartTlsServer } from 'tls-smtp/starttls';

const [certificate = '', privateKey = '', port = '2525'] = process.argv.slice(2);
const starttls = new StartTlsServer({ tls: { certificate, privateKey } });
starttls.on('tlsError', (error, peer) => console.error(`${peer.address}: ${error.message}`));
await starttls.ready(); // a bad file is an error here, not at the first STARTTLS

const listener = net.createServer((raw) => {
  serve(raw, starttls.session(peerOf(raw)), null);
  raw.write('220 mine.test ESMTP\r\n');
});
listener.listen(Number(port), '127.0.0.1', () => console.log(`listening on ${listener.address().port}`));

/** One reader for one stream; the secured stream gets a new one, with an empty buffer. */
function serve(socket, session, tls) {
  let buffer = Buffer.alloc(0);
  let busy = false;
  socket.on('error', () => socket.destroy());
  socket.on('data', onData);

  async function onData(chunk) {
    buffer = Buffer.concat([buffer, chunk]);
    if (busy) return; // commands run one after the other; what came meanwhile waits in the buffer, where it is counted
    busy = true;
    for (let end = buffer.indexOf('\r\n'); end !== -1 && !socket.destroyed; end = buffer.indexOf('\r\n')) {
      const [verb = '', ...args] = buffer.toString('latin1', 0, end).split(' ');
      buffer = buffer.subarray(end + 2);
      if (verb.toUpperCase() !== 'STARTTLS') {
        await answer(socket, session, tls, verb.toUpperCase(), args.join(' '));
        continue;
      }
      socket.off('data', onData); // in this very tick, and the bytes behind the command are handed over
      const result = await session.starttls(socket, { args: args.join(' '), unread: buffer }).catch(() => null);
      if (result === null) return socket.destroy(); // the handshake failed, and 'tlsError' has told why
      if (result.kind === 'secured') return serve(result.socket, session, result.tls);
      if (result.then === 'closed') return;
      socket.on('data', onData).resume(); // refused, the reply has been sent: go on in clear
    }
    busy = false;
    if (buffer.length > 2048) socket.end('500 line too long\r\n');
  }
}

async function answer(socket, session, tls, verb, args) {
  const refusal = session.gate(`${verb} ${args}`); // the 554 of a client that is locked out
  const lines = [tls ? `you use ${tls.cipher}` : 'you are in clear'];
  if (refusal) socket.write(formatReply(refusal));
  else if (verb === 'EHLO')
    socket.write(formatReply({ code: 250, lines: ['mine.test', ...(await session.ehlo(args))] }));
  else if (verb === 'NOOP') socket.write(formatReply({ code: 250, lines }));
  else if (verb === 'QUIT') socket.end('221 bye\r\n');
  else socket.write('502 not implemented here\r\n');
}
