import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createSecureContext, createServer as createTlsServer, TLSSocket } from 'node:tls';
import type { IssuedCertificate } from '../../../src/testing/authority.js';
import { CLEAR, dialogueOf, type Exchange } from '../dialogue.js';
import type { Contestant, ContestantSettings } from './contestant.js';

/** So many octets in, then these octets out. */
interface Step {
  readonly octets: number;
  readonly reply: Buffer;
  /** Close behind the reply. */
  readonly last: boolean;
}

/** Runs the steps in order; behind the last it goes on at `again`. */
interface Script {
  readonly steps: readonly Step[];
  readonly again: number;
}

/** As long as those of a real server. */
const WORDS: Readonly<Record<number, string>> = {
  220: '220 2.0.0 Ready\r\n',
  221: '221 2.0.0 Bye\r\n',
  250: '250 2.1.0 Sender OK\r\n',
  354: '354 End data with <CRLF>.<CRLF>\r\n',
};
const BANNER = Buffer.from('220 mx.test ESMTP\r\n');
const EHLO_REPLY = Buffer.from(
  '250-mx.test\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 STARTTLS\r\n',
);

/**
 * The physical limit: Node's TLS that moves the bytes and knows no SMTP. What the client will send is known, so it
 * counts octets and answers when so many have come.
 *
 * @param way - `engine`: a `tls.Server`, as an application would use it; `bare`: a `TLSSocket` and nothing around it
 */
export async function startRaw({ identity, load }: ContestantSettings, way: 'engine' | 'bare'): Promise<Contestant> {
  const { opening, cycle } = dialogueOf(load);
  const inside: Script = { steps: [...opening, ...cycle].map(step), again: opening.length };
  const clear: Script = { steps: [step(CLEAR.ehlo), step(CLEAR.starttls)], again: 0 };
  const serve = (socket: Socket): void => {
    socket.on('error', () => socket.destroy());
    follow(socket, inside);
  };
  const upgrade = way === 'engine' ? engine(identity, serve) : bare(identity, serve);
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.write(BANNER);
    follow(socket, clear, upgrade);
  });
  server.listen(0, '127.0.0.1', 1_024);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, taken: () => null };
}

function engine({ cert, key }: IssuedCertificate, serve: (socket: Socket) => void): (socket: Socket) => void {
  const server = createTlsServer({ cert, key }, serve);
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return (socket) => server.emit('connection', socket);
}

function bare({ cert, key }: IssuedCertificate, serve: (socket: Socket) => void): (socket: Socket) => void {
  const secureContext = createSecureContext({ cert, key });
  return (socket) => serve(new TLSSocket(socket, { isServer: true, secureContext }));
}

/** @param whenDone - given: the script runs once, and the socket is handed on behind its last reply */
function follow(socket: Socket, { steps, again }: Script, whenDone?: (socket: Socket) => void): void {
  let at = 0;
  let octets = 0;
  const onData = (chunk: Buffer): void => {
    octets += chunk.length;
    for (let step = steps[at]; step !== undefined && octets >= step.octets; step = steps[at]) {
      octets -= step.octets;
      at++;
      if (step.last) return void socket.end(step.reply);
      socket.write(step.reply);
      if (at < steps.length) continue;
      at = again;
      if (whenDone === undefined) continue;
      socket.off('data', onData);
      return whenDone(socket);
    }
  };
  socket.on('data', onData);
}

function step({ send, codes }: Exchange): Step {
  const reply = send === CLEAR.ehlo.send ? EHLO_REPLY : Buffer.from(codes.map((code) => WORDS[code] ?? '').join(''));
  return { octets: send.length, reply, last: codes.includes(221) };
}
