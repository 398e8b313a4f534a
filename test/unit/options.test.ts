import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkedOptions, oneOf, wholeNumber } from '../../src/options.js';

interface Sample {
  readonly onMessage?: number;
  readonly size?: number;
}

describe('checkedOptions', () => {
  it('refuses a name that nobody reads, and says which is meant', () => {
    const check = (given: object): Sample =>
      checkedOptions<Sample>('tls', given, ['onMessage', 'size'], { onData: 'onMessage' });
    assert.throws(() => check({ onData: 1 }), {
      message: 'option tls.onData is unknown; onMessage is meant?',
      code: 'ERR_TLS_SMTP_OPTION',
    });
    assert.throws(() => check({ SIZE: 1 }), /option tls\.SIZE is unknown; tls\.size is meant/);
    assert.throws(() => check({ constructor: 1 }), { message: 'option tls.constructor is unknown' });
    for (const none of [null, 'x', 42, [], ['x'], () => {}] as unknown as object[]) {
      assert.throws(() => check(none), { message: 'option tls must be an object' });
    }
  });

  it('reads own properties alone: a prototype configures nothing', () => {
    const given = Object.create({ size: 1 }) as Sample;
    assert.equal(checkedOptions<Sample>('', given, ['size']).size, undefined);
    assert.throws(
      () => checkedOptions<Sample>('', JSON.parse('{"__proto__":{"size":1}}'), ['size']),
      /__proto__ is unknown/,
    );
  });

  it('bounds numbers and words', () => {
    assert.deepEqual(
      [wholeNumber('x', undefined, 5, 1, 9), wholeNumber('x', 9, 5, 1, 9), oneOf('x', undefined, 'a', ['a', 'b'])],
      [5, 9, 'a'],
    );
    for (const bad of [0, 10, 1.5, Number.NaN, '3' as unknown as number])
      assert.throws(() => wholeNumber('x', bad, 5, 1, 9), /option x must be a whole number from 1 to 9/);
    assert.throws(() => oneOf('x', 'c' as 'a', 'a', ['a', 'b']), /option x must be one of a, b/);
  });
});
