import { BlockList } from 'node:net';
import { parseArgs } from 'node:util';
import ipaddr from 'ipaddr.js';
import micromatch from 'micromatch';
import { HostList } from '../../src/hostlist/index.js';
import type { Peer } from '../../src/peer.js';

/**
 * What a match costs in lists of 10, 1,000 and 100,000 entries: a quarter each of addresses, networks, names and suffixes, of
 * both address families. Beside it the ways that one would write first. It exits with 1 where a goal of ours is missed.
 *
 *     npm run bench:host-list            a table
 *     npm run bench:host-list -- --json  the same as JSON
 */

const SIZES = [10, 1_000, 100_000] as const;
/** Nanoseconds per match in the largest list, by what is asked. */
const GOALS = { ipv4: 150, ipv6: 600, name: 400 } as const;
/** The largest list may take this many times the smallest. */
const MAX_GROWTH = 2;
const ROUNDS = 40;
const ROUND_MS = 25;

type Question = keyof typeof GOALS;
const QUESTIONS = ['ipv4', 'ipv6', 'name'] as const;

/** One way to ask a list. */
interface Way {
  readonly name: string;
  readonly questions: readonly Question[];
  /** @returns what answers for one peer */
  prepare(entries: Entries): (peer: Peer) => boolean;
}

interface Row {
  readonly way: string;
  readonly question: Question;
  readonly size: number;
  /** Per match, the least of the rounds: what disturbs a run only ever adds. */
  readonly nanoseconds: number;
}

/** The same numbers in every run, without a pattern that a cache could learn (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function ipv4(random: () => number): string {
  return [1 + random() * 222, random() * 256, random() * 256, random() * 256].map(Math.floor).join('.');
}

function ipv6(random: () => number): string {
  const group = (): string => Math.floor(random() * 65_536).toString(16);
  return `2001:${[1, 2, 3, 4, 5, 6, 7].map(group).join(':')}`;
}

function domain(random: () => number): string {
  const label = (): string => Math.floor(random() * 36 ** 6).toString(36);
  return `${label()}.${label()}.example`;
}

interface Entries {
  readonly addresses: string[];
  readonly networks: string[];
  readonly names: string[];
  readonly suffixes: string[];
}

function entries(size: number): Entries {
  const random = randomNumbers(size);
  const list: Entries = { addresses: [], networks: [], names: [], suffixes: [] };
  for (let at = 0; at < size; at++) {
    const six = at % 8 >= 4;
    if (at % 4 === 0) list.addresses.push(six ? ipv6(random) : ipv4(random));
    else if (at % 4 === 1)
      list.networks.push(six ? `${ipv6(random)}/${32 + (at % 33)}` : `${ipv4(random)}/${16 + (at % 15)}`);
    else if (at % 4 === 2) list.names.push(`mx.${domain(random)}`);
    else list.suffixes.push(domain(random));
  }
  return list;
}

/** Half of the peers are in the list. A name is asked as on the client side before its address is known, so DNS is not. */
function peers(list: Entries, question: Question): Peer[] {
  const random = randomNumbers(7);
  const six = question === 'ipv6';
  const addresses = list.addresses.filter((one) => one.includes(':') === six);
  const pick = (from: readonly string[]): string => from[Math.floor(random() * from.length)] ?? '';
  return Array.from({ length: 1_024 }, (_, at) => {
    const isIn = at % 2 === 0;
    if (question !== 'name') return { address: isIn ? pick(addresses) : six ? ipv6(random) : ipv4(random) };
    const known = at % 4 === 0 ? pick(list.names) : `mx.${pick(list.suffixes)}`;
    return { name: isIn ? known : `mx.${domain(random)}` };
  });
}

const ours: Way = {
  name: 'HostList',
  questions: QUESTIONS,
  prepare({ addresses, networks, names, suffixes }) {
    const list = HostList.parse([...addresses, ...networks, ...names, ...suffixes.map((one) => `*.${one}`)]);
    return (peer) => list.matchSync(peer).result === 'yes';
  },
};

const naive: Way = {
  name: 'micromatch + ipaddr.js',
  questions: QUESTIONS,
  prepare({ addresses, networks, names, suffixes }) {
    const patterns = [...names, ...suffixes.map((one) => `*.${one}`)];
    return ({ address, name }) => {
      if (name !== undefined) return micromatch.isMatch(name, patterns);
      const peer = ipaddr.process(address ?? '');
      return (
        addresses.some((one) => ipaddr.process(one).toString() === peer.toString()) ||
        networks.some((one) => holds(ipaddr.parseCIDR(one), peer))
      );
    };
  },
};

function holds([network, bits]: [ipaddr.IPv4 | ipaddr.IPv6, number], peer: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (network instanceof ipaddr.IPv4) return peer instanceof ipaddr.IPv4 && peer.match(network, bits);
  return peer instanceof ipaddr.IPv6 && peer.match(network, bits);
}

const blockList: Way = {
  name: 'net.BlockList',
  questions: ['ipv4', 'ipv6'],
  prepare({ addresses, networks }) {
    const list = new BlockList();
    for (const one of addresses) list.addAddress(one, familyOf(one));
    for (const one of networks) {
      const [address = '', bits] = one.split('/');
      list.addSubnet(address, Number(bits), familyOf(address));
    }
    return ({ address = '' }) => list.check(address, familyOf(address));
  },
};

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}

/** Runs one round of at least `ms` and of at least one match. It counts CPU time: a busy machine changes that least. */
function round(ask: (peer: Peer) => boolean, asked: readonly Peer[], ms: number): number {
  const start = process.cpuUsage();
  let [count, inList, spentUs] = [0, 0, 0];
  for (let at = 0; spentUs < ms * 1_000; ) {
    const batch = count === 0 ? 1 : Math.min(count, 4_096);
    for (const last = at + batch; at < last; at++) if (ask(asked[at % asked.length] ?? {})) inList++;
    count += batch;
    const { user, system } = process.cpuUsage(start);
    spentUs = user + system;
  }
  if (inList > count) throw new Error('more answers than questions');
  return (spentUs * 1_000) / count;
}

function measure(): Row[] {
  const runs = [ours, naive, blockList].flatMap((way) =>
    SIZES.flatMap((size) => {
      const list = entries(size);
      const ask = way.prepare(list);
      return way.questions.map((question) => ({
        way,
        question,
        size,
        ask,
        asked: peers(list, question),
        least: Infinity,
      }));
    }),
  );
  for (let at = 0; at < ROUNDS; at++) {
    for (const run of runs) {
      // The slow ways get one round: they are there for comparison and take most of a second per match.
      if (at > 0 && run.way !== ours && run.least > 1e6) continue;
      run.least = Math.min(run.least, round(run.ask, run.asked, ROUND_MS));
    }
  }
  return runs.map(({ way, question, size, least }) => ({
    way: way.name,
    question,
    size,
    nanoseconds: Math.round(least),
  }));
}

/** @returns one sentence for each goal that is missed */
function missed(rows: readonly Row[]): string[] {
  const of = (question: Question, size: number): number =>
    rows.find((row) => row.way === ours.name && row.question === question && row.size === size)?.nanoseconds ??
    Infinity;
  return QUESTIONS.flatMap((question) => {
    const [least, most] = [of(question, SIZES[0]), of(question, SIZES[2])];
    const slow = most > GOALS[question] ? [`${question}: ${most} ns, the goal is ${GOALS[question]}`] : [];
    const grows =
      most > MAX_GROWTH * least
        ? [`${question}: ${most} ns for ${least} ns in the smallest list, the goal is ${MAX_GROWTH} times`]
        : [];
    return [...slow, ...grows];
  });
}

function table(rows: readonly Row[]): string {
  const line = (cells: readonly string[]): string =>
    cells.map((cell, at) => (at < 2 ? cell.padEnd(24) : cell.padStart(14))).join('');
  const groups = [ours, naive, blockList].flatMap((way) =>
    way.questions.map((question) => ({ way: way.name, question })),
  );
  const lines = groups.map(({ way, question }) => {
    const own = rows.filter((row) => row.way === way && row.question === question);
    return line([way, question, ...own.map((row) => row.nanoseconds.toLocaleString('en'))]);
  });
  return [line(['ns per match', '', ...SIZES.map((size) => size.toLocaleString('en'))]), ...lines].join('\n');
}

const { values } = parseArgs({ options: { json: { type: 'boolean' } } });
const rows = measure();
const misses = missed(rows);
console.log(
  values.json
    ? JSON.stringify({ node: process.version, goals: GOALS, maxGrowth: MAX_GROWTH, rows, misses })
    : table(rows),
);
if (!values.json) for (const miss of misses) console.log(`missed: ${miss}`);
process.exitCode = misses.length > 0 ? 1 : 0;
