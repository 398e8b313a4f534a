/** A message body: lines that are repeated, as they stand on the wire, dots doubled (RFC 5321 §4.5.2). */
interface BodyPlan {
  readonly unit: string;
  /** About how many octets; whole units are written. */
  readonly octets: number;
}

const TEXT = `${'The quick brown fox jumps over the lazy dog, and nobody minds it. '.repeat(2).slice(0, 76)}\r\n`;
const DOTTED = `..${TEXT.slice(2)}`;
const SMALL = 'From: <a@x.test>\r\nTo: <b@y.test>\r\nSubject: bench\r\n\r\n';
const MEGA = 1_000_000;

const BODIES: Readonly<Record<BodyName, BodyPlan>> = {
  /** 2,048 octets with a small header. */
  small: { unit: `${SMALL}${TEXT.repeat(26).slice(0, 2_046 - SMALL.length)}\r\n`, octets: 2_048 },
  text: { unit: TEXT, octets: 50 * MEGA },
  'short-lines': { unit: 'ab\r\n', octets: 10 * MEGA },
  'few-dots': { unit: TEXT.repeat(99) + DOTTED, octets: 10 * MEGA },
  'all-dots': { unit: DOTTED, octets: 10 * MEGA },
  /** A dot to take out every four octets, and no two octets of the message that lie together. */
  worst: { unit: '..\r\n', octets: 10 * MEGA },
};

export type BodyName = 'small' | 'text' | 'short-lines' | 'few-dots' | 'all-dots' | 'worst';

/** A body as the client sends it, without the final dot. */
export function wireBody(name: BodyName): Buffer {
  const { unit } = BODIES[name];
  return Buffer.alloc(unit.length * units(name), unit, 'latin1');
}

/** How many octets of a body reach the application: those of the wire without the doubled dots. */
export function bodyOctets(name: BodyName): number {
  const { unit } = BODIES[name];
  const doubled = unit.split('\r\n').filter((line) => line.startsWith('.')).length;
  return (unit.length - doubled) * units(name);
}

function units(name: BodyName): number {
  const { unit, octets } = BODIES[name];
  return Math.max(1, Math.floor(octets / unit.length));
}
