import type { Import } from './imports.js';

/** The floors of docs/architecture.md. A room is a folder of src, or a file at its top; what it may import follows it. */
const ground = [
  'errors',
  'options',
  'peer',
  'trace',
  'callback-answer',
  'eventual',
  'exim-list',
  'safe-regex',
  'tell',
  'inspect',
];
const belowTheApps = [...ground, 'smtp', 'hostlist', 'credentials', 'policy', 'starttls', 'net'];
const belowTheFace = [...belowTheApps, 'server', 'client'];

export const FLOORS: Readonly<Record<string, readonly string[]>> = {
  // 7 the face and the test kit
  demo: [...belowTheFace, 'testing'],
  testing: belowTheFace,
  index: belowTheFace,
  // 6 apps
  server: belowTheApps,
  client: belowTheApps,
  // 5 the door
  net: [...ground, 'smtp', 'hostlist', 'credentials', 'policy', 'starttls'],
  // 4 machines
  starttls: [...ground, 'smtp', 'policy'],
  // 3 decisions
  policy: [...ground, 'smtp', 'hostlist'],
  // 2 values
  credentials: ground,
  hostlist: ground,
  smtp: ground,
  // 1 ground
  inspect: ['errors', 'options', 'peer', 'exim-list', 'safe-regex'],
  'callback-answer': [],
  eventual: [],
  'exim-list': ['errors'],
  'safe-regex': [],
  tell: [],
  trace: ['inspect'],
  peer: ['errors'],
  options: ['errors'],
  errors: [],
};

/** Rooms that decide and never act, save for the files that are their seams to the world. */
const PURE = [
  'errors',
  'options',
  'peer',
  'eventual',
  'exim-list',
  'safe-regex',
  'inspect',
  'smtp',
  'hostlist',
  'policy',
  'starttls',
];
const SEAMS = ['hostlist/names.ts', 'hostlist/files.ts', 'hostlist/host-list.ts'];

/** What acts, hence is closed to pure rooms. Of `node:net` they may use what only reads a text. */
const ACTING = ['child_process', 'dgram', 'dns', 'fs', 'http', 'https', 'net', 'timers', 'tls', 'worker_threads'];
const READS_A_TEXT = ['isIP', 'isIPv4', 'isIPv6'];

/** Key material and handshakes: one room reads, one room wraps, the other two play peers. */
const TLS_ROOMS = ['credentials', 'net', 'testing', 'demo'];

/** @returns one sentence for each broken rule, none where the house stands */
export function brokenRules(imports: readonly Import[]): string[] {
  const broken = imports.flatMap((one) => {
    const rule = isLocal(one.to) ? brokenFloor(one) : one.kind === 'type' ? undefined : brokenDoor(one);
    return rule === undefined ? [] : [`${one.from} -> ${one.to}: ${rule}`];
  });
  return [...broken, ...circles(imports)];
}

export function roomOf(file: string): string {
  return file.replace(/(\.ts|\/.*)$/, '');
}

function isLocal(to: string): boolean {
  return to.endsWith('.ts');
}

function brokenFloor({ from, to }: Import): string | undefined {
  const [room, other] = [roomOf(from), roomOf(to)];
  const allowed = FLOORS[room];
  if (allowed === undefined) return `${room} has no floor yet`;
  if (to.startsWith('../')) return 'it leaves src';
  return room === other || allowed.includes(other) ? undefined : `${room} does not stand on ${other}`;
}

function brokenDoor({ from, to, names }: Import): string | undefined {
  const room = roomOf(from);
  const module = to.replace(/^node:/, '').replace(/\/.*$/, '');
  if (to === '(computed)') return 'nobody can tell what it loads';
  if (module === 'tls' && !TLS_ROOMS.includes(room)) return `${room} stays out of TLS`;
  if (!PURE.includes(room) || SEAMS.includes(from) || !ACTING.includes(module)) return undefined;
  if (module === 'net' && names.every((name) => READS_A_TEXT.includes(name))) return undefined;
  return `${room} is pure`;
}

/** Types count: two files that need each other's types are one file, or lack a third. */
function circles(imports: readonly Import[]): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, trail: readonly string[]): void => {
    const start = trail.indexOf(file);
    if (start >= 0) found.push(`circle: ${[...trail.slice(start), file].join(' -> ')}`);
    if (start >= 0 || done.has(file)) return;
    for (const { from, to } of imports) if (from === file) walk(to, [...trail, file]);
    done.add(file);
  };
  for (const { from } of imports) walk(from, []);
  return [...new Set(found)];
}
