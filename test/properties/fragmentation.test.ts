import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { connect as connectTls, createServer as createTlsServer, type Server } from 'node:tls';
import fc from 'fast-check';
import { SmtpServer } from '../../src/server/index.js';
import { type Cuts, type Delay, memoryWire, UNCUT } from '../support/memory-wire.js';
import { eventually, within } from '../support/raw-client.js';
import { testIdentity } from '../support/with-server.js';

const READY = '220 2.0.0 Ready to start TLS\r\n';

/** How a connection is made: the client talks in clear, inside TLS from the start, or first the one and then the other. */
type Mode = 'clear' | 'on-connect' | 'starttls';

/** What came of one dialogue: all that must not depend on how its octets were cut. */
interface Outcome {
  readonly clear: string;
  readonly inside: string;
  readonly seen: readonly string[];
}

/** Whoever serves a connection; `seen` gets what handlers were told. */
interface Served {
  accept(socket: Duplex, tlsOnConnect: boolean, seen: string[]): void;
}

/** Ours. A handler that takes its time stands in the way of every second command. */
async function ours(limits: { readonly maxErrors: number; readonly maxIdleCommands: number }): Promise<Served> {
  const { issued } = await testIdentity();
  const logs = new WeakMap<object, string[]>();
  let turn = 0;
  const note = (session: { readonly peer: object; readonly tls: unknown }, what: string): Promise<void> | undefined => {
    logs.get(session.peer)?.push(`${session.tls === null ? 'clear' : 'inside'} ${what}`);
    return turn++ % 2 === 0 ? new Promise((resolve) => setImmediate(resolve)) : undefined;
  };
  const server = new SmtpServer({
    hostname: 'mx.test',
    limits,
    tls: { certificate: issued.cert, privateKey: issued.key },
    onHelo: (name, session) => note(session, `EHLO ${name}`),
    onMailFrom: ({ address }, session) => note(session, `MAIL ${address}`),
    onRcptTo: ({ address }, session) => note(session, `RCPT ${address}`),
    onMessage: async (message, session) => {
      const body = await message.bytes();
      void note(session, `message ${body.toString('latin1')}`);
    },
  });
  await server.ready();
  return {
    accept: (socket, tlsOnConnect, seen) => {
      const { peer } = server.accept(socket, { tlsOnConnect });
      logs.set(peer, seen);
    },
  };
}

/** Says `before` in clear and `inside` within TLS, and reads until the server closes. */
async function talk(served: Served, mode: Mode, before: string, inside: string, cuts: Cuts): Promise<Outcome> {
  const { authority } = await testIdentity();
  const { client, server } = memoryWire(cuts);
  const seen: string[] = [];
  let clear = '';
  let secret = '';
  served.accept(server, mode === 'on-connect', seen);
  const closed = new Promise<void>((resolve) => {
    for (const over of ['end', 'close']) client.once(over, resolve);
  });
  const hearClear = (chunk: Buffer): void => {
    clear += chunk.toString('latin1');
  };
  if (mode !== 'on-connect') {
    client.on('data', hearClear);
    client.write(before, 'latin1');
  }
  if (mode === 'starttls') {
    await eventually('the 220, or the end', () => client.readableEnded || clear.endsWith(READY));
    client.off('data', hearClear);
  }
  if (!client.readableEnded && (mode === 'on-connect' || clear.endsWith(READY))) {
    const tls = connectTls({ socket: client, ca: authority.ca, servername: 'mx.test' });
    tls.on('error', () => {});
    tls.on('data', (chunk: Buffer) => {
      secret += chunk.toString('latin1');
    });
    tls.once('end', () => client.destroy());
    void writeRecords(tls, inside, cuts);
  }
  await within(closed, 'the end');
  client.destroy();
  return { clear, inside: secret, seen };
}

/** One record for each piece: the text is cut by `cuts`, and then its records are, by the wire. */
async function writeRecords(tls: Duplex, text: string, cuts: Cuts): Promise<void> {
  for (let at = 0, index = 0; at < text.length && !tls.destroyed; index++) {
    const octets = cuts[index % cuts.length]?.octets ?? 1;
    const piece = text.slice(at, at + octets);
    await new Promise((resolve) => tls.write(piece, 'latin1', resolve));
    at += octets;
  }
}

const cuts: fc.Arbitrary<Cuts> = fc.array(
  fc.record({
    octets: fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 9 }) }, fc.integer({ min: 1, max: 200 })),
    delay: fc.constantFrom<Delay>('none', 'tick', 'immediate', '5 ms'),
  }),
  { minLength: 1, maxLength: 12 },
);

/** Pieces of a body with all that could be taken for its end. */
const body: fc.Arbitrary<string> = fc
  .array(
    fc.constantFrom('text', '.', '..', '\r\n', '\r\n', '\n', '\r', '\r\n.', '\n.\n', '\0', '\xff', 'x'.repeat(300)),
    {
      maxLength: 12,
    },
  )
  .map((pieces) => `DATA\r\n${pieces.join('')}\r\n.\r\n`);

/** No STARTTLS among them: whether octets had come behind it is what it is answered by (RFC 3207 §6), cut or not. */
const command: fc.Arbitrary<string> = fc.constantFrom(
  'NOOP\r\n',
  'noop  with  text\r\n',
  'EHLO again.test\r\n',
  'MAIL FROM:<a@x.test>\r\n',
  'MAIL FROM:<> SIZE=10 BODY=8BITMIME\r\n',
  'RCPT TO:<b@y.test>\r\n',
  'RCPT TO:<"quoted >"@y.test>\r\n',
  'RSET\r\n',
  'VRFY b\r\n',
  'HELP\r\n',
  'XYZZY\r\n',
  '\r\n',
  'NOOP\n',
  'MAIL FROM:<bare-lf@x.test>\n',
  'NO\0OP\r\n',
  'NOOP\r\r\n',
  'EHLO caf\xe9\r\n',
);

const transaction: fc.Arbitrary<string> = body.map(
  (data) => `MAIL FROM:<c@x.test>\r\nRCPT TO:<d@y.test>\r\nRCPT TO:<e@y.test>\r\n${data}`,
);

/** What a chunk may hold is anything, commands too: octets are counted (RFC 3030 §2). */
const chunk: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('', 'x', '\r\n.\r\n', 'MAIL FROM:<chunk@x.test>\r\nQUIT\r\n', '\0\xff'.repeat(200)),
    fc.boolean(),
  )
  .map(([octets, last]) => `BDAT ${octets.length}${last ? ' LAST' : ''}\r\n${octets}`);

const chunked: fc.Arbitrary<string> = fc
  .array(chunk, { minLength: 1, maxLength: 4 })
  .map((chunks) => `MAIL FROM:<c@x.test>\r\nRCPT TO:<d@y.test>\r\n${chunks.join('')}RSET\r\n`);

const dialogue: fc.Arbitrary<string> = fc
  .array(fc.oneof({ weight: 4, arbitrary: command }, body, chunk, { weight: 2, arbitrary: transaction }, chunked), {
    maxLength: 10,
  })
  .map((parts) => `EHLO client.test\r\n${parts.join('')}`);

/** How a dialogue may end: in QUIT, with or without more behind it, in a line too long, in another protocol. */
const end: fc.Arbitrary<string> = fc.constantFrom(
  'QUIT\r\n',
  'QUIT\r\nMAIL FROM:<behind@x.test>\r\n',
  `NOOP ${'x'.repeat(2_100)}\r\n`,
  'GET / HTTP/1.1\r\n\r\n',
  'BDAT x\r\nRSET\r\n',
);

const LENIENT = await ours({ maxErrors: 1_000, maxIdleCommands: 1_000 });
const STRICT = await ours({ maxErrors: 3, maxIdleCommands: 6 });

/** The same dialogue, whole and cut. */
async function holds(served: Served, mode: Mode, before: string, inside: string, plan: Cuts): Promise<void> {
  const whole = await talk(served, mode, before, inside, UNCUT);
  const cut = await talk(served, mode, before, inside, plan);
  assert.deepEqual(cut, whole);
}

describe('any fragmentation of any dialogue gives the same replies', { timeout: 120_000 }, () => {
  for (const [name, served] of [
    ['with room for errors', LENIENT],
    ['with limits that it meets', STRICT],
  ] as const) {
    it(`in clear, ${name}`, async () => {
      await fc.assert(
        fc.asyncProperty(dialogue, end, cuts, (talked, last, plan) => holds(served, 'clear', talked + last, '', plan)),
        { numRuns: 100 },
      );
    });

    it(`inside TLS from the start, its records cut, ${name}`, async () => {
      await fc.assert(
        fc.asyncProperty(dialogue, end, cuts, (talked, last, plan) =>
          holds(served, 'on-connect', '', talked + last, plan),
        ),
        { numRuns: 40 },
      );
    });

    it(`with STARTTLS in the middle, ${name}`, async () => {
      await fc.assert(
        fc.asyncProperty(dialogue, dialogue, end, cuts, (first, second, last, plan) =>
          holds(served, 'starttls', `${first}EHLO client.test\r\nSTARTTLS\r\n`, second + last, plan),
        ),
        { numRuns: 40 },
      );
    });
  }

  it('negative control: a server that takes each chunk for whole lines is found out', async () => {
    const naive: Served = {
      accept: (socket) => {
        socket.write('220 naive.test\r\n');
        socket.on('data', (chunk: Buffer) => {
          const lines = chunk
            .toString('latin1')
            .split('\r\n')
            .filter((line) => line !== '');
          socket.write(lines.map(() => '250 OK\r\n').join(''));
          if (lines.includes('QUIT')) socket.end();
        });
        socket.on('end', () => socket.end());
        setTimeout(() => socket.destroy(), 200);
      },
    };
    const { failed } = await fc.check(
      fc.asyncProperty(dialogue, cuts, (talked, plan) => holds(naive, 'clear', `${talked}QUIT\r\n`, '', plan)),
      { numRuns: 20, endOnFailure: true },
    );
    assert.equal(failed, true);
  });
});

describe('S02: no fragmentation lets an octet sent in clear run inside TLS', { timeout: 120_000 }, () => {
  const attack = fc.tuple(
    fc.array(fc.constantFrom('NOOP\r\n', 'RSET\r\n', 'MAIL FROM:<a@x.test>\r\n'), { maxLength: 4 }),
    fc.constantFrom('EHLO injected\r\n', 'EHLO injected\r\nMAIL FROM:<injected@x.test>\r\n', 'EHLO inj'),
    cuts,
  );

  async function injected(served: Served, [lines, tail, plan]: [string[], string, Cuts]): Promise<readonly string[]> {
    const before = `EHLO client.test\r\n${lines.join('')}STARTTLS\r\n${tail}`;
    const { seen } = await talk(served, 'starttls', before, 'ected\r\nEHLO inside.test\r\nQUIT\r\n', plan);
    return seen.filter((command) => command.includes('inj'));
  }

  it('nor anywhere else', async () => {
    await fc.assert(
      fc.asyncProperty(attack, async (parts) => {
        assert.deepEqual(await injected(LENIENT, parts), []);
      }),
      { numRuns: 150 },
    );
  });

  it('negative control: a server that gives up the loop between lines runs what was queued inside TLS', async () => {
    const { issued } = await testIdentity();
    const engine = createTlsServer({ key: issued.key, cert: issued.cert });
    const { failed } = await fc.check(
      fc.asyncProperty(attack, async (parts) => {
        assert.deepEqual(await injected(yielding(engine), parts), []);
      }),
      { numRuns: 40, endOnFailure: true },
    );
    assert.equal(failed, true);
  });
});

/** The bug of smtp-server 3.19.22: lines wait in a queue while the loop turns, and the queue outlives the handshake. */
function yielding(engine: Server): Served {
  return {
    accept: (socket, _tlsOnConnect, seen) => {
      let stream = socket;
      let unread = '';
      const queue: string[] = [];
      let inside = false;
      const hear = (chunk: Buffer): void => {
        const lines = (unread + chunk.toString('latin1')).split('\r\n');
        unread = lines.pop() ?? '';
        queue.push(...lines);
      };
      socket.on('data', hear);
      socket.write('220 naive.test\r\n');
      const next = (): void => {
        if (stream.destroyed) return;
        setImmediate(next);
        const line = queue.shift();
        if (line === undefined) return;
        if (line !== 'STARTTLS') {
          seen.push(`${inside ? 'inside' : 'clear'} ${line}`);
          stream.write(line === 'QUIT' ? '221 bye\r\n' : '250 OK\r\n');
          if (line === 'QUIT') stream.end();
          return;
        }
        socket.off('data', hear);
        socket.write(READY);
        engine.once('secureConnection', (secured) => {
          inside = true;
          stream = secured;
          secured.on('data', hear);
          secured.on('error', () => {});
        });
        engine.once('tlsClientError', () => socket.destroy());
        engine.emit('connection', socket);
      };
      next();
      setTimeout(() => stream.destroy(), 1_000);
    },
  };
}
