import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { OptionError } from '../../../src/errors.js';
import { serverTlsSettings } from '../../../src/net/server-tls-options.js';
import { TICKET_KEY_MS, TicketKeys } from '../../../src/net/ticket-keys.js';

const SECRET = 'correct horse battery staple, twice over';

describe('TicketKeys', () => {
  it('makes the same 48 octets from the same secret, identity and time, and others from others', () => {
    const tickets = new TicketKeys(SECRET);
    const keys = tickets.keys('policy', 5);
    assert.equal(keys.length, 48);
    assert.deepEqual(new TicketKeys(Buffer.from(SECRET)).keys('policy', 5), keys);
    const others = [
      tickets.keys('policies', 5),
      tickets.keys('policy', 6),
      new TicketKeys(`${SECRET}!`).keys('policy', 5),
    ].map(String);
    assert.equal(new Set([...others, String(keys)]).size, 4);
  });

  it('[R62] a ticket key is in use for twelve hours', () => {
    const { epoch } = { epoch: (ms: number) => new TicketKeys(SECRET).epoch(ms) };
    const begun = 1_000 * TICKET_KEY_MS;
    assert.equal(epoch(begun), epoch(begun + TICKET_KEY_MS - 1));
    assert.notEqual(epoch(begun), epoch(begun + TICKET_KEY_MS));
    assert.equal(TICKET_KEY_MS, 12 * 3_600_000);
  });

  it('refuses a secret that can be guessed, and shows it to nobody', () => {
    for (const bad of ['x'.repeat(31), Buffer.alloc(31), 32, null, ['x'.repeat(32)], new Uint8Array(32)]) {
      assert.throws(
        () => new TicketKeys(bad),
        (error) =>
          error instanceof OptionError && error.option === 'tls.ticketSecret' && !inspect(error).includes('xxx'),
      );
    }
    for (const holder of [new TicketKeys(SECRET), serverTlsSettings({ ticketSecret: SECRET })]) {
      const shown = inspect(holder, { depth: 9, showHidden: true }) + JSON.stringify(holder);
      assert.ok(!shown.includes('horse') && !shown.includes(Buffer.from(SECRET).toString('hex', 0, 8)), shown);
    }
  });

  it('is not changed by who changes the Buffer later', () => {
    const secret = Buffer.from(SECRET);
    const tickets = new TicketKeys(secret);
    const keys = tickets.keys('policy', 0);
    secret.fill(0);
    assert.deepEqual(tickets.keys('policy', 0), keys);
  });
});
