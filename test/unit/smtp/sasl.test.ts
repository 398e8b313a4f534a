import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { beginSasl, SASL_MECHANISMS, type SaslMechanism, type SaslStep, stepSasl } from '../../../src/smtp/sasl.js';

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');

/** Responses one after the other, the first with the command. @returns the challenges, as text, and the last step */
function dialogue(method: SaslMechanism, initial: string | null, ...responses: string[]): unknown[] {
  let step = beginSasl(method, initial);
  const told: unknown[] = [];
  for (const response of responses) {
    if (step.next !== 'challenge') break;
    told.push(Buffer.from(step.challenge, 'base64').toString());
    step = stepSasl(step.state, response);
  }
  return [...told, outcome(step)];
}

function outcome(step: SaslStep): unknown {
  if (step.next === 'judge') return step.claim;
  return step.next === 'fail' ? step.why : Buffer.from(step.challenge, 'base64').toString();
}

describe('SASL PLAIN (RFC 4616)', () => {
  const claim = { method: 'PLAIN', username: 'tim', password: 'tanstaaf\u00ebl' };

  it('§4: reads the message with the command, or behind an empty challenge', () => {
    const message = base64('\0tim\0tanstaaf\u00ebl');
    assert.deepEqual(dialogue('PLAIN', message), [claim]);
    assert.deepEqual(dialogue('PLAIN', null, message), ['', claim]);
    assert.deepEqual(beginSasl('PLAIN', null), {
      next: 'challenge',
      challenge: '',
      state: { awaits: 'message', method: 'PLAIN' },
    });
  });

  it('§2: whoever names himself twice is himself; one user cannot act as another', () => {
    assert.deepEqual(dialogue('PLAIN', base64('tim\0tim\0tanstaaf\u00ebl')), [claim]);
    assert.deepEqual(dialogue('PLAIN', base64('admin\0tim\0tanstaaf\u00ebl')), ['proxy']);
  });

  it('§2: a message of two or four parts, an empty name or password, a control character or no UTF-8: malformed', () => {
    const texts = [
      '',
      'tim',
      'tim\0pass',
      '\0tim\0pass\0',
      '\0\0pass',
      '\0tim\0',
      '\0ti\nm\0pass',
      '\0ti\u202em\0pass',
    ];
    assert.deepEqual(
      texts.map((text) => outcome(beginSasl('PLAIN', base64(text) || '='))),
      texts.map(() => 'malformed'),
    );
    assert.deepEqual(dialogue('PLAIN', Buffer.from('\0t\xe9m\0pass', 'latin1').toString('base64')), ['malformed']);
  });

  it('leaves a password as it is: spaces, controls, any script', () => {
    for (const password of [' a b ', 'a\tb', '\u202e', 'пароль', '='])
      assert.deepEqual(dialogue('PLAIN', base64(`\0tim\0${password}`)), [
        { method: 'PLAIN', username: 'tim', password },
      ]);
  });
});

describe('SASL LOGIN, as in the field', () => {
  const claim = { method: 'LOGIN', username: 'tim', password: 'p w' };

  it('asks for both in the words that clients wait for, or takes the name with the command', () => {
    assert.deepEqual(dialogue('LOGIN', null, base64('tim'), base64('p w')), ['Username:', 'Password:', claim]);
    assert.deepEqual(dialogue('LOGIN', base64('tim'), base64('p w')), ['Password:', claim]);
  });

  it('takes no empty name, no empty password, no NUL in either', () => {
    const asked = 'Username:';
    assert.deepEqual(dialogue('LOGIN', null, ''), [asked, 'malformed']);
    assert.deepEqual(dialogue('LOGIN', '='), ['malformed']);
    assert.deepEqual(dialogue('LOGIN', null, base64('tim'), ''), [asked, 'Password:', 'malformed']);
    assert.deepEqual(dialogue('LOGIN', null, base64('ti\0m')), [asked, 'malformed']);
    assert.deepEqual(dialogue('LOGIN', null, base64('tim'), base64('a\0b')), [asked, 'Password:', 'malformed']);
  });
});

describe('SASL EXTERNAL (RFC 4422 appendix A)', () => {
  it('takes the empty message for whom the certificate names, and a name for whom the client wants to be', () => {
    const nobody = { method: 'EXTERNAL', username: '' };
    assert.deepEqual(dialogue('EXTERNAL', '='), [nobody]);
    assert.deepEqual(dialogue('EXTERNAL', null, ''), ['', nobody]);
    assert.deepEqual(dialogue('EXTERNAL', base64('tim')), [{ method: 'EXTERNAL', username: 'tim' }]);
    assert.deepEqual(dialogue('EXTERNAL', base64('ti\0m')), ['malformed']);
  });
});

describe('SASL in AUTH (RFC 4954 §4)', () => {
  it('an asterisk cancels, whatever is awaited', () => {
    assert.deepEqual(
      SASL_MECHANISMS.map((method) => dialogue(method, null, '*').at(-1)),
      Array(3).fill('cancelled'),
    );
    assert.deepEqual(dialogue('LOGIN', base64('tim'), '*'), ['Password:', 'cancelled']);
  });

  it('takes base64 of RFC 4648 §4 alone: whole groups, padded, no other octet, no bit left over', () => {
    const bad = [
      'dGlt=',
      'dGl',
      'dG lt',
      ' dGlt',
      'dGlt ',
      'dG-_',
      'dGlt!',
      '=',
      '====',
      'dGltYQ',
      'dGltYR==',
      'dGlt\xe9',
    ];
    assert.deepEqual(
      bad.map((text) => dialogue('LOGIN', null, text).at(-1)),
      bad.map(() => 'not-base64'),
    );
  });

  it('gives a step for any texts, and throws for none', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.constantFrom('*', '=', ''),
      fc.array(fc.constantFrom('\0', 'a', 'ü', '\n'), { maxLength: 6 }).map((parts) => base64(parts.join(''))),
      fc.uint8Array({ maxLength: 20 }).map((octets) => Buffer.from(octets).toString('base64')),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...SASL_MECHANISMS),
        fc.option(text),
        fc.array(text, { maxLength: 3 }),
        (method, initial, responses) => {
          let step = beginSasl(method, initial);
          for (const response of responses) if (step.next === 'challenge') step = stepSasl(step.state, response);
          assert.ok(['challenge', 'judge', 'fail'].includes(step.next));
          if (step.next !== 'judge') return;
          const { username, password } = step.claim;
          assert.doesNotMatch(username, /[\p{Cc}\p{Cf}]/u);
          assert.equal(password === undefined, method === 'EXTERNAL');
          assert.notEqual(password, '');
          if (method !== 'EXTERNAL') assert.notEqual(username, '');
        },
      ),
      { numRuns: 5_000 },
    );
  });

  it('keeps no password while it waits', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...SASL_MECHANISMS),
        fc.option(fc.constant(base64('\0tim\0secret'))),
        (method, initial) => {
          const step = beginSasl(method, initial);
          if (step.next === 'challenge') assert.ok(!JSON.stringify(step).includes('secret'));
        },
      ),
    );
  });
});
