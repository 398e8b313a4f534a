import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { describe } from 'node:test';
import { MODES, type Mode, portOf } from '../support/delivery.js';
import { startNaive } from '../support/naive-server.js';
import { itWith, run } from '../support/peers.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';
import { sendMessage, startServer } from '../support/with-server.js';

/**
 * What is looked at in one run; runs go side by side, for most of their time they wait. Never with `--fast`: it does not see
 * suites without encryption.
 */
const PARTS: readonly { readonly checks: readonly string[]; readonly mustSay: readonly string[] }[] = [
  {
    checks: ['-p', '-s', '-f'],
    mustSay: [
      ...['SSLv3', 'TLS1', 'TLS1_2', 'TLS1_3', 'cipherlist_NULL', 'cipherlist_STRONG', 'PFS', 'PFS_ECDHE_curves'],
    ],
  },
  {
    checks: ['-P', '-S', '-U'],
    mustSay: [
      ...['TLS_extensions', 'cert_chain_of_trust', 'cert_trust', 'cert_expirationStatus', 'heartbleed', 'CCS', 'ROBOT'],
      ...['secure_client_renego', 'LOGJAM', 'LUCKY13', 'RC4', 'cipher_order', 'protocol_negotiated'],
    ],
  },
];

const BAD = ['MEDIUM', 'HIGH', 'CRITICAL', 'FATAL'];

/** What a key type is called in each mode, so that both are looked at without a run for each pair. */
const KEYS: Readonly<Record<Mode, 'ec' | 'rsa'>> = { starttls: 'rsa', 'on-connect': 'ec' };

/**
 * A root, and a leaf like one that is in service: valid for 90 days, with the address of a revocation list. What issues the
 * certificates of other tests makes neither, and testssl would find that first.
 */
async function identity(key: 'ec' | 'rsa'): Promise<TemporaryFolder> {
  const folder = await temporaryFolder();
  const newKey = key === 'rsa' ? ['-newkey', 'rsa:2048'] : ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  const make = (name: string, subject: string, ...more: readonly string[]): void => {
    const out = ['-keyout', folder.file(`${name}.key`), '-out', folder.file(`${name}.pem`)];
    const args = ['req', '-x509', '-nodes', ...newKey, '-days', '90', '-subj', subject, ...out, ...more];
    const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  };
  make('ca', '/CN=own authority');
  make(
    ...(['leaf', '/CN=mx.test', '-CA', folder.file('ca.pem'), '-CAkey', folder.file('ca.key')] as const),
    ...['-addext', 'subjectAltName=DNS:mx.test,IP:127.0.0.1', '-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-addext', 'extendedKeyUsage=serverAuth', '-addext', 'crlDistributionPoints=URI:http://mx.test/ca.crl'],
  );
  return folder;
}

/** @returns what testssl says of each id: its severity and its words. It ends with 0 also where it finds something. */
async function scan(
  port: number,
  mode: Mode,
  checks: readonly string[],
  ca: string,
): Promise<ReadonlyMap<string, string>> {
  await using folder = await temporaryFolder();
  const file = folder.file('found.json');
  const quiet = ['--warnings', 'off', '--color', '0', '--quiet', '--nodns', 'none', '--add-ca', ca];
  const protocol = mode === 'starttls' ? ['-t', 'smtp'] : [];
  await run('testssl', [...quiet, ...checks, '--jsonfile', file, ...protocol, `127.0.0.1:${port}`], {
    patienceMs: 280_000,
  });
  const findings = JSON.parse(await readFile(file, 'utf8')) as readonly {
    readonly id: string;
    readonly severity: string;
    readonly finding: string;
  }[];
  return new Map(findings.map(({ id, severity, finding }) => [id, `${severity}: ${finding}`]));
}

function bad(found: ReadonlyMap<string, string>): string[] {
  const lines = [...found].map(([id, said]) => `${id} ${said}`);
  return lines.filter((line) => BAD.some((severity) => line.includes(` ${severity}: `)));
}

describe('testssl finds nothing of medium severity or worse', { concurrency: 3 }, () => {
  for (const mode of MODES) {
    for (const { checks, mustSay } of PARTS) {
      itWith(['testssl', 'openssl'], `${mode}, ${KEYS[mode]}: ${checks.join(' ')}`, async () => {
        await using files = await identity(KEYS[mode]);
        const tls = { certificate: files.file('leaf.pem'), privateKey: files.file('leaf.key') };
        await using running = await startServer({ tls });
        const found = await scan(portOf(running, mode), mode, checks, files.file('ca.pem'));
        const missing = mustSay.filter((id) => !found.has(id));
        assert.deepEqual({ bad: bad(found), missing }, { bad: [], missing: [] }, [...found.keys()].join(' '));
        await using client = await running.upgraded({ rejectUnauthorized: false });
        assert.equal(await sendMessage(client), '250 2.0.0 Message accepted');
      });
    }

    itWith(
      ['testssl', 'openssl'],
      `negative control: it finds that Node lets clients renegotiate: ${mode}`,
      async () => {
        await using naive = await startNaive(mode);
        await using files = await identity('ec');
        const found = await scan(naive.port, mode, ['-R'], files.file('ca.pem'));
        assert.deepEqual(bad(found), ['secure_client_renego MEDIUM: VULNERABLE, potential DoS threat']);
      },
    );
  }

  itWith(
    ['testssl', 'openssl'],
    'negative control: it finds suites without encryption, authentication or forward secrecy',
    async () => {
      await using files = await identity('rsa');
      const own = { certificate: files.file('leaf.pem'), privateKey: files.file('leaf.key') };
      await using running = await startServer({
        tls: { ...own, requireCiphers: 'NULL-SHA256:AECDH-AES128-SHA:AES128-SHA:@SECLEVEL=0', maxVersion: 'TLSv1.2' },
      });
      const found = await scan(running.tlsPort, 'on-connect', ['-s', '-f'], files.file('ca.pem'));
      assert.deepEqual(bad(found), [
        'cipherlist_NULL CRITICAL: offered',
        'cipherlist_aNULL CRITICAL: offered',
        'cipherlist_STRONG MEDIUM: not offered',
        'PFS MEDIUM: No ciphers supporting (P)FS offered',
      ]);
    },
  );
});
