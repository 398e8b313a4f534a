import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EhloReplies } from '../../../src/server/ehlo-replies.js';

describe('EhloReplies', () => {
  it('greet, offer what is asked for and hide what is hidden (RFC 5321 §4.1.1.1)', () => {
    const replies = new EhloReplies('mx.test', 1_000, new Set(['CHUNKING', 'SMTPUTF8']));
    const { code, lines } = replies.offering(['AUTH PLAIN', 'STARTTLS']);
    assert.deepEqual(
      [code, lines],
      [
        250,
        [
          'mx.test at your service',
          'PIPELINING',
          'SIZE 1000',
          '8BITMIME',
          'ENHANCEDSTATUSCODES',
          'AUTH PLAIN',
          'STARTTLS',
          'HELP',
        ],
      ],
    );
  });

  it('are made once for each list, and never mixed up', () => {
    const replies = new EhloReplies('mx.test', 1_000, new Set());
    assert.equal(replies.offering(['STARTTLS']), replies.offering(['STARTTLS']));
    assert.doesNotMatch(replies.offering([]).lines.join(), /STARTTLS/);
    assert.match(replies.offering(['STARTTLS']).lines.join(), /STARTTLS/);
  });
});
