import { setTimeout as sleep } from 'node:timers/promises';
import type { RawClient } from '../../support/raw-client.js';
import { atMost, exactly, type Row, told } from '../row.js';
import { asksForTls } from '../visitors.js';

const MIB = 2 ** 20;
const BLOCK = Buffer.from(`${'x'.repeat(65_534)}\r\n`);
/** Nothing more has left the client for so long: it is held back. */
const STILL_MS = 1_000;

export const pausedConsumer: Row = {
  name: 'R13',
  title: 'a handler that does not read, and a client that sends 400 MiB',
  reason: 'what the handler does not take must wait at the client, and not in the memory of the server',
  size: { target: 400, small: 16 },
  async run({ count: mib, trust, serve, progress }) {
    const server = await serve({ paused: true });
    await using client = await asksForTls(server.port);
    const tls = await client.upgrade({ secureContext: trust });
    for (const line of ['EHLO c.test', 'MAIL FROM:<a@x.test>', 'RCPT TO:<b@y.test>', 'DATA']) await client.ask(line);
    const empty = await server.settled();
    const blast = new Blast(tls, mib * MIB);
    progress('the client sends');
    await blast.untilStill(STILL_MS);
    const full = await server.settled();
    const { left } = blast;
    progress('the handler reads on');
    await server.readOn();
    await blast.sent;
    await client.send('.\r\n');
    await client.reply();
    await client.ask('QUIT');
    await client.closed();
    const after = await server.quiet();
    return {
      figures: [
        told('left the client, buffers of the system and all', left / MIB, 'MiB'),
        atMost('of which the handler had', full.octets / MIB, 'MiB', 1),
        atMost('growth while it was held back', full.mib - empty.mib, 'MiB', 4),
        exactly('octets lost', blast.octets - after.octets, 0),
        told('growth when all had come through', after.mib - empty.mib, 'MiB'),
      ],
    };
  },
};

/** Sends so much, as fast as it may. */
class Blast {
  readonly octets: number;
  readonly sent: Promise<void>;
  readonly #stream: NonNullable<RawClient['tls']>;
  #queued = 0;

  constructor(stream: NonNullable<RawClient['tls']>, octets: number) {
    this.#stream = stream;
    this.octets = Math.ceil(octets / BLOCK.length) * BLOCK.length;
    this.sent = this.#send();
  }

  /** What has left the client. */
  get left(): number {
    return this.#queued - this.#stream.writableLength;
  }

  async untilStill(forMs: number): Promise<void> {
    for (let before = -1; before !== this.left; ) {
      before = this.left;
      await sleep(forMs);
    }
  }

  async #send(): Promise<void> {
    while (this.#queued < this.octets) {
      this.#queued += BLOCK.length;
      await new Promise<void>((resolve) => this.#stream.write(BLOCK, () => resolve()));
    }
  }
}
