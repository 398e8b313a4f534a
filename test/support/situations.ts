import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type ConnectionOptions, createServer as createTlsServer, type TlsOptions } from 'node:tls';
import {
  type CredentialOptions,
  CredentialStore,
  type ServerConnectionFacts,
  SmtpTransport,
  type SmtpTransportOptions,
} from '../../src/index.js';
import { Engine, type EnginePolicy } from '../../src/net/engine.js';
import { upgrade } from '../../src/net/upgrade.js';
import { loadAsn1 } from '../../src/testing/asn1.js';
import { TestAuthority } from '../../src/testing/index.js';
import type { Flaw } from '../../src/testing/leaf-plan.js';
import { writeCertificate } from '../../src/testing/x509-writer.js';
import { dhParameters } from './dh-parameters.js';
import { clientHello, RawClient, within } from './raw-client.js';
import { scriptedServer } from './scripted-server.js';
import { type StartOptions, startServer, testIdentity } from './with-server.js';

/**
 * What Node and OpenSSL call differently from version to version: one way into each situation, with real handshakes and real
 * loads. Each gives our error.
 */
export type Situations = Readonly<Record<string, () => Promise<unknown>>>;

const SEEN_BY_ALL_VERSIONS = 'DEFAULT:@SECLEVEL=0';

/** Alerts by their number in the registry (RFC 8446 §6); those that only mean "I close" have rows of their own. */
const ALERTS: Readonly<Record<string, number>> = {
  unexpected_message: 10,
  bad_record_mac: 20,
  record_overflow: 22,
  handshake_failure: 40,
  bad_certificate: 42,
  unsupported_certificate: 43,
  certificate_revoked: 44,
  certificate_expired: 45,
  certificate_unknown: 46,
  illegal_parameter: 47,
  unknown_ca: 48,
  access_denied: 49,
  decode_error: 50,
  decrypt_error: 51,
  protocol_version: 70,
  insufficient_security: 71,
  internal_error: 80,
  inappropriate_fallback: 86,
  missing_extension: 109,
  unsupported_extension: 110,
  unrecognized_name: 112,
  bad_certificate_status_response: 113,
  unknown_psk_identity: 115,
  certificate_required: 116,
  no_application_protocol: 120,
};

function alert(number: number): Buffer {
  return Buffer.from([0x15, 3, 3, 0, 2, 2, number]);
}

/** A client of our server, on a port where TLS comes first. */
export const CLIENTS: Situations = {
  'speaks HTTP': () => said('GET / HTTP/1.1\r\nHost: mx.test\r\n\r\n'),
  'speaks HTTP to a proxy': () => said('CONNECT mx.test:443 HTTP/1.1\r\n\r\n'),
  'speaks SMTP': () => said('EHLO client.test\r\n'),
  'sends zeros': () => said(Buffer.alloc(64)),
  'sends a record that is too long': () => said(Buffer.from([0x16, 3, 1, 0xff, 0xff, ...Buffer.alloc(400)])),
  'sends a ClientHello and then no TLS': async () =>
    said(Buffer.concat([await clientHello(), Buffer.from('QUIT\r\n')])),
  'closes before it says anything': () => seen({}, (client) => client.finish()),
  'closes in the middle of its ClientHello': async () => {
    const hello = await clientHello();
    return seen({}, async (client) => {
      await client.send(hello.subarray(0, 40));
      client.finish();
    });
  },
  'resets the connection': async () => {
    const hello = await clientHello();
    return seen({}, async (client) => {
      await client.send(hello);
      client.reset();
    });
  },
  'is silent': () => seen({ tls: { handshakeTimeoutMs: 40 } }, () => {}),
  'is older than TLS 1.2': () =>
    tried({}, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: SEEN_BY_ALL_VERSIONS }),
  'knows TLS 1.2 at most, where 1.3 is the least': () =>
    tried({ tls: { minVersion: 'TLSv1.3' } }, { maxVersion: 'TLSv1.2' }),
  'has no suite in common, TLS 1.2': () =>
    tried(
      { tls: { requireCiphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' } },
      { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' },
    ),
  'has no suite in common, TLS 1.3': () =>
    tried(
      { tls: { requireCiphers: 'TLS_AES_128_GCM_SHA256:ECDHE+AESGCM', minVersion: 'TLSv1.3' } },
      { ciphers: 'TLS_AES_256_GCM_SHA384', minVersion: 'TLSv1.3' },
    ),
  'has no kind of key in common, TLS 1.2': () =>
    tried({}, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }),
  'offers other protocols only (ALPN)': () => tried({}, { ALPNProtocols: ['h2', 'http/1.1'] }),
  ...prefixed('says the alert ', ALERTS, async (number) => said(Buffer.concat([await clientHello(), alert(number)]))),
};

/** A client that must show a certificate, where the stack judges it. */
export const CLIENT_CERTIFICATES: Situations = {
  'shows none, TLS 1.2': () => judged('TLSv1.2'),
  'shows none, TLS 1.3': () => judged('TLSv1.3'),
};

/** A server that our transport delivers to, smtps. */
export const SERVERS: Situations = {
  'speaks SMTP in clear': () => delivered((socket) => void socket.write('220 mx.test ESMTP\r\n')),
  'speaks HTTP': () => delivered((socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')),
  'closes at once': () => delivered((socket) => void socket.end()),
  'closes behind the ClientHello': () => delivered((socket) => void socket.once('data', () => socket.end())),
  'resets the connection': () => delivered((socket) => void socket.once('data', () => socket.resetAndDestroy())),
  'is silent': () => delivered(() => {}),
  'is older than TLS 1.2': () =>
    deliveredTls({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: SEEN_BY_ALL_VERSIONS }),
  'has no suite in common': () =>
    deliveredTls({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-CAMELLIA256-SHA384:AES128-CCM8' }),
  'speaks no protocol of ours (ALPN)': () => deliveredTls({ ALPNProtocols: ['h2'] }),
  ...prefixed('says the alert ', ALERTS, (number) =>
    delivered((socket) => void socket.once('data', () => socket.end(alert(number)))),
  ),
  ...prefixed(
    'has a certificate with the flaw ',
    flaws('expired', 'not-yet-valid', 'self-signed', 'unknown-ca', 'wrong-name', 'cn-only', 'partial-wildcard'),
    shown,
  ),
};

/** What our own credentials can be. */
export const CREDENTIALS: Situations = {
  'a certificate that does not parse': () =>
    loaded(({ key }) => ({ certificate: BAD('CERTIFICATE'), privateKey: key })),
  'a key that does not parse': () => loaded(({ cert }) => ({ certificate: cert, privateKey: BAD('PRIVATE KEY') })),
  'a key of another certificate': () =>
    loaded(({ cert }) => ({ certificate: cert, privateKey: newKey({ type: 'pkcs8', format: 'pem' }) })),
  'an encrypted key and no passphrase': () => loaded(({ cert }) => ({ certificate: cert, privateKey: ENCRYPTED() })),
  'an encrypted key and a wrong passphrase': () =>
    loaded(({ cert }) => ({ certificate: cert, privateKey: ENCRYPTED(), passphrase: 'wrong' })),
  'an RSA key of 512 bits': async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 512 });
    const now = Date.now();
    const cert = writeCertificate(
      await loadAsn1(),
      {
        serial: Uint8Array.of(0x41, ...randomBytes(8)),
        commonName: 'mx.test',
        publicKey,
        notBefore: new Date(now - 3_600_000),
        notAfter: new Date(now + 3_600_000),
        kind: 'server',
        altNames: [],
      },
      { commonName: 'weak', ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) },
    );
    return loaded(() => ({
      certificate: cert,
      privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    }));
  },
  'DH parameters of 1,024 bits': () =>
    loaded(({ cert, key }) => ({ ...both(cert, key), dhparam: dhParameters(Buffer.alloc(128, 0xff)).pem })),
  'DH parameters that do not parse': () =>
    loaded(({ cert, key }) => ({ ...both(cert, key), dhparam: BAD('DH PARAMETERS') })),
  'a revocation list that does not parse': () =>
    loaded(({ cert, key }) => ({ ...both(cert, key), crl: BAD('X509 CRL') })),
  'a trusted certificate that does not parse': () =>
    loaded(({ cert, key }) => ({ ...both(cert, key), verifyCertificates: BAD('CERTIFICATE') })),
  'a cipher list that names no suite': () =>
    loaded(({ cert, key }) => ({ ...both(cert, key), requireCiphers: 'NO-SUCH-SUITE' })),
  'a cipher list with a bad command': () =>
    loaded(({ cert, key }) => ({ ...both(cert, key), requireCiphers: 'DEFAULT:@STRENGHT' })),
};

function BAD(label: string): string {
  return `-----BEGIN ${label}-----\nMAoGCCqGSM49BAMCAA==\n-----END ${label}-----\n`;
}

function ENCRYPTED(): string {
  return newKey({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'right' });
}

function newKey(form: { type: 'pkcs8'; format: 'pem'; cipher?: string; passphrase?: string }): string {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(form).toString();
}

function both(certificate: string, privateKey: string) {
  return { certificate, privateKey };
}

function prefixed<T>(prefix: string, of: Readonly<Record<string, T>>, act: (one: T) => Promise<unknown>): Situations {
  return Object.fromEntries(Object.entries(of).map(([name, one]) => [prefix + name, () => act(one)]));
}

function flaws(...names: readonly Flaw[]): Readonly<Record<string, Flaw>> {
  return Object.fromEntries(names.map((name) => [name, name]));
}

/** @returns the error of the one event that a server has for what a client does before or in the handshake */
async function seen(options: StartOptions, act: (client: RawClient) => unknown): Promise<unknown> {
  await using running = await startServer(options);
  const told = once(running.server, 'tlsError');
  await using client = await RawClient.connect(running.tlsPort);
  await act(client);
  const [error] = await within(told, 'tlsError');
  return error;
}

function said(octets: string | Buffer): Promise<unknown> {
  return seen({}, (client) => client.send(octets));
}

function tried(options: StartOptions, connection: ConnectionOptions): Promise<unknown> {
  return seen(options, (client) => client.upgrade({ rejectUnauthorized: false, ...connection }).catch(() => {}));
}

const POLICY: EnginePolicy = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers: 'DEFAULT',
  alpn: ['smtp'],
  handshakeTimeoutMs: 5_000,
};

async function judged(version: 'TLSv1.2' | 'TLSv1.3'): Promise<unknown> {
  const { authority, issued } = await testIdentity();
  const store = new CredentialStore({ ...both(issued.cert, issued.key), verifyCertificates: authority.ca });
  const credentials = await store.resolve();
  if (credentials === null) throw new Error('no credentials');
  const engine = new Engine(credentials, POLICY, 'verify');
  await using server = await plainServer((socket) => {
    server.result = upgrade(engine, socket, 'on-connect', 5_000).catch((error: unknown) => error);
  });
  await using client = await RawClient.connect(server.port);
  const options = { rejectUnauthorized: false, minVersion: version, maxVersion: version } as const;
  await client.upgrade(options).catch(() => {});
  return await within(server.result, 'the end of the handshake');
}

interface PlainServer extends AsyncDisposable {
  readonly port: number;
  result: Promise<unknown>;
}

async function plainServer(serve: (socket: Socket) => void): Promise<PlainServer> {
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    serve(socket);
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: (listener.address() as AddressInfo).port,
    result: Promise.resolve(null),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}

async function delivered(serve: (socket: Socket) => void): Promise<unknown> {
  await using server = await plainServer(serve);
  return await errorOfDelivery(server.port, {});
}

async function deliveredTls(options: TlsOptions): Promise<unknown> {
  const { issued } = await testIdentity();
  const listener = createTlsServer({ ...issued, ...options }).listen(0, '127.0.0.1');
  listener.on('tlsClientError', () => {});
  await once(listener, 'listening');
  try {
    return await errorOfDelivery((listener.address() as AddressInfo).port, {});
  } finally {
    listener.close();
  }
}

async function shown(flaw: Flaw): Promise<unknown> {
  const authority = await TestAuthority.create();
  const leaf = await authority.issue({ name: 'mx1.mx.test', flaw });
  await using server = await scriptedServer('220 mx.test\r\n', () => '250 ok\r\n', leaf);
  return await errorOfDelivery(server.port, { tls: { verifyCertificates: authority.ca } });
}

async function errorOfDelivery(port: number, options: SmtpTransportOptions): Promise<unknown> {
  const transport = new SmtpTransport({
    protocol: 'smtps',
    timeouts: { handshakeMs: 200, greetingMs: 200 },
    ...options,
  });
  const { attempts } = await transport.deliver({
    hosts: [{ host: 'mx1.mx.test', address: '127.0.0.1', port }],
    envelope: { from: 'a@x.test', to: ['b@y.test'] },
    message: 'x',
  });
  return attempts[0]?.error;
}

async function loaded(
  options: (good: { readonly cert: string; readonly key: string }) => CredentialOptions<ServerConnectionFacts>,
): Promise<unknown> {
  const { issued } = await testIdentity();
  return new CredentialStore(options(issued)).check().then(
    () => new Error('it was loaded'),
    (error: unknown) => error,
  );
}
