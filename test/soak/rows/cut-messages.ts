import { createSecureContext, type SecureContext } from 'node:tls';
import { HeldTls } from '../../support/held-tls.js';
import { crowd } from '../crowd.js';
import { messageOf } from '../message.js';
import { atLeast, exactly, type Row } from '../row.js';

/** How a message is sent: what comes before it, and the pieces that it is cut into, each a TLS record. */
interface Way {
  readonly opening: string;
  readonly ready: RegExp;
  readonly pieces: readonly string[];
}

const ENVELOPE = 'EHLO client.test\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\n';
const BODY = messageOf(10);
const RECORDS = 8;
const CUTS = ['FIN', 'RST', 'close_notify'] as const;

const DATA: Way = {
  opening: `${ENVELOPE}DATA\r\n`,
  ready: /^354 .*\r\n/m,
  // The final dot in three pieces: the message is not over before its last octet.
  pieces: [...slices(BODY, RECORDS), '.', '\r', '\n'],
};

const BDAT: Way = {
  opening: ENVELOPE,
  ready: /(?:^250 (?:.|\r\n(?!250 ))*\r\n){3}/m,
  pieces: slices(BODY, RECORDS).map(
    (chunk, at) => `BDAT ${chunk.length}${at === RECORDS - 1 ? ' LAST' : ''}\r\n${chunk}`,
  ),
};

export const cutMessages: Row = {
  name: 'R14',
  title: '10,000 messages cut at each record and inside each, by DATA and by BDAT',
  reason: 'anybody on the way can end a TCP connection: half a message must never be taken for a whole one',
  size: { target: 10_000, small: 264 },
  async run({ count, trust, random, serve, progress }) {
    const server = await serve();
    const ways = (await offersChunking(server.tlsPort, trust)) ? [DATA, BDAT] : [DATA];
    const older = createSecureContext({ maxVersion: 'TLSv1.2' });
    let done = 0;
    let told250 = 0;
    await crowd(count, 24, async (number) => {
      const way = ways[number % ways.length] ?? DATA;
      const record = Math.floor(number / ways.length) % way.pieces.length;
      const how = CUTS[Math.floor(random() * CUTS.length)] ?? 'FIN';
      const client = await ready(server.tlsPort, number % 3 === 0 ? older : trust, way);
      if (await cut(client, way, record, random(), how)) told250++;
      if (++done % 100 === 0) progress(`${done} of ${count} cuts`);
    });
    const cutOff = await server.quiet();
    for (const way of ways) await whole(server.tlsPort, trust, way);
    const { accepted } = await server.quiet();
    return {
      figures: [
        exactly('messages accepted of those that were cut', cutOff.accepted, 0),
        exactly('clients that were told 250', told250, 0),
        atLeast('messages that had begun', cutOff.opened, 'count', count * 0.9),
        exactly('sessions never told to be over', cutOff.begun - cutOff.over, 0),
        exactly('sockets left over', cutOff.sockets, 0),
        exactly('whole messages accepted behind them', accepted, ways.length),
      ],
      ...(ways.length === 1 && { note: 'DATA alone: the server does not offer CHUNKING' }),
    };
  },
};

async function ready(port: number, trust: SecureContext, way: Way): Promise<HeldTls> {
  const client = await HeldTls.greeted(port, { secureContext: trust, rejectUnauthorized: false });
  client.said = '';
  client.tls.write(way.opening, 'latin1');
  await client.until(way.ready);
  client.said = '';
  return client;
}

/** Sends whole records up to one, a part of that, and ends. @returns whether the client was told that it is accepted */
async function cut(
  client: HeldTls,
  way: Way,
  record: number,
  share: number,
  how: (typeof CUTS)[number],
): Promise<boolean> {
  using _ = client;
  const before = await client.hold((tls) => way.pieces.slice(0, record).forEach((piece) => void tls.write(piece)));
  if (how === 'close_notify') {
    // A polite end, by whole records: one of half a record would be no close_notify to the server.
    const end = await client.hold((tls) => void tls.end());
    client.raw.end(Buffer.concat([before, end]));
  } else {
    const next = await client.hold((tls) => void tls.write(way.pieces[record] ?? ''));
    const octets = Buffer.concat([before, next.subarray(0, Math.floor(share * next.length))]);
    if (how === 'FIN') client.raw.end(octets);
    else client.raw.write(octets, () => client.raw.resetAndDestroy());
  }
  await client.untilClosed();
  // Each whole chunk but the last has a 250 of its own.
  const told = client.said.match(/^250 /gm)?.length ?? 0;
  return told > (way === BDAT ? record : 0);
}

async function whole(port: number, trust: SecureContext, way: Way): Promise<void> {
  using client = await ready(port, trust, way);
  for (const piece of way.pieces) client.tls.write(piece);
  client.tls.write('QUIT\r\n');
  await client.until(/^221 /m);
}

async function offersChunking(port: number, trust: SecureContext): Promise<boolean> {
  using client = await HeldTls.greeted(port, { secureContext: trust });
  return /^250[ -]CHUNKING\r$/m.test(await client.ask('EHLO client.test'));
}

function slices(text: string, count: number): string[] {
  const length = Math.ceil(text.length / count);
  return Array.from({ length: count }, (_none, at) => text.slice(at * length, (at + 1) * length));
}
