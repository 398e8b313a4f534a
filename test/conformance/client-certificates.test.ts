import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rename, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { perSni } from '../../src/credentials/index.js';
import { OptionError } from '../../src/errors.js';
import { StartTlsServer } from '../../src/net/starttls-server.js';
import { peerOf } from '../../src/peer.js';
import { TestAuthority } from '../../src/testing/authority.js';
import { RawClient } from '../support/raw-client.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { type VisitedServer, visited } from '../support/visits.js';
import { testIdentity } from '../support/with-server.js';

const { authority, issued } = await testIdentity();
const stranger = await TestAuthority.create({ name: 'a stranger' });
const good = await authority.issue({ name: 'client one', names: [], kind: 'client' });
const expired = await authority.issue({ kind: 'client', flaw: 'expired' });
const early = await authority.issue({ kind: 'client', flaw: 'not-yet-valid' });
const unknown = await stranger.issue({ kind: 'client' });
const selfSigned = await authority.issue({ kind: 'client', flaw: 'self-signed' });
const forServers = await authority.issue({ kind: 'server' });

const ALL = { none: {}, good, expired, early, unknown, selfSigned, forServers };
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
const WAYS = ['starttls', 'on-connect'] as const;

describe('client certificates, SPEC §5', { timeout: 120_000 }, () => {
  for (const maxVersion of VERSIONS) {
    for (const way of WAYS) {
      const said = way === 'starttls' ? '250' : '220';
      const all = async (set: VisitedServer): Promise<Record<string, string>> => {
        const table: Record<string, string> = {};
        for (const [name, shown] of Object.entries(ALL)) {
          table[name] = await set.visit({ ...shown, maxVersion, way });
        }
        return table;
      };

      it(`[S16] verifyHosts: only who shows a certificate that verifies is served; each failure is one event (${maxVersion}, ${way})`, async () => {
        await using set = await visited({ verifyHosts: '127.0.0.1', tryVerifyHosts: '*' });
        assert.deepEqual(await all(set), {
          none: 'nothing; ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE',
          good: `${said} verified`,
          expired: 'nothing; CERT_HAS_EXPIRED',
          early: 'nothing; CERT_NOT_YET_VALID',
          unknown: 'nothing; UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
          selfSigned: 'nothing; DEPTH_ZERO_SELF_SIGNED_CERT',
          forServers: 'nothing; INVALID_PURPOSE',
        });
        assert.equal(set.secured[0]?.peerDn, '/CN=client one');
      });

      it(`tryVerifyHosts: everybody is served, and \`certificate\` tells (${maxVersion}, ${way})`, async () => {
        await using set = await visited({ tryVerifyHosts: '*' });
        assert.deepEqual(await all(set), {
          none: `${said} none`,
          good: `${said} verified`,
          expired: `${said} unverified CERT_HAS_EXPIRED`,
          early: `${said} unverified CERT_NOT_YET_VALID`,
          unknown: `${said} unverified UNABLE_TO_GET_ISSUER_CERT_LOCALLY`,
          selfSigned: `${said} unverified DEPTH_ZERO_SELF_SIGNED_CERT`,
          forServers: `${said} unverified INVALID_PURPOSE`,
        });
      });

      it(`neither: nobody is asked for one (${maxVersion}, ${way})`, async () => {
        await using set = await visited({ verifyHosts: '192.0.2.1', tryVerifyHosts: '!127.0.0.1 : *' });
        assert.equal(await set.visit({ ...good, maxVersion, way }), `${said} none`);
      });
    }

    it(`says why in words, in one event (${maxVersion})`, async () => {
      await using set = await visited({ verifyHosts: '*' });
      await set.visit({ ...expired, maxVersion });
      await set.visit({ maxVersion });
      assert.deepEqual(
        set.running.errors.map(({ message }) => message),
        [
          "TLS handshake: the peer's certificate was not acceptable: it has expired (CERT_HAS_EXPIRED)",
          "TLS handshake: the peer's certificate was not acceptable: it showed none (ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE)",
        ],
      );
    });

    it(`[S20] an explicit collection of authorities is exclusive, an empty one trusts nobody, a listed leaf is trusted itself (${maxVersion})`, async () => {
      await using listed = await visited({ verifyHosts: '*', verifyCertificates: unknown.cert });
      assert.equal(await listed.visit({ ...unknown, maxVersion }), '250 verified');
      assert.equal(await listed.visit({ ...good, maxVersion }), 'nothing; SELF_SIGNED_CERT_IN_CHAIN');
      await using empty = await visited({ verifyHosts: '*', verifyCertificates: '/dev/null' });
      assert.equal(await empty.visit({ ...good, maxVersion }), 'nothing; SELF_SIGNED_CERT_IN_CHAIN');
    });

    it(`an expansion that leaves verifyCertificates unset trusts nobody (${maxVersion})`, async () => {
      await using set = await visited({ verifyHosts: '*', verifyCertificates: () => undefined });
      assert.equal(await set.visit({ ...good, maxVersion }), 'nothing; SELF_SIGNED_CERT_IN_CHAIN');
    });

    it(`a certificate that is chosen by server name verifies the client as well (${maxVersion})`, async () => {
      const named = await authority.issue({ name: 'other.test' });
      const crl = authority.crl();
      const chosen = (part: 'cert' | 'key') => perSni(({ sni }) => (sni === 'other.test' ? named : issued)[part]);
      for (const servername of ['other.test', 'mx.test']) {
        const certificate = chosen('cert');
        await using set = await visited({ certificate, privateKey: chosen('key'), crl, verifyHosts: '*' });
        assert.deepEqual(
          [
            await set.visit({ ...good, maxVersion, servername }),
            await set.visit({ ...unknown, maxVersion, servername }),
            await set.visit({ maxVersion, servername }),
          ],
          ['250 verified', 'nothing; UNABLE_TO_GET_CRL', 'nothing; ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE'],
          servername,
        );
      }
    });
  }

  it('a list without a collection to verify against is an error at once', () => {
    assert.throws(
      () => new StartTlsServer({ tls: { certificate: issued.cert, privateKey: issued.key, verifyHosts: '*' } }),
      (error: Error) => error instanceof OptionError && error.option === 'tls.verifyHosts',
    );
  });
});

describe('revocation, SPEC §3', { timeout: 120_000 }, () => {
  for (const maxVersion of VERSIONS) {
    it(`[S17, S18, S19] a revoked certificate is refused by verifyHosts and unverified under tryVerifyHosts; a fresh list counts at once (${maxVersion})`, async () => {
      const ca = await TestAuthority.create();
      await using folder = await temporaryFolder();
      const crl = folder.file('ca.crl');
      const install = async (): Promise<void> => {
        await writeFile(`${crl}.new`, ca.crl());
        await rename(`${crl}.new`, crl);
      };
      await install();
      const [fine, revoked] = [await ca.issue({ kind: 'client' }), await ca.issue({ kind: 'client', flaw: 'revoked' })];
      await using verify = await visited({ verifyCertificates: ca.ca, crl, verifyHosts: '*' });
      await using attempt = await visited({ verifyCertificates: ca.ca, crl, tryVerifyHosts: '*' });
      const all = async (): Promise<string[]> => [
        await verify.visit({ ...fine, maxVersion }),
        await verify.visit({ ...revoked, maxVersion }),
        await attempt.visit({ ...revoked, maxVersion }),
      ];
      assert.deepEqual(await all(), ['250 verified', '250 verified', '250 verified']);
      await install();
      assert.deepEqual(await all(), ['250 verified', 'nothing; CERT_REVOKED', '250 unverified CERT_REVOKED']);
    });
  }
});

describe('client certificates on a socket of one’s own', { timeout: 120_000 }, () => {
  for (const maxVersion of VERSIONS) {
    it(`StartTlsServer: verified, unverified, none; and a rejection with one event (${maxVersion})`, async () => {
      const tls = { certificate: issued.cert, privateKey: issued.key, verifyCertificates: authority.ca };
      const server = new StartTlsServer({ tls: { ...tls, verifyHosts: '127.0.0.2', tryVerifyHosts: '127.0.0.1' } });
      const events: string[] = [];
      server.on('tlsError', ({ code }) => events.push(code));
      const listener = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, '127.0.0.1');
      await once(listener, 'listening');
      const { port } = listener.address() as AddressInfo;
      const outcome = async (from: string, shown: object): Promise<string> => {
        const accepted = once(listener, 'connection') as Promise<[Socket]>;
        await using client = await RawClient.connect(port, '127.0.0.1', from);
        const [near] = await accepted;
        const session = server.session(peerOf(near));
        assert.deepEqual(await session.ehlo('client.test'), ['STARTTLS']);
        const work = session.starttls(near, { args: '', unread: Buffer.alloc(0) }).then(
          (result) => (result.kind === 'secured' ? result.tls.certificate : result.reply.lines[0]),
          (error: { reason?: string }) => `rejects ${error.reason}`,
        );
        await client.reply();
        await client.upgrade({ ca: authority.ca, maxVersion, ...shown }).catch(() => {});
        const said = await work;
        near.destroy();
        return `${said} ${session.state}`;
      };
      assert.deepEqual(
        [
          await outcome('127.0.0.1', {}),
          await outcome('127.0.0.1', expired),
          await outcome('127.0.0.1', good),
          await outcome('127.0.0.2', good),
          await outcome('127.0.0.2', expired),
          await outcome('127.0.0.2', {}),
        ],
        [
          'none secured',
          'unverified secured',
          'verified secured',
          'verified secured',
          'rejects peer-certificate closed',
          'rejects peer-certificate closed',
        ],
      );
      assert.deepEqual(events, ['ERR_TLS_SMTP_HANDSHAKE_FAILED', 'ERR_TLS_SMTP_HANDSHAKE_FAILED']);
      listener.close();
    });
  }
});
