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
  /** The body's part of the octets, stuffing undone: a slice of the chunk, or a copy where a dot was dropped. */
  readonly kept: Buffer;
}

/** The most octets that {@link scan} looks at in one call. */
export const MAX_SCAN_OCTETS = 65_536;

/** data-scan.wat, assembled; test/unit/smtp/data-scan.test.ts prints it anew. */
export const ASSEMBLED: string =
  'AGFzbQEAAAABBgFgAX8BfwMCAQAFAwEAAwcRAgZtZW1vcnkCAARzY2FuAAAKhAUBgQUCBn8Ee0EN/Q8hCEEK/Q8hCUEu/Q8hCkHAACEBQQAtAA' +
  'AhBEE/IAQtAAg6AAACQANAIARBA0kEQCABIQICQCAGRQRAAkADQCABQSBqIABLDQEgAUEBa/0ABAAgCP0jIAH9AAQAIAn9I/1RIAFBAWv9AAQA' +
  'IAn9IyAB/QAEACAK/SP9Tv1QIAFBAWv9AAQQIAj9IyAB/QAEECAJ/SP9USABQQFr/QAEECAJ/SMgAf0ABBAgCv0j/U79UP1Q/VMNASABQSBqIQ' +
  'EMAAsLCwNAIAFBEGogAEsNASABQQFr/QAEACAI/SMgAf0ABAAgCf0j/VEgAUEBa/0ABAAgCf0jIAH9AAQAIAr9I/1O/VAhByAGBEAgAyAB/QAE' +
  'AP0LBAALIAf9UwRAIAf9ZGghBSABIAVqIQEgAyAFaiEDDAILIAFBEGohASADQRBqIQMMAAsLIAEgAkcEQCABQQFrLQAAIQUgBUENRiAFQQpGQQ' +
  'F0ciEECwsgASAATw0BIAEtAAAhBSABQQFqIQEgBEECRiAFQS5GcQRAQQMhBAwBCyAEQQNGIAVBDUZxBEBBBCEEDAELIARBBEYgBUEKRnEEQEEF' +
  'IQQMAgsgBEEDTwRAIAZFBEBBASEGIAFBAWogBGshAiACQcAASQRAQcAAIQILQYCQBCACaiEDQcCQBEHAACACQcAAa/wKAAALIARBBEYEQEEBQQ' +
  'E6AAAgA0ENOgAAIANBAWohAwtBACEECyAEQQFGIAVBCkZHBEBBAUEBOgAACyAFQQ1GIARBAUYgBUEKRnFBAXRyIQQgBgRAIAMgBToAAAsgA0EB' +
  'aiEDDAALC0EAIAQ6AABBAiAGOgAAQQQgAzYCACABCwsJAQBBCAsDeA0K';

const FIRST = 64;
const KEPT = 67_648;

interface Scanner {
  readonly octets: Uint8Array;
  readonly words: DataView;
  readonly run: (end: number) => number;
}

let scanner: Scanner | null = null;

/**
 * Looks at a part of a body with the processor's wide registers, through 700 octets of WebAssembly: in JavaScript the look
 * for bare newlines costs more than decrypting the message (docs/decisions/0002).
 *
 * @param state - what the last call of this body returned; {@link LINE_START} at first
 * @param from - the part is `chunk[from]` up to `chunk[to - 1]`, at most {@link MAX_SCAN_OCTETS}
 */
export function scan(state: ScanState, chunk: Buffer, from: number, to: number): Scanned {
  scanner ??= assemble();
  const { octets, words, run } = scanner;
  octets.set(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to), FIRST);
  octets[0] = state;
  octets[1] = 0;
  const stopped = from + run(FIRST + to - from) - FIRST;
  const after = octets[0];
  const dropped = octets[2] === 1;
  const end = Math.max(from, stopped - (HELD[after] ?? 0));
  return {
    state: after,
    stopped,
    bareNewline: octets[1] === 1,
    kept: dropped ? Buffer.from(octets.subarray(KEPT, words.getUint32(4, true))) : slice(chunk, from, end),
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
    readonly exports: { readonly memory: { readonly buffer: ArrayBuffer }; readonly scan: (end: number) => number };
  };
};

function assemble(): Scanner {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(ASSEMBLED, 'base64')));
  const { memory, scan: run } = exports;
  return { octets: new Uint8Array(memory.buffer), words: new DataView(memory.buffer), run };
}
