import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type SecureContext } from 'node:tls';
import { CertificateFiles } from '../certificate-files.js';
import { crowd } from '../crowd.js';
import { growthOf } from '../growth.js';
import { atLeast, atMost, exactly, type Row, told } from '../row.js';
import { hangsUp } from '../visitors.js';

const ROUNDS = 10;
const EVERY_MS = 20;
/** The part of all clients that hang up. */
const ABORTS = 0.2;
/** What is written while nobody connects, so fast. */
const QUIET_ROTATIONS = { count: 1_000, everyMs: 2 } as const;

export const rotation: Row = {
  name: 'R10',
  title: '25,000 handshakes, a fifth of them broken off, while certificate and key are replaced every 20 ms',
  reason: 'a handshake between the two files, or with a context that is being replaced, must not fail',
  size: { target: 25_000, small: 300 },
  async run({ count, trust, identity, issue, serve, progress }) {
    const pairs = [identity, await issue('renewed.test')] as const;
    await using files = await CertificateFiles.with(pairs[0]);
    const server = await serve({ certificate: files.certificate, privateKey: files.privateKey });
    const failures: string[] = [];
    const subjects = new Set<string>();
    const mib: number[] = [];
    let [rotations, over] = [0, false];
    const rotating = (async () => {
      for (; !over; rotations++) {
        await sleep(EVERY_MS);
        await files.replace(pairs[rotations % 2 === 0 ? 1 : 0]);
      }
    })();
    for (let round = 0; round < ROUNDS; round++) {
      progress(`round ${round + 1} of ${ROUNDS}, ${rotations} rotations`);
      await crowd(count / ROUNDS, 8, async (index) => {
        if ((index * ABORTS) % 1 < ABORTS - 1e-9) return hangsUp(server.tlsPort, index % 2 === 0 ? 'FIN' : 'RST');
        await subjectSeen(server.tlsPort, trust).then(
          (subject) => subjects.add(subject),
          (problem: Error) => failures.push(problem.message),
        );
      });
      mib.push((await server.settled()).mib);
    }
    over = true;
    await rotating;
    const after = await server.quiet();
    progress('rotations that nobody sees');
    for (let done = 0; done < QUIET_ROTATIONS.count * Math.min(1, count / 25_000); done++) {
      await sleep(QUIET_ROTATIONS.everyMs);
      await files.replace(pairs[done % 2 === 0 ? 1 : 0]);
    }
    const quiet = await server.settled();
    return {
      figures: [
        exactly('handshakes that failed', failures.length, 0),
        exactly('certificates seen', subjects.size, 2),
        atLeast('rotations', rotations, 'count', 3),
        told('certificates loaded', after.loaded, 'count'),
        atMost('sets of credentials kept', after.contexts, 'count', 2),
        exactly('sockets left over', after.sockets, 0),
        atMost('growth from the fourth tenth to the last', growthOf(mib, 3), 'MiB', 8),
        atMost('growth in 1,000 rotations that nobody sees', quiet.mib - after.mib, 'MiB', 1),
      ],
      ...(failures.length > 0 && { note: [...new Set(failures)].join('; ') }),
    };
  },
};

/** Connects with TLS, reads the banner, leaves. @returns the subject of the server's certificate @throws why not */
export async function subjectSeen(port: number, trust: SecureContext): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', secureContext: trust, checkServerIdentity: () => undefined });
  try {
    const [banner] = (await once(socket, 'data')) as [Buffer];
    if (!banner.toString('latin1').startsWith('220 ')) throw new Error(`no banner: ${banner.length} octets`);
    const subject = socket.getPeerX509Certificate()?.subject;
    if (subject === undefined) throw new Error('no certificate');
    socket.end();
    await once(socket, 'close');
    return subject;
  } finally {
    socket.destroy();
  }
}
