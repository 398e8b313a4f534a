import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readProxyHeader } from '../../src/net/proxy-header.js';
import { forClient, version2 } from '../support/proxy-headers.js';

const octets = fc.uint8Array({ maxLength: 300 }).map((some) => Buffer.from(some));
const port = fc.integer({ min: 1, max: 65_535 });

const valid = fc.oneof(
  fc
    .tuple(fc.ipV4(), fc.ipV4(), port, port)
    .map(([from, to, a, b]) => Buffer.from(`PROXY TCP4 ${from} ${to} ${a} ${b}\r\n`)),
  fc
    .tuple(fc.ipV6(), fc.ipV6(), port, port)
    .map(([from, to, a, b]) => Buffer.from(`PROXY TCP6 ${from} ${to} ${a} ${b}\r\n`)),
  fc
    .tuple(fc.ipV4(), fc.ipV4(), port, port, octets)
    .map(([from, to, a, b, tlvs]) => forClient([from, a], [to, b], tlvs)),
);
const nearly = fc
  .record({
    version: fc.integer({ min: 0, max: 15 }),
    command: fc.integer({ min: 0, max: 15 }),
    family: fc.nat(255),
    rest: octets,
  })
  .map(version2);
const anything = fc.oneof(
  octets,
  nearly,
  valid,
  octets.map((some) => Buffer.concat([Buffer.from('PROXY '), some])),
);

describe('readProxyHeader, over all octets', () => {
  it('never throws, decides within 4,112 octets, and never changes its mind when more comes', () => {
    fc.assert(
      fc.property(anything, octets, (first, more) => {
        const answer = readProxyHeader(first);
        if (answer === 'more') return assert.ok(first.length < 4_112);
        assert.deepEqual(readProxyHeader(Buffer.concat([first, more])), answer);
      }),
      { numRuns: 2_000 },
    );
  });

  it('reads what is whole however little of it is known, and wants more of each beginning of it', () => {
    fc.assert(
      fc.property(valid, octets, (header, client) => {
        const answer = readProxyHeader(Buffer.concat([header, client]));
        assert.ok(typeof answer === 'object' && answer.octets === header.length && answer.peer !== null);
        for (let length = 0; length < header.length; length++) {
          assert.equal(readProxyHeader(header.subarray(0, length)), 'more');
        }
      }),
      { numRuns: 300 },
    );
  });
});
