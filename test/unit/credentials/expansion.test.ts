import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ExpansionFailedError, ExpansionTimeoutError } from '../../../src/credentials/errors.js';
import { type Expanded, expand, isPerSni, perSni } from '../../../src/credentials/expansion.js';
import { WatchedFacts } from '../../../src/credentials/facts.js';
import { ForcedFailure } from '../../../src/errors.js';

const facts = { senderHostAddress: '192.0.2.1', heloName: 'client.test' };

async function expanded(given: unknown, timeoutMs = 1_000): Promise<Expanded> {
  return expand('tls.certificate', given, new WatchedFacts(facts), timeoutMs);
}

describe('expand, SPEC §3', () => {
  it('takes a value as it is, without a copy, also one that is false', async () => {
    for (const value of ['x', '', 0, false, null, Buffer.from('x')]) {
      assert.deepEqual(await expanded(value), { kind: 'value', value, byPeer: false });
    }
    const buffer = Buffer.from('x');
    const result = await expanded(buffer);
    assert.ok(result.kind === 'value' && result.value === buffer);
  });

  it('calls a callback with the facts, and takes what it gives, now or later', async () => {
    const given = ({ senderHostAddress }: typeof facts): string => `/etc/${senderHostAddress}.pem`;
    const value = { kind: 'value', value: '/etc/192.0.2.1.pem', byPeer: false };
    assert.deepEqual([await expanded(given), await expanded(async (one: typeof facts) => given(one))], [value, value]);
  });

  it('takes undefined and a forced failure for an option that is not set, thrown or rejected', async () => {
    const forced = (): never => {
      throw new ForcedFailure();
    };
    for (const given of [undefined, () => undefined, async () => undefined, forced, async () => forced()]) {
      assert.deepEqual(await expanded(given), { kind: 'unset' });
    }
  });

  it('tags any other throw as an error with its cause, and tells nothing of it in the message', async () => {
    const cause = new Error('secret of the database');
    for (const given of [
      () => {
        throw cause;
      },
      () => Promise.reject(cause),
    ]) {
      const result = await expanded(given);
      assert.ok(result.kind === 'failed' && result.error instanceof ExpansionFailedError);
      assert.deepEqual(
        [result.error.message, result.error.cause, result.error.option],
        ['tls.certificate: the expansion failed', cause, 'tls.certificate'],
      );
    }
  });

  it('ends at its deadline, and leaves what comes later unheard', async () => {
    const result = await expanded(
      () => new Promise((_resolve, reject) => setTimeout(reject, 40, new Error('late'))),
      10,
    );
    assert.ok(result.kind === 'failed' && result.error instanceof ExpansionTimeoutError);
    assert.equal(result.error.message, 'tls.certificate: the expansion did not answer within 10 ms');
    await new Promise((resolve) => setTimeout(resolve, 60)); // an unhandled rejection would fail the test
  });

  it('says of a value whether its callback had looked at a name that the peer chose', async () => {
    const by = async (given: unknown): Promise<unknown> => {
      const result = await expanded(given);
      return result.kind === 'value' && result.byPeer;
    };
    assert.equal(await by((one: typeof facts) => one.senderHostAddress), false);
    assert.equal(await by((one: typeof facts) => one.heloName), true);
    assert.equal(await by((one: typeof facts) => ({ ...one }).senderHostAddress), true);
    assert.equal(await by(async (one: typeof facts) => Promise.resolve().then(() => one.heloName)), true);
  });
});

describe('perSni', () => {
  it('marks a callback, and leaves what it does alone', () => {
    const given = ({ sni }: { readonly sni?: string }): string | undefined => sni;
    const marked = perSni(given);
    assert.deepEqual([isPerSni(marked), isPerSni(given), isPerSni('x')], [true, false, false]);
    assert.ok(typeof marked === 'function');
    assert.equal(marked({ sni: 'mx.test' }), 'mx.test');
  });
});
