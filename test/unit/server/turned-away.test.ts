import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { TurnedAway } from '../../../src/server/turned-away.js';
import { socketPair } from '../../support/socket-pair.js';

describe('TurnedAway', () => {
  for (const [limit, words] of [
    ['maxConnections', '421 4.7.0 Too many connections, try again later\r\n'],
    ['maxConnectionsPerAddress', '421 4.7.0 Too many connections from your address, try again later\r\n'],
  ] as const) {
    it(`says 421 for ${limit}, and forgets the client when it has read that`, async () => {
      await using pair = await socketPair();
      const turnedAway = new TurnedAway();
      turnedAway.add(pair.near, limit, false);
      assert.equal(turnedAway.size, 1);
      const closed = once(pair.near, 'close');
      assert.equal(await text(pair.far), words);
      pair.far.end();
      await closed;
      assert.equal(turnedAway.size, 0);
    });
  }

  it('says nothing in clear where TLS is due', async () => {
    await using pair = await socketPair();
    const turnedAway = new TurnedAway();
    turnedAway.add(pair.near, 'maxConnections', true);
    assert.deepEqual([turnedAway.size, await text(pair.far)], [0, '']);
  });

  it('gives nobody more time when the server closes', async () => {
    await using pair = await socketPair();
    const turnedAway = new TurnedAway();
    turnedAway.add(pair.near, 'maxConnections', false);
    turnedAway.destroy();
    assert.equal(pair.near.destroyed, true);
  });
});
