import { cpus } from 'node:os';

/** What figures were measured on. */
export function surroundings(): { node: string; openssl: string; cpu: string } {
  const [first] = cpus();
  return {
    node: process.versions.node,
    openssl: process.versions.openssl,
    cpu: `${cpus().length} × ${first?.model.trim() ?? 'unknown'}`,
  };
}
