import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { MODES, oneDelivery, outcome, portOf, VERSIONS } from '../support/delivery.js';
import { itWith, run, start } from '../support/peers.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { TYPED_BODY, typeDialogue } from '../support/typed-dialogue.js';
import { startServer } from '../support/with-server.js';

const READY = {
  starttls: /- Simple Client Mode:\r?\n\r?\n/,
  'on-connect': /^220 mx\.test /m,
};

describe('gnutls-cli, a second TLS stack,', () => {
  for (const mode of MODES) {
    for (const version of VERSIONS) {
      itWith(['gnutls-cli'], `delivers: ${mode}, ${version}`, async () => {
        await using running = await startServer();
        await using folder = await temporaryFolder({ 'ca.pem': running.authority.ca });
        const client = start('gnutls-cli', [
          ...[`--x509cafile=${folder.file('ca.pem')}`, '--sni-hostname=mx.test', '--verify-hostname=mx.test'],
          ...[`--priority=NORMAL:-VERS-ALL:+VERS-TLS1.${version.at(-1)}`, `--port=${portOf(running, mode)}`],
          ...(mode === 'starttls' ? ['--starttls-proto=smtp'] : []),
          '127.0.0.1',
        ]);
        const { code, printed } = await typeDialogue(client, READY[mode]);
        assert.equal(code, 0, printed);
        assert.match(printed, /- Status: The certificate is trusted/);
        assert.match(printed, /^250 2\.0\.0 Message accepted/m);
        assert.match(printed, /^221 2\.0\.0 Bye/m);
        await running.quiet();
        const expected = { body: TYPED_BODY, rcptTo: ['bob@y.test'] };
        assert.deepEqual(outcome(running), oneDelivery(mode, version, expected));
      });
    }

    itWith(['gnutls-cli'], `goes no further where the name is another: ${mode}`, async () => {
      await using running = await startServer();
      await using folder = await temporaryFolder({ 'ca.pem': running.authority.ca });
      const { code, printed } = await run('gnutls-cli', [
        ...[`--x509cafile=${folder.file('ca.pem')}`, '--verify-hostname=other.test'],
        ...[`--port=${portOf(running, mode)}`, ...(mode === 'starttls' ? ['--starttls-proto=smtp'] : []), '127.0.0.1'],
      ]);
      assert.equal(code, 1, printed);
      assert.match(printed, /The name in the certificate does not match the expected/);
      await running.quiet();
      const refused = 'TLS handshake: the peer did not accept our certificate (ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE)';
      assert.deepEqual(outcome(running), {
        ...{ messages: [], errors: [refused], warnings: [], reasons: [refused], inClear: [] },
      });
    });
  }
});
