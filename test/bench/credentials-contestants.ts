import type { Socket } from 'node:net';
import { createSecureContext, rootCertificates, type SecureContextOptions, TLSSocket } from 'node:tls';
import { type CredentialOptions, CredentialStore, perSni } from '../../src/credentials/index.js';
import { Engines } from '../../src/net/engines.js';
import { serverTlsSettings } from '../../src/net/server-tls-options.js';
import { StartTlsServer } from '../../src/net/starttls-server.js';
import { peerOf } from '../../src/peer.js';
import { type IssuedCertificate, TestAuthority } from '../../src/testing/authority.js';

/** Takes a socket through a handshake, and ends it. */
type Accept = (socket: Socket) => void;

export interface Contestant {
  readonly name: string;
  /** The name of what it is divided by. */
  readonly against: string;
  /** Whether SPEC §10 has a goal for it. */
  readonly judged: boolean;
  /** Handshakes before anything is measured. */
  readonly warmUp: number;
  readonly start: (identity: IssuedCertificate) => Promise<Accept>;
}

const CERTIFICATES = 1_000;
const ROOTS = rootCertificates.join('\n');

const pem = ({ cert, key }: IssuedCertificate): string => `${cert}${key}`;

export const CONTESTANTS: readonly Contestant[] = [
  contestant(
    'fixed',
    'fixed',
    ours(async (one) => ({ certificate: pem(one) })),
  ),
  contestant(
    'fixed, again',
    'fixed',
    ours(async (one) => ({ certificate: pem(one) })),
  ),
  contestant(
    'expansion, the same answer',
    'fixed',
    ours(async ({ cert, key }) => ({ certificate: () => cert, privateKey: () => key })),
    { judged: true },
  ),
  contestant('expansion, 1,000 certificates', '1,000 servers, fixed', ours(manyCertificates), {
    judged: true,
    warmUp: 1_500,
  }),
  contestant('1,000 servers, fixed', 'fixed', manyServers, { warmUp: 1_500 }),
  contestant(
    'perSni, the same answer',
    'fixed',
    ours(async (one) => ({ certificate: perSni(() => pem(one)) })),
  ),
  contestant('naive: a context each', 'fixed', naive({})),
  contestant(
    '144 roots, fixed',
    '144 roots, fixed',
    verifying((one) => pem(one)),
  ),
  contestant(
    '144 roots, expansion, the same answer',
    '144 roots, fixed',
    verifying((one) => () => pem(one)),
    {
      judged: true,
    },
  ),
  contestant('144 roots, naive: a context each', '144 roots, fixed', naive({ ca: [...rootCertificates] }), {
    warmUp: 20,
  }),
];

function contestant(
  name: string,
  against: string,
  start: Contestant['start'],
  { judged = false, warmUp = 300 }: { readonly judged?: boolean; readonly warmUp?: number } = {},
): Contestant {
  return { name, against, judged, warmUp, start };
}

async function issueMany(): Promise<readonly IssuedCertificate[]> {
  const authority = await TestAuthority.create();
  const all: IssuedCertificate[] = [];
  while (all.length < CERTIFICATES) all.push(await authority.issue({ name: 'mx.test' }));
  return all;
}

async function manyCertificates(): Promise<CredentialOptions> {
  const all = (await issueMany()).map(pem);
  let next = 0;
  return { certificate: () => all[next++ % CERTIFICATES] };
}

/** What a thousand contexts cost by themselves: none of them is in the processor's caches when its turn comes. */
async function manyServers(): Promise<Accept> {
  const all: Accept[] = [];
  for (const one of await issueMany()) all.push(await ours(async () => ({ certificate: pem(one) }))(one));
  let next = 0;
  return (socket) => all[next++ % CERTIFICATES]?.(socket);
}

function ours(options: (identity: IssuedCertificate) => Promise<CredentialOptions>): Contestant['start'] {
  return async (identity) => {
    const server = new StartTlsServer({ tls: await options(identity) });
    await server.ready();
    return (socket) => {
      const secured = server.session(peerOf(socket)).tlsOnConnect(socket);
      secured.then(end, () => {});
    };
  };
}

/** With clients that are asked for a certificate: the store of roots is part of the context. */
function verifying(
  certificate: (identity: IssuedCertificate) => CredentialOptions['certificate'],
): Contestant['start'] {
  return async (identity) => {
    const given = certificate(identity);
    const store = new CredentialStore({ ...(given && { certificate: given }), verifyCertificates: ROOTS });
    const engines = new Engines(serverTlsSettings({}), false);
    await store.check();
    return async (socket) => {
      const credentials = await store.connection({}).resolve();
      const fate = { secured: (secured: TLSSocket) => end({ socket: secured }), failed: () => socket.destroy() };
      if (credentials !== null) engines.engine(credentials, 'try').handshake(socket, fate);
    };
  };
}

/** As most programs do it that want a certificate for each connection. */
function naive(more: SecureContextOptions): Contestant['start'] {
  return async ({ cert, key }) =>
    (socket) => {
      const secureContext = createSecureContext({ cert, key, ...more });
      const secured = new TLSSocket(socket, { isServer: true, secureContext });
      secured.once('secure', () => end({ socket: secured }));
    };
}

function end({ socket }: { readonly socket: TLSSocket }): void {
  socket.on('error', () => {}).end('hello');
}
