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

  it('keeps id, peer and TLS when TLS begins, and the same map for the application', () => {
    const peer = { address: '192.0.2.1' };
    const conversation = new Conversation('id', peer);
    const { data } = conversation;
    const tls = {} as TlsInfo;
    conversation.secured(tls);
    const { id, user } = conversation;
    assert.deepEqual([id, user], ['id', null]);
    assert.ok(conversation.peer === peer && conversation.data === data && conversation.tls === tls);
  });

  it('keeps HELO and ESMTP where it is told to (tls.rememberEsmtp), and nothing else', () => {
    const conversation = new Conversation('1', {}, true);
    conversation.greet('client.test', true);
    conversation.begin({ address: 'a@x.test', parameters: {} });
    conversation.data.set('key', 'value');
    conversation.secured({} as TlsInfo);
    const { helo, esmtp, envelope, data } = conversation;
    assert.deepEqual([helo, esmtp, envelope, data.size], ['client.test', true, null, 0]);
  });

  it('ends a transaction with EHLO, HELO and RSET (RFC 5321 §4.1.4), and begins one without recipients', () => {
    const conversation = new Conversation('id', {});
    const outcomes: unknown[] = [];
    const acts = [
      () => conversation.greet('b', true),
      () => conversation.greet('b', false),
      () => conversation.reset(),
    ];
    for (const act of acts) {
      conversation.begin({ address: '', parameters: {} });
      outcomes.push(conversation.envelope?.rcptTo.length);
      conversation.addRecipient({ address: 'b@y', parameters: {} });
      outcomes.push(conversation.recipients);
      act();
      outcomes.push(conversation.envelope, conversation.recipients);
    }
    assert.deepEqual(outcomes, [0, 1, null, 0, 0, 1, null, 0, 0, 1, null, 0]);
  });

  it('names the transmission after the greeting and TLS (RFC 3848): HELO is SMTP in both', () => {
    const conversation = new Conversation('id', {});
    const named: string[] = [];
    for (const esmtp of [false, true]) {
      conversation.greet('a', esmtp);
      named.push(conversation.transmissionType);
    }
    conversation.secured({} as TlsInfo);
    for (const esmtp of [false, true]) {
      conversation.greet('a', esmtp);
      named.push(conversation.transmissionType);
    }
    assert.deepEqual(named, ['SMTP', 'ESMTP', 'SMTP', 'ESMTPS']);
  });

  it('leaves an envelope that a handler kept as it was when the next transaction begins', () => {
    const conversation = new Conversation('id', {});
    conversation.begin({ address: 'a@x', parameters: {} });
    conversation.addRecipient({ address: 'b@y', parameters: {} });
    const kept = conversation.envelope;
    conversation.reset();
    conversation.begin({ address: 'c@x', parameters: {} });
    assert.deepEqual(kept, {
      mailFrom: { address: 'a@x', parameters: {} },
      rcptTo: [{ address: 'b@y', parameters: {} }],
    });
  });

  it('keeps who the client is over a new EHLO (RFC 4954 §4), not over STARTTLS (RFC 3207 §4.2)', () => {
    const conversation = new Conversation('id', {});
    conversation.greet('me', true);
    conversation.exchange = { awaits: 'username' };
    conversation.authenticated('PLAIN', 'tim');
    conversation.greet('me', true);
    assert.deepEqual([conversation.user, conversation.transmissionType], ['tim', 'ESMTPA']);
    conversation.secured({} as TlsInfo);
    assert.deepEqual([conversation.user, conversation.method, conversation.exchange], [null, null, null]);
    conversation.greet('me', true);
    conversation.authenticated('LOGIN', 'tim');
    assert.equal(conversation.transmissionType, 'ESMTPSA');
  });

  it('says UTF8SMTP while a transaction is under way that asked for it (RFC 6531 §4.3)', () => {
    const conversation = new Conversation('id', {});
    conversation.greet('me', true);
    const named = [conversation.transmissionType];
    conversation.begin({ address: 'ü@x', parameters: { SMTPUTF8: true } });
    named.push(conversation.transmissionType);
    conversation.authenticated('PLAIN', 'tim');
    named.push(conversation.transmissionType);
    conversation.reset();
    named.push(conversation.transmissionType);
    assert.deepEqual(named, ['ESMTP', 'UTF8SMTP', 'UTF8SMTPA', 'ESMTPA']);
  });
});
