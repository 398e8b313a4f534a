import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { replies } from '../../../src/server/replies.js';
import { formatReply } from '../../../src/smtp/reply.js';

describe('replies', () => {
  it('carry an enhanced code of their own class (RFC 3463 §2), but for 354, which has none', () => {
    const odd = Object.values(replies).filter(({ code, enhanced }) => enhanced?.[0] !== String(code)[0]);
    assert.deepEqual(odd, [replies.startMail]);
  });

  it('are one line of printable ASCII within 512 octets (RFC 5321 §4.2, §4.5.3.1.5)', () => {
    const wire = Object.values(replies).map(formatReply);
    assert.deepEqual(
      wire.filter((text) => text.length > 512 || !/^[2-5]\d\d [ -~]+\r\n$/.test(text)),
      [],
    );
  });
});
