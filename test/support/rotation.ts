import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { StartTlsServer } from '../../src/net/starttls-server.js';
import { peerOf } from '../../src/peer.js';
import { type IssuedCertificate, TestAuthority } from '../../src/testing/authority.js';

export interface RotationPlan {
  readonly handshakes: number;
  /** How often certificate and key are replaced, in milliseconds. */
  readonly everyMs: number;
  /** Handshakes under way at the same time. */
  readonly atOnce: number;
  /** The part of all clients that hang up in the middle of it. */
  readonly abortShare: number;
  /** Called when so many tenths of the handshakes are done. */
  readonly onTenth?: (tenth: number) => void;
}

export interface RotationOutcome {
  /** Of handshakes that nobody broke off. */
  readonly failures: readonly string[];
  /** Whose certificates were seen, sorted. */
  readonly subjects: readonly string[];
  readonly rotations: number;
  readonly reloaded: number;
  /** Sets of credentials that were kept ready at the end. */
  readonly contexts: number;
  /** Sockets that the server had not closed when all clients were gone. */
  readonly open: number;
}

/** Handshakes with a server whose certificate and key, two files, are replaced all the time, one behind the other. */
export async function rotation(plan: RotationPlan): Promise<RotationOutcome> {
  const authority = await TestAuthority.create();
  const pairs = [await authority.issue({ name: 'a.test' }), await authority.issue({ name: 'b.test' })];
  const folder = await mkdtemp(join(tmpdir(), 'tls-smtp-rotation-'));
  const [certificate, privateKey] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  await install(pairs[0], certificate, privateKey);
  const server = new StartTlsServer({ tls: { certificate, privateKey }, maxHandshakes: 10_000 });
  let reloaded = 0;
  server.credentials.on('reloaded', () => reloaded++);
  const failed: string[] = [];
  server.on('tlsError', ({ code, message }) => failed.push(`${code} ${message}`));
  await server.ready();
  let open = 0;
  const listener = createServer({ pauseOnConnect: true }, (socket) => {
    open++;
    socket.on('close', () => open--).on('error', () => {});
    server
      .session(peerOf(socket))
      .tlsOnConnect(socket)
      .then(
        ({ socket: secured }) => void secured.on('error', () => {}).end('hello'),
        () => {},
      );
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;

  const failures: string[] = [];
  const subjects = new Set<string>();
  let [begun, done, rotations, over] = [0, 0, 0, false];
  const rotate = async (): Promise<void> => {
    while (!over) {
      await sleep(plan.everyMs);
      rotations++;
      await install(pairs[rotations % 2], certificate, privateKey);
    }
  };
  const client = async (): Promise<void> => {
    while (begun < plan.handshakes) {
      const number = begun++;
      if ((number * plan.abortShare) % 1 < plan.abortShare && plan.abortShare > 0) await abort(port);
      else {
        const seen = await handshake(port, authority.ca);
        if (seen.subject === undefined) failures.push(seen.error);
        else subjects.add(seen.subject);
      }
      done++;
      if (done % (plan.handshakes / 10) === 0) plan.onTenth?.(done / (plan.handshakes / 10));
    }
  };
  const rotating = rotate();
  await Promise.all(Array.from({ length: plan.atOnce }, client));
  over = true;
  await rotating;
  for (let waited = 0; open > 0 && waited < 2_000; waited += 20) await sleep(20);
  const { contexts } = server.credentials.stats;
  listener.close();
  await rm(folder, { recursive: true });
  const ours = failed.filter((text) => !text.includes('HANDSHAKE_FAILED'));
  return { failures: [...failures, ...ours], subjects: [...subjects].sort(), rotations, reloaded, contexts, open };
}

/** Each file is whole at any time, the pair is not: in between stands the new certificate with the old key. */
async function install(pair: IssuedCertificate | undefined, certificate: string, privateKey: string): Promise<void> {
  for (const [path, content] of [
    [certificate, pair?.cert ?? ''],
    [privateKey, pair?.key ?? ''],
  ] as const) {
    await writeFile(`${path}.new`, content, { mode: 0o600 });
    await rename(`${path}.new`, path);
  }
}

function handshake(port: number, ca: string): Promise<{ readonly subject?: string; readonly error: string }> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', ca, checkServerIdentity: () => undefined });
    let subject: string | undefined;
    socket.once('secureConnect', () => {
      subject = socket.getPeerX509Certificate()?.subject;
    });
    let heard = false;
    socket.on('data', () => {
      heard = true;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve({ error: error.code ?? error.message }));
    socket.on('close', () =>
      resolve(heard && subject !== undefined ? { subject, error: '' } : { error: 'closed early' }),
    );
  });
}

/** A client that begins a handshake and is gone. */
async function abort(port: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }).on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.destroy();
}
