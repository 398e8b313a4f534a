import { CertificateFiles } from '../certificate-files.js';
import { atMost, exactly, type Row, told } from '../row.js';
import { subjectSeen } from './rotation.js';

/** So many other certificates come between, before one comes again. */
const CERTIFICATES = 25;

export const certificateTurnover: Row = {
  name: 'R11',
  title: '3,000 rotations with one connection each, 25 certificates in turn',
  reason: 'a context of OpenSSL that something still holds is memory that garbage collection never sees',
  size: { target: 3_000, small: 60 },
  async run({ count, trust, identity, issue, serve, progress }) {
    const pairs = [identity];
    while (pairs.length < CERTIFICATES) pairs.push(await issue(`mx${pairs.length}.test`));
    await using files = await CertificateFiles.with(identity);
    const server = await serve({ certificate: files.certificate, privateKey: files.privateKey });
    const turn = async (from: number, to: number): Promise<number> => {
      for (let done = from; done < to; done++) {
        await files.replace(pairs[done % CERTIFICATES] ?? identity);
        subjects.add(await subjectSeen(server.tlsPort, trust));
        if (done % 100 === 0) progress(`${done} of ${count} rotations`);
      }
      return (await server.settled()).mib;
    };
    const subjects = new Set<string>();
    const warm = await turn(0, count / 3);
    const middle = await turn(count / 3, (count * 2) / 3);
    const last = await turn((count * 2) / 3, count);
    const still = await repeat(count / 3, () => subjectSeen(server.tlsPort, trust)).then(() => server.quiet());
    return {
      figures: [
        exactly('certificates seen', subjects.size, CERTIFICATES),
        atMost('sets of credentials kept', still.contexts, 'count', 2),
        told('growth for each rotation, second third', ((middle - warm) * 1_024) / (count / 3), 'kB'),
        told('growth for each rotation, last third', ((last - middle) * 1_024) / (count / 3), 'kB'),
        atMost('growth for each connection without a rotation', ((still.mib - last) * 1_024) / (count / 3), 'kB', 1),
        exactly('sockets left over', still.sockets, 0),
      ],
    };
  },
};

async function repeat(times: number, work: () => Promise<unknown>): Promise<void> {
  for (let done = 0; done < times; done++) await work();
}
