/** The state of a body between two of its octets; see data-scan.wat. */
export type ScanState = number;

export const LINE_START: ScanState = 2;
export const BODY_END: ScanState = 5;

/** How many octets of the wire each state holds back: what may yet turn out to be the end of the body. */
const HELD: readonly number[] = [0, 0, 0, 1, 2, 3];

/** What one look at a chunk found. */
export interface Scanned {
  readonly state: ScanState;
  /** Where it stopped: behind the end of the body, or where the octets end. */
  readonly stopped: number;
  /** Whether a CR or LF stood without the other. */
  readonly bareNewline: boolean;
  /** The body's part of the octets, stuffing undone: a slice of the chunk, or of the memory that the next scan writes to. */
  readonly kept: Buffer;
}

/** The most octets that {@link scan} looks at in one call. */
export const MAX_SCAN_OCTETS = 65_536;

/** data-scan.wat, assembled; test/unit/smtp/data-scan.test.ts prints it anew. */
export const ASSEMBLED: string =
  'AGFzbQEAAAABBwFgAn9/AX8DAgEABQMBAAMHEQIGbWVtb3J5AgAEc2NhbgAACrAFAa0FAgd/BHtBDf0PIQpBCv0PIQtBLv0PIQwgACECQQAtAAAhBiAA' +
  'QQFrIAYtAAg6AAACQANAIAZBA0kEQCACIQMCQAJAA0AgAkEgaiABSw0BIAJBAWv9AAQAIAr9IyAC/QAEACAL/SP9USACQQFr/QAEACAL/SMgAv0ABAAg' +
  'DP0j/U79UCACQQFr/QAEECAK/SMgAv0ABBAgC/0j/VEgAkEBa/0ABBAgC/0jIAL9AAQQIAz9I/1O/VD9UP1TDQEgCARAIAUgAv0ABAD9CwQAIAUgAv0A' +
  'BBD9CwQQCyACQSBqIQIgBUEgaiEFDAALCwNAIAJBEGogAUsNASACQQFr/QAEACAK/SMgAv0ABAAgC/0j/VEgAkEBa/0ABAAgC/0jIAL9AAQAIAz9I/1O' +
  '/VAhCSAJ/VMEQCAJ/WRoIQcgCARAIAUgAiAH/AoAAAsgAiAHaiECIAUgB2ohBQwCCyAIBEAgBSAC/QAEAP0LBAALIAJBEGohAiAFQRBqIQUMAAsLIAIg' +
  'A0cEQCACQQFrLQAAIQcgB0ENRiAHQQpGQQF0ciEGCwsgAiABTw0BIAItAAAhByACQQFqIQIgBkECRiAHQS5GcQRAQQMhBgwBCyAGQQNGIAdBDUZxBEBB' +
  'BCEGDAELIAZBBEYgB0EKRnEEQEEFIQYMAgsgBkEDTwRAIAhFBEBBASEIIAJBAWogBmshBSAFIABJBEAgAiAGQQJrayEFCyAFIAAgBSAASRshBAsgBkEE' +
  'RgRAQQFBAToAACAFQQ06AAAgBUEBaiEFC0EAIQYLIAZBAUYgB0EKRkcEQEEBQQE6AAALIAdBDUYgBkEBRiAHQQpGcUEBdHIhBiAIBEAgBSAHOgAACyAF' +
  'QQFqIQUMAAsLQQAgBjoAAEECIAg6AABBBCAFNgIAQRAgBDYCACACCwsJAQBBCAsDeA0K';

const COPIED = 64;
const LENT = 65_664;

interface Scanner {
  readonly memory: ArrayBuffer;
  readonly octets: Buffer;
  readonly lent: Buffer;
  readonly run: (start: number, end: number) => number;
}

let scanner: Scanner | null = null;

/**
 * Memory to receive octets into, the same for the whole process: they are scanned where they stand. It is used again for
 * the octets of others as soon as the call returns that they were handed to.
 */
export function receivingMemory(): Buffer {
  scanner ??= assemble();
  return scanner.lent;
}

/**
 * Looks at a part of a body with the processor's wide registers, through 750 octets of WebAssembly: in JavaScript the look
 * for bare newlines costs more than decrypting the message (docs/decisions/0002). The chunk stays as it is.
 *
 * @param state - what the last call of this body returned; {@link LINE_START} at first
 * @param from - the part is `chunk[from]` up to `chunk[to - 1]`, at most {@link MAX_SCAN_OCTETS}
 */
export function scan(state: ScanState, chunk: Buffer, from: number, to: number): Scanned {
  scanner ??= assemble();
  scanner.octets.set(slice(chunk, from, to), COPIED);
  return look(scanner, COPIED, state, chunk, from, to);
}

/**
 * The same for who never looks at the part again: where it stands in {@link receivingMemory} it is closed up there, and of the
 * chunk only what is behind {@link Scanned.stopped} stays as it is.
 */
export function scanInPlace(state: ScanState, chunk: Buffer, from: number, to: number): Scanned {
  scanner ??= assemble();
  if (chunk.buffer !== scanner.memory) return scan(state, chunk, from, to);
  return look(scanner, chunk.byteOffset + from, state, chunk, from, to);
}

/** @param start - where the part stands in the scanner's memory, with an octet before it that may be written to */
function look(
  { octets, run }: Scanner,
  start: number,
  state: ScanState,
  chunk: Buffer,
  from: number,
  to: number,
): Scanned {
  octets[0] = state;
  octets[1] = 0;
  const stopped = from + run(start, start + to - from) - start;
  const after = octets[0];
  const dropped = octets[2] === 1;
  const end = Math.max(from, stopped - (HELD[after] ?? 0));
  return {
    state: after,
    stopped,
    bareNewline: octets[1] === 1,
    kept: dropped ? octets.subarray(octets.readUInt32LE(16), octets.readUInt32LE(4)) : slice(chunk, from, end),
  };
}

function slice(chunk: Buffer, from: number, to: number): Buffer {
  return from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to);
}

/** What is used of it; its types come with those of browsers, which this library has not. */
declare const WebAssembly: {
  readonly Module: new (octets: Uint8Array) => object;
  readonly Instance: new (
    module: object,
  ) => {
    readonly exports: {
      readonly memory: { readonly buffer: ArrayBuffer };
      readonly scan: (start: number, end: number) => number;
    };
  };
};

function assemble(): Scanner {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(ASSEMBLED, 'base64')));
  const { memory, scan: run } = exports;
  const octets = Buffer.from(memory.buffer);
  return { memory: memory.buffer, octets, lent: octets.subarray(LENT, LENT + MAX_SCAN_OCTETS), run };
}
