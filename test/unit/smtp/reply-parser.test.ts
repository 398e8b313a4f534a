import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReplyParser } from '../../../src/smtp/reply-parser.js';

describe('ReplyParser (RFC 5321 §4.2.1)', () => {
  it('puts lines together and takes off the enhanced code', () => {
    const parser = new ReplyParser();
    assert.deepEqual(
      [parser.line('250-2.1.0 a'), parser.line('250 2.1.0 b')],
      [null, { code: 250, enhanced: '2.1.0', lines: ['a', 'b'] }],
    );
    assert.deepEqual(
      [parser.line('354'), parser.line('220 4.5.6 x')],
      [
        { code: 354, lines: [''] },
        { code: 220, lines: ['4.5.6 x'] },
      ],
    );
  });

  it('calls malformed what is no reply, and a code that changes', () => {
    assert.deepEqual(
      ['', 'hello', '25 x', '650 x', '250_x'].map((line) => new ReplyParser().line(line)),
      Array(5).fill('malformed'),
    );
    const parser = new ReplyParser();
    parser.line('250-a');
    assert.equal(parser.line('251 b'), 'malformed');
    const endless = new ReplyParser();
    assert.ok(Array.from({ length: 200 }, () => endless.line('250-x')).includes('malformed'));
  });
});
