import type { ConnectionOptions } from 'node:tls';
import type { TlsInfo } from '../../src/inspect/tls-info.js';
import type { ServerTlsOptions } from '../../src/net/server-tls-options.js';
import { eventually, RawClient } from './raw-client.js';
import { type RunningServer, type StartOptions, startServer, testIdentity } from './with-server.js';

/** A client of 127.0.0.1, or of another loopback address, with what it shows and offers in the handshake. */
interface Visitor extends ConnectionOptions {
  readonly from?: string;
  readonly way?: 'starttls' | 'on-connect';
}

/** A server, and what it makes of its visitors. */
export interface VisitedServer extends AsyncDisposable {
  readonly running: RunningServer;
  /** Of each handshake that ended well, in order. */
  readonly secured: TlsInfo[];
  /**
   * TLS, one command, and away. @returns in one line what the client heard first behind its handshake, what its certificate
   * counted as, and each `tlsError`: `250 verified`, `nothing; CERT_REVOKED`
   */
  visit(visitor?: Visitor): Promise<string>;
}

/** Trusts the test authority for clients. */
export async function visited(tls: Partial<ServerTlsOptions> = {}, more: StartOptions = {}): Promise<VisitedServer> {
  const { authority } = await testIdentity();
  const secured: TlsInfo[] = [];
  const running = await startServer({
    ...more,
    tls: { verifyCertificates: authority.ca, ...tls },
    onSecure: (info) => void secured.push(info),
  });
  const visit = async (visitor: Visitor = {}): Promise<string> => {
    const [known, errors] = [secured.length, running.errors.length];
    const heard = await firstWord(running, visitor);
    await running.quiet();
    await eventually('its end is told', () => secured.length + running.errors.length > known + errors);
    const facts = secured
      .slice(known)
      .map(({ certificate, verifyError = '' }) => `${certificate} ${verifyError}`.trim());
    const failures = running.errors.slice(errors).map(({ error, code }) => Reflect.get(error, 'nodeCode') ?? code);
    return [[heard, ...facts].join(' '), ...failures].join('; ');
  };
  return { running, secured, visit, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
}

async function firstWord(running: RunningServer, visitor: Visitor): Promise<string> {
  const { from = '127.0.0.1', way = 'starttls', ...options } = visitor;
  await using client = await RawClient.connect(way === 'starttls' ? running.port : running.tlsPort, '127.0.0.1', from);
  if (way === 'starttls') {
    await client.reply();
    await client.ask('EHLO client.test');
    const reply = await client.ask('STARTTLS');
    if (!reply.startsWith('220 ')) return reply;
  }
  try {
    await client.upgrade({ ...running.trust, ...options });
    const reply = way === 'starttls' ? await client.ask('EHLO client.test') : await client.reply();
    return reply.slice(0, 3);
  } catch {
    return client.unread === '' ? 'nothing' : client.unread;
  }
}
