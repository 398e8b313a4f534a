import { readdirSync, readlinkSync } from 'node:fs';
import { eventually } from './raw-client.js';

const DESCRIPTORS = '/proc/self/fd';

/**
 * How many sockets the process has open, asked of the system and not of Node, which forgets what it leaks.
 * @returns null where the system does not say (it has no /proc)
 */
export function openSockets(): number | null {
  let names: string[];
  try {
    names = readdirSync(DESCRIPTORS);
  } catch {
    return null;
  }
  return names.filter(isSocket).length;
}

/** Waits until no more sockets are open than before; what is then still open has leaked. */
export async function noMoreSocketsThan(before: number | null, patienceMs = 20_000): Promise<void> {
  if (before === null) return;
  const what = `no more than the ${before} sockets of before are open`;
  await eventually(what, () => (openSockets() ?? 0) <= before, patienceMs);
}

function isSocket(descriptor: string): boolean {
  try {
    return readlinkSync(`${DESCRIPTORS}/${descriptor}`).startsWith('socket:');
  } catch {
    return false; // closed meanwhile, as the one of this very listing is
  }
}
