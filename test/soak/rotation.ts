import { rotation } from '../support/rotation.js';

/**
 * SECURITY R10: 20,000 handshakes, a fifth of them broken off, while certificate and key are replaced every 20 ms.
 * `npm run soak`; fails where one handshake fails, a socket stays open, or memory goes on growing.
 */

const HANDSHAKES = 20_000;
/** What may still grow once it has warmed up, between the fourth tenth and the last. */
const GROWTH_MIB = 8;

const resident: number[] = [];
const begun = performance.now();
const outcome = await rotation({
  handshakes: HANDSHAKES,
  everyMs: 20,
  atOnce: 8,
  abortShare: 0.2,
  onTenth: (tenth) => {
    globalThis.gc?.();
    const mib = process.memoryUsage.rss() / 2 ** 20;
    resident.push(mib);
    console.log(
      `${tenth * 10} %: ${mib.toFixed(0)} MiB resident, ${((performance.now() - begun) / 1_000).toFixed(0)} s`,
    );
  },
});
const growth = (resident.at(-1) ?? 0) - (resident[3] ?? 0);
const { failures, ...rest } = outcome;
console.log({ handshakes: HANDSHAKES, failures: failures.length, ...rest, growthMib: Number(growth.toFixed(1)) });
for (const failure of new Set(failures)) console.error(failure);
const good = failures.length === 0 && outcome.open === 0 && outcome.contexts <= 2 && outcome.subjects.length === 2;
if (!good || growth > GROWTH_MIB) process.exitCode = 1;
