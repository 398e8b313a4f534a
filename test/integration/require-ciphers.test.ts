import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { type ConnectionOptions, connect, createServer } from 'node:tls';
import { perSni } from '../../src/credentials/index.js';
import { within } from '../support/raw-client.js';
import { visited } from '../support/visits.js';
import { testIdentity } from '../support/with-server.js';

const { authority, issued } = await testIdentity();
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
const AES128 = 'TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256';
const AES256 = 'TLS_AES_256_GCM_SHA384:ECDHE-ECDSA-AES256-GCM-SHA384';
const STRICT_HOST = '127.0.0.2';

/** AES128 alone for one host, the default for all others. */
const perHost = ({ senderHostAddress }: { readonly senderHostAddress?: string }): string | undefined =>
  senderHostAddress === STRICT_HOST ? AES128 : undefined;

/** A handshake with a listener on which TLS comes first. */
interface Meeting {
  /** Empty where it failed. */
  readonly suite: string;
  readonly resumed: boolean;
  readonly session: Buffer | undefined;
}

function meet(port: number, options: ConnectionOptions & { readonly localAddress?: string } = {}): Promise<Meeting> {
  const meeting = new Promise<Meeting>((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', ca: authority.ca, servername: 'mx.test', ...options });
    let session: Buffer | undefined;
    socket.on('session', (ticket) => {
      session = ticket;
    });
    socket.once('data', () => {
      const { name: suite } = socket.getCipher();
      resolve({ suite, resumed: socket.isSessionReused(), session: session ?? socket.getSession() });
      socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve({ suite: '', resumed: false, session: undefined }));
  });
  return within(meeting, 'the end of a handshake');
}

/** The suites that are agreed with clients who have all, of each version; and with one of TLS 1.3 that has no AES128. */
async function suitesUnder(requireCiphers: string): Promise<readonly string[]> {
  await using set = await visited({ requireCiphers });
  const { tlsPort } = set.running;
  const all = { ciphers: 'ALL:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256' };
  const meetings = [
    await meet(tlsPort, { ...all, maxVersion: 'TLSv1.2' }),
    await meet(tlsPort, { ...all, minVersion: 'TLSv1.3' }),
    await meet(tlsPort, { ciphers: AES256, minVersion: 'TLSv1.3' }),
  ];
  return meetings.map(({ suite }) => suite);
}

describe('requireCiphers holds the suite that is agreed, SPEC §5', { timeout: 120_000 }, () => {
  const [TLS13, TLS12] = AES128.split(':') as [string, string];
  for (const [list, ...suites] of [
    [TLS12, TLS12, '', ''],
    [`${TLS12};ECDHE-ECDSA-AES256-GCM-SHA384`, TLS12, '', ''],
    [`${TLS12}:+ECDHE-ECDSA-AES256-GCM-SHA384`, TLS12, '', ''],
    [`${TLS12}:NO-SUCH-SUITE`, TLS12, '', ''],
    [TLS13, '', TLS13, ''],
    [`${TLS12},${TLS13}`, TLS12, TLS13, ''],
    [`${TLS12} ${TLS13}`, TLS12, TLS13, ''],
    [`${TLS12}: ${TLS13}`, TLS12, TLS13, ''],
    [`${TLS13}:AES256`, 'ECDHE-ECDSA-AES256-GCM-SHA384', TLS13, ''],
    ['AES128:!aNULL', TLS12, 'TLS_AES_256_GCM_SHA384', 'TLS_AES_256_GCM_SHA384'],
  ] as const) {
    it(list, async () => {
      assert.deepEqual(await suitesUnder(list), suites);
    });
  }

  it('what it cannot mean is told before the first client comes', async () => {
    for (const requireCiphers of ['TLS_AES_128_GCM_SHA265', `${TLS12}:-TLS_AES_256_GCM_SHA384`]) {
      const started = async (): Promise<void> => (await visited({ requireCiphers }))[Symbol.asyncDispose]();
      await assert.rejects(started, /^OptionError: option tls\.requireCiphers /);
    }
  });
});

describe('requireCiphers for one host', { timeout: 120_000 }, () => {
  for (const version of VERSIONS) {
    for (const way of ['starttls', 'on-connect'] as const) {
      it(`a suite that others may have is not agreed with it; one of its own is (${version}, ${way})`, async () => {
        await using set = await visited({ requireCiphers: perHost });
        const visitor = { minVersion: version, maxVersion: version, way };
        const served = way === 'starttls' ? '250 none' : '220 none';
        assert.deepEqual(
          [
            await set.visit({ ...visitor, ciphers: AES256 }),
            await set.visit({ ...visitor, ciphers: AES256, from: STRICT_HOST }),
            await set.visit({ ...visitor, ciphers: `${AES256}:${AES128}`, from: STRICT_HOST }),
          ],
          [served, 'nothing; ERR_SSL_NO_SHARED_CIPHER', served],
        );
        assert.deepEqual(
          set.secured.map(({ bits }) => bits),
          [256, 128],
        );
      });
    }

    it(`a certificate that is chosen by server name brings no suite with it (${version})`, async () => {
      const { cert, key } = await authority.issue({ name: 'named.test' });
      const certificate = perSni(({ sni }) => (sni === 'named.test' ? cert : issued.cert));
      const privateKey = perSni(({ sni }) => (sni === 'named.test' ? key : issued.key));
      await using set = await visited({ certificate, privateKey, requireCiphers: perHost });
      const { tlsPort } = set.running;
      const named = { servername: 'named.test', minVersion: version, maxVersion: version, localAddress: STRICT_HOST };
      assert.equal((await meet(tlsPort, { ...named, ciphers: AES256 })).suite, '');
      assert.match((await meet(tlsPort, { ...named, ciphers: `${AES256}:${AES128}` })).suite, /AES_?128/);
    });

    it(`a session that began where the list was wider is not resumed under it (${version})`, async () => {
      await using set = await visited({ requireCiphers: perHost, ticketSecret: 'the same secret for all of the 32' });
      const { tlsPort } = set.running;
      const client = { minVersion: version, maxVersion: version, ciphers: `${AES256}:${AES128}` };
      const { session, suite } = await meet(tlsPort, client);
      assert.match(suite, /AES_?256/);
      const again = { ...client, ...(session && { session }) };
      assert.equal((await meet(tlsPort, again)).resumed, true);
      const elsewhere = await meet(tlsPort, { ...again, localAddress: STRICT_HOST });
      assert.deepEqual([elsewhere.resumed, /AES_?128/.test(elsewhere.suite)], [false, true]);
      assert.equal((await meet(tlsPort, { ...again, ciphers: AES256, localAddress: STRICT_HOST })).suite, '');
    });
  }

  it('negative control: where two lists have one key and one context, TLS 1.2 resumes with the suite of the other', async () => {
    const keys = Buffer.alloc(48, 1);
    const ports: number[] = [];
    const close: (() => void)[] = [];
    for (const ciphers of [AES256, AES128]) {
      const { cert, key } = issued;
      const server = createServer({ cert, key, ciphers, ticketKeys: keys, sessionIdContext: 'one for all' });
      server.on('secureConnection', (socket) => socket.on('error', () => {}).write('220 weak.test\r\n'));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      ports.push((server.address() as AddressInfo).port);
      close.push(() => void server.close());
    }
    const [wide = 0, narrow = 0] = ports;
    const client = { maxVersion: 'TLSv1.2', ciphers: AES256 } as const;
    assert.equal((await meet(narrow, client)).suite, '');
    const { session } = await meet(wide, client);
    const { suite, resumed } = await meet(narrow, { ...client, ...(session && { session }) });
    assert.deepEqual([suite, resumed], ['ECDHE-ECDSA-AES256-GCM-SHA384', true]);
    for (const one of close) one();
  });
});
