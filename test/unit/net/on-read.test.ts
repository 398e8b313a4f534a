import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { lend } from '../../../src/net/on-read.js';
import { eventually, sleep } from '../../support/raw-client.js';
import { socketPair } from '../../support/socket-pair.js';

describe('lend', { timeout: 120_000 }, () => {
  it('lends what comes, in one memory for all sockets, on every Node', async () => {
    await using one = await socketPair();
    await using other = await socketPair();
    const memories = new Set<unknown>();
    let said = '';
    for (const { near, far } of [one, other]) {
      const had = lend(near, (chunk) => {
        memories.add(chunk.buffer);
        said += chunk;
      });
      assert.equal(had, true, 'this Node has no onread: docs/decisions/0004');
      near.on('data', () => assert.fail("'data'"));
      near.resume();
      far.write('octets,');
    }
    await eventually('both came', () => said === 'octets,octets,');
    assert.equal(memories.size, 1);
  });

  it('has what waits in the stream go first, and all that follows it too', async () => {
    await using ends = await socketPair();
    const { near, far } = ends;
    near.pause();
    near.read(0);
    far.write('1');
    await eventually('it came', () => near.readableLength === 1);
    let said = '';
    let lent = 0;
    lend(near, (chunk) => {
      said += chunk;
      lent++;
    });
    near.read(0); // it goes on reading, though nobody takes what waits
    far.write('2');
    await eventually('the next came', () => near.readableLength === 2);
    assert.deepEqual([said, lent], ['', 0]);
    near.on('data', (chunk: Buffer) => {
      said += chunk;
    });
    near.resume();
    await eventually('both came', () => said === '12');
    far.write('3');
    await eventually('the third came', () => said === '123');
    assert.equal(lent, 1);
  });

  it("with null makes it 'data' again, each chunk its own, and holds the other side back as ever", async () => {
    await using ends = await socketPair();
    const { near, far } = ends;
    lend(near, () => assert.fail('lent'));
    lend(near, null);
    const chunks: Buffer[] = [];
    near.on('data', (chunk: Buffer) => chunks.push(chunk)).resume();
    for (const said of ['one', 'two']) {
      far.write(said);
      await eventually(`${said} came`, () => chunks.at(-1)?.toString() === said);
    }
    assert.equal(String(chunks[0]), 'one');
    near.pause();
    far.write(Buffer.alloc(30_000_000));
    await sleep(100);
    near.read(0);
    await sleep(100);
    assert.ok(near.readableLength < 1 << 20, `${near.readableLength} octets`);
    far.end();
    near.resume();
    await once(near, 'end');
    assert.equal(Buffer.concat(chunks).length, 30_000_006);
  });

  it('reads nothing while the socket is paused', async () => {
    await using ends = await socketPair();
    const { near, far } = ends;
    let octets = 0;
    lend(near, ({ length }) => {
      octets += length;
      near.pause();
    });
    near.resume();
    far.write(Buffer.alloc(1_000_000));
    await sleep(100);
    assert.ok(octets > 0 && octets <= 65_536, `${octets} octets`);
  });

  it('is not for streams that are no sockets', () => {
    assert.equal(
      lend(new Duplex({ read() {} }), () => {}),
      false,
    );
  });
});
