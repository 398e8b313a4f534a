import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Credentials } from '../../../src/credentials/resolved.js';
import { OptionError } from '../../../src/errors.js';
import { Engines } from '../../../src/net/engines.js';
import { serverTlsSettings } from '../../../src/net/server-tls-options.js';
import { TestAuthority } from '../../../src/testing/authority.js';

const { cert, key } = await (await TestAuthority.create()).issue({ name: 'mx.test' });
const credentials = (more: object = {}): Credentials => new Credentials('x', { cert, key, ca: [], ...more }, []);

describe('Engines', () => {
  it('build one engine and one context for the same credentials and the same verification', () => {
    const engines = new Engines(serverTlsSettings({}), false);
    const [one, other] = [credentials(), credentials()];
    assert.equal(engines.engine(one, 'none'), engines.engine(one, 'none'));
    assert.equal(engines.context(one, 'none'), engines.context(one, 'none'));
    assert.notEqual(engines.engine(one, 'none'), engines.engine(one, 'try'));
    assert.notEqual(engines.engine(one, 'none'), engines.engine(other, 'none'));
  });

  it('say in our words what OpenSSL refuses, and keep nothing of it', () => {
    const engines = new Engines(serverTlsSettings({}), false);
    const bad = credentials({ ciphers: 'NONSENSE' });
    for (const _time of [1, 2]) assert.throws(() => engines.engine(bad, 'none'), OptionError);
    assert.throws(() => engines.context(bad, 'try'), OptionError);
  });
});
