import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { after, describe, it } from 'node:test';
import type { IssuedCertificate } from '../../src/testing/authority.js';
import { forgedChain, largestRsaKey, longChain, strangerWith } from '../support/costly-certificates.js';
import { OddAuthority } from '../support/odd-certificate.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { visited } from '../support/visits.js';
import { testIdentity } from '../support/with-server.js';

/** SECURITY S29: how long nobody else may be kept from being served. */
const GOAL_MS = 100;

/** What it is with the slowest keys that OpenSSL knows, and Node has no option to refuse them or to shorten a chain. */
const WORST_MS = 1_000;
const ROUNDS = 3;
const FAILED = 'ERR_TLS_SMTP_HANDSHAKE_FAILED';

/** What comes to visit: in a process of its own, for what its handshakes cost it is its own affair. */
const VISITOR = `
const { readFileSync } = require('node:fs');
const { connect, createSecureContext } = require('node:tls');
const [port, file, maxVersion] = process.argv.slice(1);
const pem = readFileSync(file);
const secureContext = createSecureContext({ cert: pem, key: pem, ca: [], maxVersion });
const socket = connect({ port: Number(port), host: '127.0.0.1', rejectUnauthorized: false, secureContext });
socket.on('data', () => socket.destroy());
socket.on('error', () => {});
`;

const { authority } = await testIdentity();
const odd = await OddAuthority.create();
const folder = await temporaryFolder();
after(() => folder[Symbol.asyncDispose]());
const largest = largestRsaKey();

/** What the handshakes of one client cost a server that asks for certificates and lets everybody in. */
interface Cost {
  /** What the client's certificate counted as, each time; or how the handshake failed. */
  readonly outcome: string;
  /** Of the event loop. Told and not judged: on a busy machine it waits for other processes too. */
  readonly longestStopMs: number;
  /** Of one handshake, the least of some. It is spent without a pause, and so nobody else is served meanwhile. */
  readonly cpuMs: number;
}

async function costOf(shown: IssuedCertificate, maxVersion: string): Promise<Cost> {
  await using set = await visited({ tryVerifyHosts: '*', verifyCertificates: `${authority.ca}${odd.ca}` });
  const { running, secured } = set;
  const file = join(folder.path, 'visitor.pem');
  await writeFile(file, `${shown.cert}${shown.key}`);
  const visit = async (): Promise<void> => {
    const args = ['-e', VISITOR, String(running.tlsPort), file, maxVersion];
    await once(spawn(process.execPath, args, { stdio: 'inherit' }), 'close');
    await running.quiet();
  };
  await visit(); // so that what is compiled and loaded once is not counted
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const cpuMs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    await visit();
    const { user, system } = process.cpuUsage(before);
    cpuMs.push((user + system) / 1e3);
  }
  delay.disable();
  const outcomes = new Set([
    ...secured.map(({ certificate }) => certificate),
    ...running.errors.map(({ code }) => code),
  ]);
  return {
    outcome: [...outcomes].join(),
    longestStopMs: delay.max / 1e6,
    cpuMs: Math.min(...cpuMs),
  };
}

describe('S29: client certificates that are made to cost much, under tls.tryVerifyHosts', { timeout: 120_000 }, () => {
  const manyUnits = Array.from({ length: 200 }, (_, at) => [{ type: 'OU', value: `unit ${at} `.padEnd(60, 'x') }]);
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3']) {
    for (const [what, made, expected, mostMs] of [
      [
        'two hundred OUs',
        () => odd.issue({ subject: [...manyUnits, [{ type: 'CN', value: 'many' }]] }),
        'verified',
        GOAL_MS,
      ],
      ['a key of 16,384 bits (RSA)', () => strangerWith(largest), 'unverified', GOAL_MS],
      ['a chain of a hundred, each signed by the next', () => longChain(100), 'unverified', GOAL_MS],
      ['as many keys of 16,384 bits as OpenSSL takes', () => forgedChain(24, largest), FAILED, GOAL_MS],
      ['more than that', () => forgedChain(26, largest), FAILED, GOAL_MS],
      ['a chain of a hundred on the slowest curve', () => longChain(100, 'sect571r1'), 'unverified', WORST_MS],
    ] as const) {
      it(`${what}: others wait no longer than ${mostMs} ms (${maxVersion})`, async (test) => {
        const { outcome, longestStopMs, cpuMs } = await costOf(await made(), maxVersion);
        test.diagnostic(
          `${cpuMs.toFixed(1)} ms of CPU a handshake, the loop stood still for ${longestStopMs.toFixed(1)} ms`,
        );
        assert.equal(outcome, expected);
        assert.ok(cpuMs < mostMs, `${cpuMs} ms of CPU`);
      });
    }
  }
});
