import '../support/debug-lines.js'; // first: it says how the rooms of src are to print when they come to be
import assert from 'node:assert/strict';
import { subscribe } from 'node:diagnostics_channel';
import { after, describe, it } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { SmtpTransport } from '../../src/client/index.js';
import { SmtpServer } from '../../src/server/index.js';
import { debugLines } from '../support/debug-lines.js';
import { clientHello, RawClient } from '../support/raw-client.js';
import { scriptedServer } from '../support/scripted-server.js';
import { testIdentity } from '../support/with-server.js';

/** What ends a line, moves a cursor, or turns the reading direction. */
const HARMFUL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

/** Everything that left the server as text, but for what goes to the client. */
const printed: string[] = [];

const { authority, issued } = await testIdentity();
const server = new SmtpServer({
  hostname: 'mx.test',
  limits: { maxErrors: 1_000, maxCommandOctets: 300, commandTimeoutMs: 60_000 },
  tls: { certificate: issued.cert, privateKey: issued.key },
  onHelo: (name) => print(name),
  onMailFrom: ({ address, parameters }) => print(address, ...Object.entries(parameters).flat().map(String)),
  onRcptTo: ({ address }) => print(address),
  onMessage: async (message, session) => {
    await message.bytes();
    print(message.receivedHeader().replaceAll('\r\n\t', ' ').slice(0, -2)); // folds and end are ours
    print(session.transmissionType, JSON.stringify(session.tls));
  },
  onClose: (session, reason) => print(reason, session.helo ?? ''),
});

function print(...texts: string[]): void {
  printed.push(...texts);
}

server.on('tlsError', (error) => print(error.message, JSON.stringify(error), ...String(error.cause ?? '').split('\n')));
server.on('warning', (warning) => print(warning));
for (const room of ['server', 'starttls', 'client']) {
  subscribe(`tls-smtp:${room}`, (event) => print(inspect(event, { breakLength: Number.POSITIVE_INFINITY })));
}
for (const room of ['server', 'starttls']) subscribe(`tls-smtp:${room}`, (event) => print(...stringsIn(event)));

/** Each string of an event, as whoever listens finds it. */
function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}

function assertHarmless(harmful = HARMFUL): void {
  const texts = [...printed.splice(0), ...debugLines.splice(0)];
  assert.ok(texts.length > 0, 'nothing was printed');
  assert.deepEqual(
    texts.filter((text) => harmful.test(text)),
    [],
  );
}

/** Octets with those among them that do harm somewhere, and UTF-8 of others. */
const odd: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      {
        weight: 2,
        arbitrary: fc.constantFrom('\0', '\x07', '\b', '\t', '\x1b[2J', '\x1b]0;x\x07', '\x7f', '\x85', '\x9b2J'),
      },
      {
        weight: 2,
        arbitrary: fc.constantFrom('\xe2\x80\xae', '\xe2\x80\x8b', '\xe2\x80\xa8', '\xef\xbb\xbf', '\xad', '\xff'),
      },
      {
        weight: 2,
        arbitrary: fc.constantFrom('\r', '\n', '\r\n', '%s', '%o', '\\', '"', '<', '>', '(', ')', '@', ':'),
      },
      { weight: 3, arbitrary: fc.string({ minLength: 1, maxLength: 6 }) },
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((parts) => parts.join(''));

const MARK = 'zqxj';

/** Commands with an odd text in them, marked: whatever of it comes back has the mark. */
const attack: fc.Arbitrary<string> = odd.chain((text) =>
  fc.constantFrom(
    `EHLO ${MARK}${text}`,
    `HELO ${text}${MARK}`,
    `MAIL FROM:<${MARK}${text}@x.test>`,
    `MAIL FROM:<"${MARK}${text}"@x.test>`,
    `MAIL FROM:<a@${MARK}${text}>`,
    `MAIL FROM:<a@x.test> ${MARK}=${text}`,
    `RCPT TO:<${MARK}${text}@y.test>`,
    `${MARK}${text}`,
    `VRFY ${MARK}${text}`,
    `NOOP ${MARK}${text}`,
    `STARTTLS ${MARK}${text}`,
    `QUIT ${MARK}${text}`,
  ),
);

const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
after(() => server.close({ drainMs: 50 }));

describe('S15, S16: a peer’s text', { timeout: 60_000 }, () => {
  it('comes back in no reply, which is printable ASCII, and does no harm wherever it is printed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(attack, { minLength: 1, maxLength: 8 }), async (lines) => {
        await using client = await RawClient.connect(port);
        const envelope = 'RSET\r\nEHLO c.test\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\n';
        await client.send(`EHLO c.test\r\n${lines.join('\r\n')}\r\n${envelope}DATA\r\n\r\nx\r\n.\r\nQUIT\r\n`);
        const { rest } = (await client.untilClosed()).ending;
        const said = rest.toString('latin1');
        assert.match(said, /^(?:\d{3}[ -][\x20-\x7e]*\r\n)+$/);
        assert.ok(!said.toLowerCase().includes(MARK), said);
        assertHarmless();
      }),
      { numRuns: 150 },
    );
  });

  it('does no harm as garbage behind a 220, as a server name, or inside TLS', async () => {
    const hello = await clientHello();
    await fc.assert(
      fc.asyncProperty(odd, fc.nat(), attack, async (text, at, line) => {
        {
          await using client = await RawClient.greeted(port, 'c.test');
          await client.ask('STARTTLS');
          const bent = Buffer.from(hello);
          bent.write(text, at % (hello.length - text.length), 'latin1');
          await client.send(at % 2 === 0 ? bent : text);
          client.finish();
          await client.closed();
        }
        await using client = await RawClient.greeted(port, 'c.test');
        await client.ask('STARTTLS');
        const name = text.replaceAll('\0', '').slice(0, 200);
        await client.upgrade({ ca: authority.ca, servername: name, checkServerIdentity: () => undefined });
        const envelope = 'EHLO c.test\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\nx\r\n.\r\n';
        await client.send(`EHLO c.test\r\n${line}\r\nRSET\r\n${envelope}QUIT\r\n`);
        await client.untilClosed();
        assertHarmless();
      }),
      { numRuns: 60 },
    );
  });

  it('of a server does none in what a transport throws, tells or prints', async () => {
    await fc.assert(
      fc.asyncProperty(odd, fc.nat({ max: 4 }), async (text, step) => {
        let lines = 0;
        await using peer = await scriptedServer(step === 0 ? `220 ${text}\r\n` : '220 mx.test\r\n', () =>
          ++lines === step ? `${['250', '454', '554', '220'][text.length % 4]} ${text}\r\n` : '250 STARTTLS\r\n',
        );
        const transport = new SmtpTransport({
          timeouts: { greetingMs: 300, commandMs: 300, handshakeMs: 300, quitMs: 100 },
        });
        const { attempts } = await transport.deliver({
          hosts: [{ host: 'mx.test', address: '127.0.0.1', port: peer.port }],
          envelope: { from: 'a@x.test', to: ['b@y.test'] },
          message: 'x',
        });
        const errors = attempts.flatMap(({ error }) => error ?? []);
        for (const { message } of errors) assert.doesNotMatch(message, HARMFUL);
        for (const error of errors) print(...inspect(error).split('\n'));
        assertHarmless(/\p{Cc}/u); // a reply is kept as it came; Node's inspect and so `%o` escape controls, no more
      }),
      { numRuns: 40 },
    );
  });

  it('negative control: printed as it came, it is found', () => {
    for (const text of ['a\x1b[2J', 'a\r', 'a\x9b', 'a\u202e', 'a\u200b', 'a\u2028', 'a\xad']) {
      print(text);
      assert.throws(assertHarmless);
    }
  });
});
