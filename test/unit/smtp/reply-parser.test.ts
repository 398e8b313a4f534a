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

  it('takes as many as 128 lines for a reply', () => {
    const parser = new ReplyParser();
    const first = Array.from({ length: 127 }, () => parser.line('250-x'));
    assert.deepEqual(
      [new Set(first), parser.line('250 y')],
      [new Set([null]), { code: 250, lines: [...Array(127).fill('x'), 'y'] }],
    );
  });

  it('begins anew behind a whole reply, whatever its code', () => {
    const parser = new ReplyParser();
    assert.deepEqual(
      ['250-a', '250 b', '550 5.7.1 no'].map((line) => parser.line(line)),
      [null, { code: 250, lines: ['a', 'b'] }, { code: 550, enhanced: '5.7.1', lines: ['no'] }],
    );
  });

  it('keeps a line as it is where it does not carry the enhanced code of the first (RFC 2034 §4)', () => {
    const parser = new ReplyParser();
    parser.line('550-5.7.1 a');
    assert.deepEqual(parser.line('550 5.1.1 b'), { code: 550, enhanced: '5.7.1', lines: ['a', '5.1.1 b'] });
  });

  it('takes off an enhanced code with no text behind it too (RFC 2034 §4)', () => {
    assert.deepEqual(new ReplyParser().line('250 2.1.0'), { code: 250, enhanced: '2.1.0', lines: [''] });
  });
});
