import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TlsInfo } from '../../../src/inspect/tls-info.js';
import { Conversation } from '../../../src/server/conversation.js';

describe('Conversation', () => {
  it('forgets all that the client said before TLS (RFC 3207 §4.2)', () => {
    const conversation = new Conversation('id', { address: '192.0.2.1' });
    conversation.greet('me.test', true);
    conversation.begin({ address: 'a@x', parameters: {} });
    conversation.addRecipient({ address: 'b@y', parameters: {} });
    conversation.data.set('k', 1);
    assert.deepEqual([conversation.transmissionType, conversation.envelope?.rcptTo.length], ['ESMTP', 1]);
    conversation.secured({} as TlsInfo);
    assert.deepEqual(
      [conversation.helo, conversation.esmtp, conversation.envelope, conversation.data.size],
      [null, false, null, 0],
    );
    conversation.greet('me.test', true);
    assert.equal(conversation.transmissionType, 'ESMTPS');
  });
});
