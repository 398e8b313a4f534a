import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HostResolver } from '../../src/hostlist/index.js';
import { StartTlsServer } from '../../src/net/starttls-server.js';
import { SmtpServer } from '../../src/server/index.js';
import { RawClient, sleep, within } from '../support/raw-client.js';
import { visited } from '../support/visits.js';
import { type RunningServer, sendMessage, startServer, testIdentity } from '../support/with-server.js';

const MUST = '530 5.7.0 Must issue a STARTTLS command first';
const { authority, issued } = await testIdentity();
const identity = { certificate: issued.cert, privateKey: issued.key };

/** The banner has been read. */
async function client(running: RunningServer, from = '127.0.0.1'): Promise<RawClient> {
  const one = await RawClient.connect(running.port, '127.0.0.1', from);
  await one.reply();
  return one;
}

/** 127.0.0.2 is two.test, confirmed; of the others nothing is known. */
function slowDns(ms: number, asked: string[] = []): HostResolver {
  return {
    async reverse(address) {
      asked.push(address);
      await sleep(ms);
      return address === '127.0.0.2' ? ['two.test'] : [];
    },
    forward: async (name) => (name === 'two.test' ? ['127.0.0.2'] : []),
  };
}

describe('advertiseHosts, SPEC §5', { timeout: 120_000 }, () => {
  it('EHLO has STARTTLS for those on the list; for others it is 503, and mail goes on in clear', async () => {
    await using running = await startServer({ tls: { advertiseHosts: '127.0.0.1' } });
    await using one = await client(running);
    assert.match(await one.ask('EHLO a'), /^250.STARTTLS$/m);
    await using two = await client(running, '127.0.0.2');
    assert.doesNotMatch(await two.ask('EHLO a'), /STARTTLS/);
    assert.equal(await two.ask('STARTTLS'), '503 5.5.1 STARTTLS was not advertised');
    assert.match(await sendMessage(two), /^250 /);
    assert.equal(running.errors.length, 0);
  });

  it('set without a certificate: ready() and listen() reject, and say which option needs it', async () => {
    for (const [tls, name] of [
      [{ advertiseHosts: '*' }, 'tls.advertiseHosts'],
      [{ requireHosts: '*' }, 'tls.requireHosts'],
    ] as const) {
      const expected = { code: 'ERR_TLS_SMTP_CREDENTIAL_MISSING', message: new RegExp(`which ${name} needs`) };
      await assert.rejects(new StartTlsServer({ tls }).ready(), expected);
      await using server = new SmtpServer({ tls });
      await assert.rejects(server.listen({ port: 0, host: '127.0.0.1' }), expected);
    }
  });

  it('a server that only accepts sockets then offers it and answers 454 (SPEC §3)', async () => {
    const session = new StartTlsServer({ tls: { advertiseHosts: '*' } }).session({});
    assert.deepEqual(await session.ehlo('a'), ['STARTTLS']);
  });
});

describe('requireHosts, RFC 3207 §4', { timeout: 120_000 }, () => {
  const commands = ['MAIL FROM:<a@x.test>', 'RCPT TO:<b@y.test>', 'DATA', 'RSET', 'VRFY x', 'XYZZY', 'AUTH PLAIN'];

  it('[R17, R53, S32] who must use TLS gets 530 5.7.0 before it to everything but EHLO, HELO, NOOP, HELP, STARTTLS and QUIT', async () => {
    await using running = await startServer({ tls: { requireHosts: '127.0.0.1' } });
    for (const greeting of ['EHLO a', 'HELO a']) {
      await using one = await client(running);
      assert.equal(await one.ask('MAIL FROM:<a@x.test>'), MUST);
      assert.match(await one.ask(greeting), /^250/);
      for (const command of commands) assert.equal(await one.ask(command), MUST, command);
      assert.match(await one.ask('NOOP'), /^250 /);
      assert.match(await one.ask('HELP'), /^214 /);
      assert.match(await one.ask('QUIT'), /^221 /);
    }
    assert.deepEqual(
      running.seen.map(({ command }) => command),
      ['EHLO a', 'EHLO a'],
    );
  });

  it('[R58, S32] who must use TLS is served inside it, by STARTTLS and on connect; others need none', async () => {
    await using running = await startServer({ tls: { requireHosts: '127.0.0.1' } });
    await using one = await running.upgraded();
    assert.match(await sendMessage(one), /^250 /);
    await using direct = await RawClient.connectTls(running.tlsPort, running.trust);
    await direct.reply();
    assert.match(await sendMessage(direct), /^250 /);
    await using two = await client(running, '127.0.0.2');
    assert.match(await sendMessage(two), /^250 /);
  });

  it('pipelined commands get 530 each, and a list that needs DNS is asked once', async () => {
    const asked: string[] = [];
    const tls = { requireHosts: '*.test', hostLists: { resolver: slowDns(40, asked) } };
    await using running = await startServer({ tls });
    for (const [from, greeting, reply] of [
      ['127.0.0.2', 'EHLO a', /^530 /],
      ['127.0.0.2', 'HELO a', /^530 /],
      ['127.0.0.3', 'EHLO a', /^250 /],
      ['127.0.0.3', 'HELO a', /^250 /],
    ] as const) {
      await using one = await client(running, from);
      await one.send(`${greeting}\r\nMAIL FROM:<a@x.test>\r\nRSET\r\n`);
      const [, mail, reset] = await one.replies(3);
      assert.match(mail ?? '', reply, `${from} ${greeting}`);
      assert.match(reset ?? '', reply);
    }
    assert.deepEqual(asked, ['127.0.0.2', '127.0.0.2', '127.0.0.3', '127.0.0.3']);
  });

  it('while the list cannot tell yet: 451, and not a word more', async () => {
    await using running = await startServer({
      tls: { requireHosts: '*.test', hostLists: { resolver: slowDns(200) } },
    });
    await using one = await client(running, '127.0.0.3');
    assert.equal(await one.ask('MAIL FROM:<a@x.test>'), '451 4.7.1 Temporarily unable to decide, try again later');
    await one.ask('EHLO a');
    assert.match(await one.ask('MAIL FROM:<a@x.test>'), /^250 /);
  });

  it('[R18] to require TLS on port 25 is warned of once, and not on ports of submission', () => {
    const warned = (tls: object, ...ports: number[]): number => {
      const server = new StartTlsServer({ tls: { ...identity, ...tls } });
      const warnings: string[] = [];
      server.on('warning', (warning) => warnings.push(warning));
      for (const localPort of ports) server.session({ localPort });
      return warnings.filter((warning) => /requireHosts.*port 25/.test(warning)).length;
    };
    assert.deepEqual(
      [warned({ requireHosts: '*' }, 25, 25), warned({ requireHosts: '*' }, 587, 465), warned({}, 25)],
      [1, 0, 0],
    );
  });
});

describe('what a server warns of when it is ready', { timeout: 120_000 }, () => {
  it('host lists that say what is perhaps not meant, and versions that protect nothing', async () => {
    const tls = { requireHosts: '192.0.2.1/24', dangerouslyAllowTlsVersion: 'TLSv1.1' } as const;
    const server = new StartTlsServer({ tls: { ...identity, ...tls } });
    const warnings: string[] = [];
    server.on('warning', (warning) => warnings.push(warning));
    await server.ready();
    await server.ready();
    assert.equal(warnings.length, 2);
    assert.match(warnings[0] ?? '', /^tls\.requireHosts: 192\.0\.2\.1\/24: it means 192\.0\.2\.0\/24/);
    assert.match(warnings[1] ?? '', /^tls\.dangerouslyAllowTlsVersion .*RFC 8996/);
  });
});

describe('what is forgotten with STARTTLS, RFC 3207 §4.2', { timeout: 120_000 }, () => {
  it('HELO name, ESMTP, envelope: MAIL without a new EHLO is 503', async () => {
    await using running = await startServer();
    await using one = await running.greeted();
    await one.ask('MAIL FROM:<a@x.test>');
    await one.starttls(running.trust);
    assert.match(await one.ask('RCPT TO:<b@y.test>'), /^503 /);
    assert.match(await one.ask('MAIL FROM:<a@x.test>'), /^503 /);
  });

  it('rememberEsmtp keeps HELO and ESMTP, and nothing else [3463]', async () => {
    const kept: unknown[] = [];
    await using running = await startServer({
      tls: { rememberEsmtp: true },
      onConnect: (session) => void session.data.set('what', 'the application keeps'),
      onSecure: (_tls, { helo, esmtp, envelope, data }) => void kept.push(helo, esmtp, envelope, data.size),
    });
    await using one = await running.greeted();
    await one.ask('MAIL FROM:<a@x.test>');
    await one.starttls(running.trust);
    assert.match(await one.ask('RCPT TO:<b@y.test>'), /^503 /);
    assert.match(await one.ask('MAIL FROM:<a@x.test> SIZE=5'), /^250 /);
    assert.deepEqual(kept, ['client.test', true, null, 0]);
    await using silent = await client(running);
    await silent.ask('EHLO a');
    await silent.ask('HELO b');
    assert.match(await silent.ask('STARTTLS'), /^503 /);
  });
});

describe('versions and suites, SPEC §5', { timeout: 120_000 }, () => {
  const OLD = 'DEFAULT:@SECLEVEL=0';

  it('[R46, R51, R54, R55] TLS 1.2 and 1.3 are spoken, older ones by dangerouslyAllowTlsVersion alone, down to the one that it names', async () => {
    const table: Record<string, string[]> = {};
    for (const allowed of ['TLSv1', 'TLSv1.1', undefined] as const) {
      await using set = await visited(allowed === undefined ? {} : { dangerouslyAllowTlsVersion: allowed });
      const said: string[] = [];
      for (const version of ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const) {
        said.push(await set.visit({ minVersion: version, maxVersion: version, ciphers: OLD }));
      }
      table[allowed ?? 'default'] = [...said, ...set.secured.map(({ protocol }) => protocol)];
    }
    assert.deepEqual(table, {
      TLSv1: ['250 none', '250 none', '250 none', '250 none', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'],
      'TLSv1.1': [
        'nothing; ERR_SSL_UNSUPPORTED_PROTOCOL',
        '250 none',
        '250 none',
        '250 none',
        'TLSv1.1',
        'TLSv1.2',
        'TLSv1.3',
      ],
      default: [
        'nothing; ERR_SSL_UNSUPPORTED_PROTOCOL',
        'nothing; ERR_SSL_UNSUPPORTED_PROTOCOL',
        '250 none',
        '250 none',
        'TLSv1.2',
        'TLSv1.3',
      ],
    });
  });

  it('requireCiphers with names of TLS 1.2 alone means TLS 1.2; keywords leave TLS 1.3 alone; names of TLS 1.3 are a choice', async () => {
    const suites: Record<string, string> = {};
    for (const requireCiphers of [
      'ECDHE-ECDSA-AES128-GCM-SHA256',
      'HIGH:!aNULL',
      'TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256',
    ]) {
      await using set = await visited({ requireCiphers });
      await set.visit();
      await set.visit({ maxVersion: 'TLSv1.2' });
      suites[requireCiphers] = set.secured.map(({ protocol, cipherName }) => `${protocol} ${cipherName}`).join(', ');
    }
    assert.deepEqual(suites, {
      'ECDHE-ECDSA-AES128-GCM-SHA256': 'TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256, TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256',
      'HIGH:!aNULL': 'TLSv1.3 TLS_AES_256_GCM_SHA384, TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384',
      'TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256':
        'TLSv1.3 TLS_AES_128_GCM_SHA256, TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256',
    });
  });

  it('[S35] suites for one host and others for the rest: who has none of them fails the handshake', async () => {
    const requireCiphers = ({ senderHostAddress }: { readonly senderHostAddress?: string }): string =>
      senderHostAddress === '127.0.0.2' ? 'ECDHE-ECDSA-AES256-GCM-SHA384' : 'ECDHE-ECDSA-AES128-GCM-SHA256';
    await using set = await visited({ requireCiphers });
    const ciphers = 'ECDHE-ECDSA-AES128-GCM-SHA256';
    assert.deepEqual(
      [await set.visit({ ciphers }), await set.visit({ ciphers, from: '127.0.0.2' })],
      ['250 none', 'nothing; ERR_SSL_NO_SHARED_CIPHER'],
    );
  });
});

describe('slow DNS and handshakes', { timeout: 120_000 }, () => {
  it('a client whose name is being looked up takes no place among the handshakes', async () => {
    const resolver = slowDns(300);
    const tls = { verifyCertificates: authority.ca, tryVerifyHosts: '127.0.0.1 : *.test', hostLists: { resolver } };
    await using running = await startServer({ tls, limits: { maxHandshakes: 1 } });
    await using slow = await client(running, '127.0.0.3');
    await slow.ask('EHLO a');
    await slow.send('STARTTLS\r\n');
    await using quick = await client(running);
    await quick.ask('EHLO a');
    await within(quick.starttls(running.trust), 'a handshake');
    assert.match(await slow.reply(), /^220 /);
  });
});
