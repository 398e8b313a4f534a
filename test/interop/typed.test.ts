import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { MODES, outcome, portOf } from '../support/delivery.js';
import { inEveryWay } from '../support/matrix.js';
import { itWith, run } from '../support/peers.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { GNUTLS, OPENSSL } from '../support/typed-clients.js';
import { startServer } from '../support/with-server.js';

for (const client of [GNUTLS, OPENSSL]) inEveryWay(client);

describe('gnutls-cli, a second TLS stack,', () => {
  for (const mode of MODES) {
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
