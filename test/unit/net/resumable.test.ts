import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { Engine } from '../../../src/net/engine.js';
import { HandshakeFailedError } from '../../../src/net/handshake-failure.js';
import { receiveInto } from '../../../src/net/receive-into.js';
import { RecordBorder, Resumable } from '../../../src/net/resumable.js';
import { serverTlsSettings } from '../../../src/net/server-tls-options.js';
import { upgrade } from '../../../src/net/upgrade.js';
import { TestAuthority } from '../../../src/testing/authority.js';
import { eventually, sleep, within } from '../../support/raw-client.js';
import { socketPair } from '../../support/socket-pair.js';

const authority = await TestAuthority.create();
const { cert, key } = await authority.issue({ name: 'mx.test' });
const engine = new Engine({ id: 'test', tls: { cert, key } }, serverTlsSettings({ handshakeTimeoutMs: 2_000 }));

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

/** Both ends of a session whose client side is cut into records by the test. */
interface Ends extends Disposable {
  readonly raw: Socket;
  readonly far: Socket;
  readonly between: Resumable;
  readonly secured: TLSSocket;
  readonly client: TLSSocket;
  /** @returns the records that `speak` makes, in place of sending them */
  hold(speak: (client: TLSSocket) => void): Promise<Buffer>;
}

async function session(options: ConnectionOptions): Promise<Ends> {
  const { near: raw, far } = await socketPair();
  const between = new Resumable(raw);
  let held: Buffer[] | null = null;
  const wire = new Duplex({
    read(): void {},
    write(record: Buffer, _encoding, done): void {
      if (held === null) far.write(record);
      else held.push(record);
      done();
    },
  });
  far.on('data', (chunk) => wire.push(chunk));
  const client = connectTls({ ca: authority.ca, servername: 'mx.test', ...options, socket: wire });
  client.on('error', () => {});
  const [secured] = await within(
    Promise.all([upgrade(engine, between, 'on-connect', 2_000), once(client, 'secureConnect')]),
    'the handshake',
  );
  return {
    ...{ raw, far, between, secured, client },
    hold: async (speak) => {
      const records: Buffer[] = [];
      held = records;
      speak(client);
      await eventually(
        'the records',
        () => client.writableLength === 0 && client.writableFinished === client.writableEnded,
      );
      held = null;
      return Buffer.concat(records);
    },
    [Symbol.dispose]: () => {
      client.destroy();
      secured.destroy();
      far.destroy();
      raw.destroy();
    },
  };
}

/** Sends the close_notify with what follows it, and waits until the server has read it. */
async function endTls({ hold, far, secured }: Ends, behind: string): Promise<void> {
  const record = await hold((client) => client.end());
  secured.resume();
  far.write(Buffer.concat([record, Buffer.from(behind)]));
  await within(once(secured, 'end'), "'end'");
}

describe('RecordBorder', () => {
  const record = (type: number, length: number): Buffer => {
    return Buffer.concat([Buffer.of(type, 3, 3, length >> 8, length & 255), Buffer.alloc(length, 'E')]);
  };

  it('finds the first octet behind the last record, however the octets are cut', () => {
    const types = fc.integer({ min: 20, max: 24 });
    const lengths = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 18_432 }));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(types, lengths), { maxLength: 5 }),
        fc.string({ unit: 'binary-ascii', maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }),
        (records, text, sizes) => {
          const tls = Buffer.concat(records.map(([type, length]) => record(type, length)));
          const all = Buffer.concat([tls, Buffer.from(`E${text}`)]);
          const border = new RecordBorder();
          let found = 0;
          for (let at = 0, turn = 0; at < all.length; turn++) {
            const chunk = all.subarray(at, at + (sizes[turn % sizes.length] ?? 1));
            const inside = border.follow(chunk);
            found += inside;
            if (inside < chunk.length) break;
            at += chunk.length;
          }
          assert.deepEqual([found, border.between], [tls.length, true]);
        },
      ),
    );
  });

  it('takes 20 to 24 for the first octet of a record, and nothing else', () => {
    for (let octet = 0; octet < 256; octet++) {
      assert.equal(new RecordBorder().follow(Buffer.of(octet)), octet >= 20 && octet <= 24 ? 1 : 0, String(octet));
    }
  });

  it('knows when a record is not whole', () => {
    const border = new RecordBorder();
    const whole = record(23, 3);
    const between = [...whole].map((octet) => {
      border.follow(Buffer.of(octet));
      return border.between;
    });
    assert.deepEqual(between, [...Array<boolean>(whole.length - 1).fill(false), true]);
  });
});

for (const version of VERSIONS) {
  const options: ConnectionOptions = { minVersion: version, maxVersion: version };

  describe(`Resumable, ${version}`, { timeout: 120_000 }, () => {
    it('carries a megabyte each way, unchanged', async () => {
      using ends = await session(options);
      const body = Buffer.alloc(1 << 20, 'a line of text\r\n');
      for (const [from, to] of [
        [ends.client, ends.secured],
        [ends.secured, ends.client],
      ] as const) {
        const chunks: Buffer[] = [];
        to.on('data', (chunk: Buffer) => chunks.push(chunk));
        from.write(body);
        await eventually('all of it', () => chunks.reduce((sum, { length }) => sum + length, 0) >= body.length);
        assert.ok(Buffer.concat(chunks).equals(body));
      }
    });

    it('holds the client back while nobody reads', async () => {
      using ends = await session(options);
      ends.secured.pause();
      for (let times = 0; times < 128; times++) ends.client.write(Buffer.alloc(1 << 16));
      await sleep(200);
      const held = ends.secured.readableLength + ends.between.readableLength + ends.raw.readableLength;
      assert.ok(held < 1 << 20, `${held} octets`);
    });

    it('gives the raw socket back with exactly what stood behind the last record, and answers the close_notify', async () => {
      using ends = await session(options);
      await endTls(ends, 'EHLO clear.test\r\n');
      const ended = once(ends.client, 'end');
      ends.client.resume();
      const clear = await ends.between.giveBack(ends.secured, 1_000);
      assert.ok(clear !== null && clear.socket === ends.raw);
      assert.equal(clear.unread.toString(), 'EHLO clear.test\r\n');
      await within(ended, 'the close_notify of the server');
      ends.secured.destroy();
      await sleep(20);
      assert.deepEqual([ends.raw.destroyed, ends.raw.isPaused()], [false, true]);
      const events = ['data', 'end', 'error', 'close'];
      assert.deepEqual(
        events.map((name) => ends.raw.listenerCount(name)),
        [0, 1, 0, 0], // one of net.Socket itself
      );
      ends.far.write('NOOP\r\n');
      ends.raw.resume();
      const [said] = (await within(once(ends.raw, 'data'), 'clear text')) as [Buffer];
      assert.equal(said.toString(), 'NOOP\r\n');
    });

    it('keeps what stood behind the last record, whatever other connections receive meanwhile', async () => {
      using ends = await session(options);
      using other = await session(options);
      await endTls(ends, 'EHLO clear.test\r\n');
      const came = once(other.secured.resume(), 'data');
      other.client.write(Buffer.alloc(1 << 16));
      await within(came, 'what the other says');
      const clear = await ends.between.giveBack(ends.secured, 1_000);
      assert.equal(clear?.unread.toString(), 'EHLO clear.test\r\n');
    });

    it('leaves the raw socket alone once it was given back', async () => {
      using ends = await session(options);
      await endTls(ends, '');
      assert.ok((await ends.between.giveBack(ends.secured, 1_000)) !== null);
      ends.between.resume();
      assert.equal(ends.raw.isPaused(), true);
      ends.raw.resume();
      ends.between.pause();
      assert.equal(ends.raw.isPaused(), false);
      const late = await new Promise((resolve) => ends.between.write(Buffer.from('a record'), resolve));
      assert.match(String(late), /TLS has let go/);
      ends.secured.destroy();
      await sleep(20);
      assert.deepEqual([ends.raw.destroyed, ends.raw.isPaused()], [false, false]);
    });

    it('has octets inside TLS received into a memory of the caller, as on a raw socket (docs/decisions/0004)', async () => {
      using ends = await session(options);
      const memory = Buffer.alloc(65_536);
      const body = Buffer.alloc(1 << 20, 'a line of text\r\n');
      const chunks: Buffer[] = [];
      let lent = true;
      const had = receiveInto(ends.secured, memory, (chunk) => {
        lent &&= chunk.buffer === memory.buffer;
        chunks.push(Buffer.from(chunk));
      });
      ends.secured.resume();
      ends.client.write(body);
      await eventually('all of it', () => chunks.reduce((sum, { length }) => sum + length, 0) >= body.length);
      assert.deepEqual([had, lent, Buffer.concat(chunks).equals(body)], [true, true, true]);
    });

    it('works on a stream that is no socket, where nothing is lent', async () => {
      const { near, far } = await socketPair();
      const wrapped = Duplex.from({ readable: near, writable: near });
      const between = new Resumable(wrapped);
      const client = connectTls({ ca: authority.ca, servername: 'mx.test', ...options, socket: far });
      const secured = await within(upgrade(engine, between, 'on-connect', 2_000), 'the handshake');
      assert.deepEqual([between.fromEventLoop, receiveInto(secured, Buffer.alloc(65_536), () => {})], [false, false]);
      secured.pipe(secured);
      client.write('echo');
      const [said] = (await within(once(client, 'data'), 'the echo')) as [Buffer];
      assert.equal(said.toString(), 'echo');
      for (const stream of [client, secured, near, far]) stream.destroy();
    });

    it('gives back what came while nobody had asked yet, and leaves the rest in the socket', async () => {
      using ends = await session(options);
      await endTls(ends, 'N');
      ends.far.write('OOP\r\nQUIT\r\n');
      await sleep(20);
      ends.far.write('RSET\r\n');
      await sleep(20);
      const clear = await ends.between.giveBack(ends.secured, 1_000);
      let all = clear?.unread.toString() ?? '';
      ends.raw.on('data', (chunk: Buffer) => {
        all += chunk;
      });
      ends.raw.resume();
      await eventually('all of it', () => all === 'NOOP\r\nQUIT\r\nRSET\r\n');
    });

    it('gives nothing back before TLS has ended, or where it was cut', async () => {
      using ends = await session(options);
      assert.equal(await ends.between.giveBack(ends.secured, 1_000), null);
      ends.secured.resume();
      ends.far.end();
      await within(once(ends.secured, 'end'), "'end'");
      assert.equal(await ends.between.giveBack(ends.secured, 1_000), null);
    });

    it('gives nothing back where half a record stands behind the close_notify', async () => {
      using ends = await session(options);
      await endTls(ends, '\x16\x03\x01\x02');
      assert.equal(await ends.between.giveBack(ends.secured, 1_000), null);
    });

    it('gives nothing back where our side of TLS ended first', async () => {
      using ends = await session(options);
      await endTls(ends, '');
      ends.secured.end();
      assert.equal(await ends.between.giveBack(ends.secured, 1_000), null);
    });

    it('fails on clear text while TLS is up, as TLS does without it', async () => {
      using ends = await session(options);
      ends.secured.resume();
      const closed = once(ends.raw, 'close');
      let code: unknown = null;
      ends.secured.on('error', (error: NodeJS.ErrnoException) => {
        code = error.code;
      });
      ends.far.write('EHLO evil.test\r\n');
      await within(closed, "'close'");
      assert.match(String(code), /^ERR_SSL_(WRONG_VERSION_NUMBER|BAD_RECORD_TYPE)$/);
      assert.equal(await ends.between.giveBack(ends.secured, 1_000), null);
    });

    it('gives up a client that does not read, when its time is over', async () => {
      using ends = await session(options);
      ends.far.pause();
      ends.secured.write(Buffer.alloc(1 << 24));
      await endTls(ends, '');
      assert.equal(await ends.between.giveBack(ends.secured, 50), null);
      await eventually('the raw socket is closed', () => ends.raw.destroyed);
    });

    it('ends the connection where TLS is simply ended or destroyed', async () => {
      for (const end of ['end', 'destroy'] as const) {
        using ends = await session(options);
        const ended = once(ends.far, 'end');
        ends.secured[end]();
        await within(ended, 'a FIN');
      }
    });
  });
}

describe('a handshake on a Resumable', { timeout: 120_000 }, () => {
  it('fails at once on what is no TLS, on a FIN and on a reset, and leaves no socket', async () => {
    const acts: ((far: Socket) => void)[] = [
      (far) => far.write('EHLO clear.test\r\n'),
      (far) => far.end(),
      (far) => far.end(Buffer.of(22, 3, 1)),
      (far) => far.resetAndDestroy(),
    ];
    for (const act of acts) {
      const { near, far } = await socketPair();
      const work = upgrade(engine, new Resumable(near), 'on-connect', 2_000);
      act(far);
      await within(assert.rejects(work, HandshakeFailedError), 'a failure', 1_000);
      await eventually('the socket is closed', () => near.destroyed);
      far.destroy();
    }
  });
});
