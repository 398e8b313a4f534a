/** The part of a `.cpuprofile` that is read here; times in microseconds. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** What a function itself took, without those that it called. */
export interface SelfTime {
  readonly where: string;
  /** Of the time in which the process was not idle. */
  readonly share: number;
}

/** @returns the functions that took the most time themselves, the dearest first */
export function selfTimes({ nodes, samples, timeDeltas }: CpuProfile, count: number): SelfTime[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const micros = new Map<string, number>();
  let busy = 0;
  samples.forEach((id, index) => {
    const where = names.get(id) ?? '(unknown)';
    if (where === '(idle)') return;
    const took = timeDeltas[index] ?? 0;
    busy += took;
    micros.set(where, (micros.get(where) ?? 0) + took);
  });
  return [...micros]
    .sort(([, one], [, other]) => other - one)
    .slice(0, count)
    .map(([where, took]) => ({ where, share: took / busy }));
}

export function formatSelfTimes(title: string, times: readonly SelfTime[]): string {
  const lines = times.map(({ where, share }) => `${(share * 100).toFixed(1).padStart(6)} %  ${where}\n`);
  return `\n${title}\n${lines.join('')}`;
}

function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const file = url.replace(/^file:\/\/.*\/(dist|node_modules)\//, '$1/');
  return `${name} ${file}:${lineNumber + 1}`;
}
