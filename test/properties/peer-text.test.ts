import '../support/debug-lines.js'; // first: it says how the rooms of src are to print when they come to be
import assert from 'node:assert/strict';
import { subscribe } from 'node:diagnostics_channel';
import { after, describe, it } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { type DeliveryResult, SmtpTransport } from '../../src/client/index.js';
import { SmtpServer } from '../../src/server/index.js';
import { debugLines } from '../support/debug-lines.js';
import { HARMFUL, textsIn } from '../support/harmful.js';
import { OddAuthority } from '../support/odd-certificate.js';
import { clientHello, RawClient } from '../support/raw-client.js';
import { scriptedServer } from '../support/scripted-server.js';
import { testIdentity } from '../support/with-server.js';

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

server.on('tlsError', (error) => showError(error));
server.on('warning', (warning, error) => {
  print(warning);
  if (error !== undefined) showError(error);
});
for (const room of ['server', 'starttls', 'client', 'credentials', 'hostlist']) {
  subscribe(`tls-smtp:${room}`, (event) => show(event));
}

/** A value as whoever has it finds it and prints it: each of its texts, and what `util.inspect()` makes of it. */
function show(value: unknown): void {
  print(...textsIn(value), ...inspect(value, { depth: 9, showHidden: false }).split('\n'));
}

/** An error in all the ways in which it reaches a log. */
function showError(error: Error): void {
  print(error.message, error.name, ...(error.stack ?? '').split('\n'));
  show(error);
  if (error.cause instanceof Error) showError(error.cause);
}

function assertHarmless(): void {
  const texts = [...printed.splice(0), ...debugLines.splice(0)];
  assert.ok(texts.length > 0, 'nothing was printed');
  assert.deepEqual(
    texts.filter((text) => HARMFUL.test(text)),
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

/** The same for what carries characters: a field of a certificate. */
const hostile: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 6 }),
      fc.constantFrom(
        '\r\n',
        '\0',
        '\u001b[2J',
        '\u007f',
        '\u0085',
        '\u202e',
        '\u2066',
        '\u200b',
        '\u2028',
        '\u2029',
        '\ufeff',
      ),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((parts) => parts.join('').slice(0, 60));

/** What a dNSName can hold at all. */
function ascii(text: string): string {
  return text.replace(/\P{ASCII}/gu, '').replaceAll('\0', '') || 'x';
}

/** Delivers to a server on loopback, and shows all that comes of it. */
async function tell(port: number, tls: boolean, verifyCertificates?: string): Promise<DeliveryResult> {
  const transport = new SmtpTransport({
    protocol: tls ? 'smtps' : 'smtp',
    ...(verifyCertificates !== undefined && { tls: { verifyCertificates } }),
    timeouts: { greetingMs: 300, commandMs: 300, handshakeMs: 1_000, finalDotMs: 300, quitMs: 100 },
  });
  const result = await transport.deliver({
    hosts: [{ host: 'mx.test', address: '127.0.0.1', port }],
    envelope: { from: 'a@x.test', to: ['b@y.test'] },
    message: 'x',
  });
  show(result.recipients);
  for (const { error, tls: info, ...rest } of result.attempts) {
    show(rest);
    if (info !== null) print(JSON.stringify(info), ...inspect(info).split('\n'));
    if (error !== null) showError(error);
  }
  return result;
}

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
    `AUTH PLAIN ${MARK}${text}`,
    `AUTH ${text} ${MARK}`,
    `BDAT ${MARK}${text}`,
  ),
);

const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
after(() => server.close({ drainMs: 50 }));

describe('S15, S16: a peer’s text', { timeout: 120_000 }, () => {
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
        const ALPNProtocols = at % 3 === 0 ? ['smtp', `x${name.slice(0, 100)}`] : ['smtp'];
        await client.upgrade({
          ca: authority.ca,
          servername: name,
          ALPNProtocols,
          checkServerIdentity: () => undefined,
        });
        const envelope = 'EHLO c.test\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\nx\r\n.\r\n';
        await client.send(`EHLO c.test\r\n${line}\r\nRSET\r\n${envelope}QUIT\r\n`);
        await client.untilClosed();
        assertHarmless();
      }),
      { numRuns: 60 },
    );
  });

  it('of a server does none in what a transport throws, tells or prints', async () => {
    const replies = [250, 354, 421, 454, 550, 220];
    await fc.assert(
      fc.asyncProperty(odd, fc.nat({ max: 7 }), fc.nat(), fc.boolean(), async (text, step, which, tls) => {
        let lines = 0;
        const code = replies[which % replies.length] ?? 250;
        const answer = (line: string): string => {
          lines += 1;
          if (lines === step) return `${code}${which % 3 === 0 ? '-' : ' '}${text}\r\n${code} ${text}\r\n`;
          return line === 'DATA' ? '354 go\r\n' : '250-mx.test\r\n250 STARTTLS\r\n';
        };
        const greeting = step === 0 ? `220 ${text}\r\n` : '220 mx.test\r\n';
        await using peer = await scriptedServer(greeting, answer, tls ? issued : undefined);
        await tell(peer.port, tls);
        assertHarmless();
      }),
      { numRuns: 80 },
    );
  });

  it('of a server’s certificate does none in what is known of the handshake', async () => {
    const odd509 = await OddAuthority.create();
    await fc.assert(
      fc.asyncProperty(hostile, hostile, async (subject, unit) => {
        const leaf = odd509.issue({
          kind: 'server',
          subject: [[{ type: 'CN', value: subject }], [{ type: 'OU', value: unit }]],
          altNames: [{ type: 'dns', value: ascii(subject) }],
        });
        await using peer = await scriptedServer(
          '220 mx.test\r\n',
          (line) => (line === 'DATA' ? '354 go\r\n' : '250 ok\r\n'),
          leaf,
        );
        for (const verifyCertificates of [undefined, odd509.ca]) {
          const { attempts } = await tell(peer.port, true, verifyCertificates);
          const info = attempts[0]?.tls;
          assert.ok(info?.peerCertificate);
          show(info.toJSON());
          print(info.logFields('+all'), info.receivedClause(), String(info.peerCertificate.subject));
        }
        assertHarmless();
      }),
      { numRuns: 30 },
    );
  });

  it('negative control: printed as it came, it is found', () => {
    for (const text of ['a\x1b[2J', 'a\r', 'a\x9b', 'a\u202e', 'a\u200b', 'a\u2028', 'a\xad']) {
      print(text);
      assert.throws(assertHarmless);
    }
  });
});
