import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Conversation } from '../../../src/server/conversation.js';
import { checkedLimits } from '../../../src/server/limits.js';
import { badMailParameter, withTrustedAuthor } from '../../../src/server/mail-parameters.js';
import { parsePath } from '../../../src/smtp/path.js';

interface Given {
  readonly hide?: readonly string[];
  readonly auth?: boolean;
  readonly esmtp?: boolean;
}

/** @returns what is said to `MAIL FROM:<…> …`; null where it may stand */
function judged(text: string, { hide = [], auth = true, esmtp = true }: Given = {}): string | null {
  const path = parsePath('FROM', `FROM:${text}`);
  assert.ok(path, text);
  const conversation = new Conversation('id', {});
  conversation.greet('me', esmtp);
  const reply = badMailParameter(path, {
    limits: checkedLimits({ maxMessageBytes: 1_000 }),
    hidden: new Set(hide),
    auth: auth ? { methods: ['PLAIN'], insecure: false } : null,
    conversation,
  });
  return reply && `${reply.code} ${reply.enhanced}`;
}

describe('badMailParameter', () => {
  it('takes what EHLO offers', () => {
    for (const text of [
      '<>',
      '<a@x> SIZE=1000',
      '<a@x> BODY=8bitmime',
      '<a@x> SMTPUTF8',
      '<ü@ü> SMTPUTF8',
      '<a@x> AUTH=<>',
    ])
      assert.equal(judged(text), null, text);
  });

  it('names what is wrong with a value', () => {
    assert.deepEqual(
      ['SIZE=x', 'SIZE', 'SIZE=1001', 'BODY=9BIT', 'SMTPUTF8=yes', 'AUTH', 'AUTH=a+zz', 'NOTHING'].map((one) =>
        judged(`<a@x> ${one}`),
      ),
      [...['501 5.5.4', '501 5.5.4', '552 5.3.4', '501 5.5.4', '501 5.5.4', '501 5.5.4', '501 5.5.4'], '555 5.5.4'],
    );
  });

  it('reads the author as xtext (RFC 3461 §4), where AUTH is offered (RFC 4954 §5)', () => {
    assert.equal(judged('<a@x> AUTH=e+3Dmc2@example.com'), null);
    assert.equal(judged('<a@x> AUTH=<>', { auth: false }), '555 5.5.4');
  });

  it('wants SMTPUTF8 for an address outside ASCII (RFC 6531 §3.5)', () => {
    assert.deepEqual(
      [judged('<ü@x.test>'), judged('<a@bücher.test> SIZE=1'), judged('<ü@x.test> SMTPUTF8')],
      ['553 5.6.7', '553 5.6.7', null],
    );
  });

  it('takes nothing of an extension that is hidden, or that HELO does not have', () => {
    const parameters = [
      ['SIZE=1', 'SIZE'],
      ['BODY=7BIT', '8BITMIME'],
      ['SMTPUTF8', 'SMTPUTF8'],
    ] as const;
    for (const [parameter, keyword] of parameters)
      assert.equal(judged(`<a@x> ${parameter}`, { hide: [keyword] }), '555 5.5.4', parameter);
    for (const parameter of ['SMTPUTF8', 'AUTH=<>'])
      assert.equal(judged(`<a@x> ${parameter}`, { esmtp: false }), '555 5.5.4', parameter);
  });
});

describe('withTrustedAuthor (RFC 4954 §5)', () => {
  const told = (user: string | null, parameters: string): unknown => {
    const path = parsePath('FROM', `FROM:<a@x.test> ${parameters}`);
    assert.ok(path);
    return { ...withTrustedAuthor(path, user).parameters };
  };

  it('believes who has authenticated; of others it is as if AUTH=<> had been said', () => {
    assert.deepEqual(told('tim', 'AUTH=b@y.test SIZE=1'), { AUTH: 'b@y.test', SIZE: '1' });
    assert.deepEqual(told(null, 'AUTH=b@y.test SIZE=1'), { AUTH: '<>', SIZE: '1' });
    assert.deepEqual(told(null, 'SIZE=1'), { SIZE: '1' });
  });
});
