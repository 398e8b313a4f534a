import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fixedReply, formatReply } from '../../../src/smtp/reply.js';

describe('formatReply (RFC 5321 §4.2)', () => {
  it('puts the code on each line and the enhanced code behind it (RFC 2034 §4)', () => {
    assert.equal(formatReply({ code: 250, lines: ['a', 'b'] }), '250-a\r\n250 b\r\n');
    assert.equal(formatReply(fixedReply(554, '5.7.0', 'a', 'b')), '554-5.7.0 a\r\n554 5.7.0 b\r\n');
    assert.equal(formatReply({ code: 250, lines: [] }), '250 \r\n');
  });

  it('lets no text forge a second reply, and keeps a line within 512 octets', () => {
    assert.equal(formatReply({ code: 550, lines: ['no\r\n250 yes \u001b[1m é'] }), '550 no?250 yes ?[1m ?\r\n');
    assert.ok(formatReply({ code: 550, enhanced: '5.7.1', lines: ['x'.repeat(2_000)] }).length <= 512);
  });

  it('lets no enhanced code forge a second reply either (CR and LF become `?`)', () => {
    const forged = formatReply({ code: 550, enhanced: '5.7.1\r\n250', lines: ['no'] });
    assert.equal(forged.indexOf('\r\n'), forged.length - 2);
  });

  it('gives a fixed reply the wire form of any other, and lets nobody change it', () => {
    const fixed = fixedReply(250, '2.0.0', 'a', 'b');
    assert.equal(formatReply(fixed), formatReply({ code: 250, enhanced: '2.0.0', lines: ['a', 'b'] }));
    assert.deepEqual(fixedReply(354, null, 'go'), { code: 354, lines: ['go'] });
    assert.ok(Object.isFrozen(fixed) && Object.isFrozen(fixed.lines));
  });
});
