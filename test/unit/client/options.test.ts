import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type SmtpTransportOptions, transportSettings } from '../../../src/client/options.js';

describe('transportSettings', () => {
  it('waits as long as RFC 5321 §4.5.3.2 says by default', () => {
    const { timeouts } = transportSettings(undefined);
    assert.deepEqual(
      [timeouts.greetingMs, timeouts.commandMs, timeouts.dataBlockMs, timeouts.finalDotMs],
      [300_000, 300_000, 180_000, 600_000],
    );
  });

  it('says that it cannot log in, and what to do: not that auth is misspelt', () => {
    const auth = { user: 'me', pass: 'secret' };
    assert.throws(() => transportSettings({ auth } as SmtpTransportOptions), {
      option: 'auth',
      message: /^option auth is not there yet: SmtpTransport cannot log in\. Deliver to hosts that take mail without/,
    });
  });

  it('refuses what nobody reads, with the name that is meant', () => {
    const bad: [object, RegExp][] = [
      [{ secure: true }, /option secure is unknown; protocol: 'smtps' is meant/],
      [{ tls: { ca: 'x' } }, /option tls\.ca is unknown; tls\.verifyCertificates is meant/],
      [{ timeouts: { commandMs: 0 } }, /option timeouts\.commandMs must be a whole number/],
      [{ name: 'a b' }, /option name/],
      [{ name: 'm\u010ax' }, /option name/],
      [{ name: 7 }, /option name/],
      [{ tls: { verifyCertificates: null } }, /option tls\.verifyCertificates must be/],
      [{ tls: { verifyCertificates: new Uint8Array(1) } }, /option tls\.verifyCertificates must be/],
      [{ protocol: 'lmtp' }, /option protocol must be one of smtp, smtps/],
    ];
    for (const [options, expected] of bad) assert.throws(() => transportSettings(options), expected);
  });
});
