import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DataDecoder } from '../../src/smtp/data-decoder.js';
import { type BodyName, bodyOctets, wireBody } from './bodies.js';
import { dialogueOf } from './dialogue.js';
import type { Pipelining } from './loads.js';

const BODIES: readonly BodyName[] = ['small', 'text', 'short-lines', 'few-dots', 'all-dots', 'worst'];

describe('the bodies of the bench', () => {
  for (const name of BODIES) {
    it(`${name}: whole CRLF lines, dots doubled, and as many octets for the application as is said`, () => {
      let octets = 0;
      const decoder = new DataDecoder();
      const wire = Buffer.concat([wireBody(name), Buffer.from('.\r\n')]);
      const end = decoder.decode(wire, 0, (slice) => {
        octets += slice.length;
      });
      assert.deepEqual([end, octets, decoder.bareNewline], [wire.length, bodyOctets(name), false]);
    });
  }

  it('have the sizes that the rows promise', () => {
    assert.equal(wireBody('small').length, 2_048);
    const megas = BODIES.map((name) => Math.round(wireBody(name).length / 100_000) / 10);
    assert.deepEqual(megas, [0, 50, 10, 10, 10, 10]);
  });
});

describe('a dialogue of messages', () => {
  const sent = (pipelining: Pipelining): string[] => {
    const { opening, cycle } = dialogueOf({ kind: 'messages', pipelining, body: 'small', callers: 1 });
    return [...opening, ...cycle].map(({ send, codes }) => {
      const text = send.toString('latin1').replace(wireBody('small').toString('latin1'), 'body, ');
      return `${text.replaceAll('\r\n', '|')} ${codes.join(' ')}`;
    });
  };

  it('waits for every reply in lock-step', () => {
    assert.deepEqual(sent('none'), [
      'EHLO client.test| 250',
      'MAIL FROM:<a@x.test>| 250',
      'RCPT TO:<b@y.test>| 250',
      'DATA| 354',
      'body, .| 250',
    ]);
  });

  it('sends the envelope at once', () => {
    assert.deepEqual(sent('envelope'), [
      'EHLO client.test| 250',
      'MAIL FROM:<a@x.test>|RCPT TO:<b@y.test>|DATA| 250 250 354',
      'body, .| 250',
    ]);
  });

  it('sends a message as one chunk with its envelope (RFC 3030 §4.2)', () => {
    assert.deepEqual(sent('chunk'), [
      'EHLO client.test| 250',
      'MAIL FROM:<a@x.test>|RCPT TO:<b@y.test>|BDAT 2048 LAST|body,  250 250 250',
    ]);
  });

  it('sends the next envelope with the final dot, and never a body before its 354 (RFC 2920 §3.1)', () => {
    assert.deepEqual(sent('transactions'), [
      'EHLO client.test| 250',
      'MAIL FROM:<a@x.test>|RCPT TO:<b@y.test>|DATA| 250 250 354',
      'body, .|MAIL FROM:<a@x.test>|RCPT TO:<b@y.test>|DATA| 250 250 250 354',
    ]);
  });
});
