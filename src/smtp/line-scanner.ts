/**
 * Looks at a message body four octets at a time, because a look at each one costs as much as decrypting it.
 *
 * A word is four octets read little-endian, so the lowest octet came first. A *mask* has the top bit of an octet set
 * where that octet is of the kind meant and is zero elsewhere: then `mask << 8` says "the octet behind one of those",
 * and a rule about neighbours ("each LF stands behind a CR") becomes one comparison for four octets.
 */

const TOP_BITS = 0x80808080;
const LOW_BITS = 0x7f7f7f7f;
const CRS = 0x0d0d0d0d;
const LFS = 0x0a0a0a0a;
const DOTS = 0x2e2e2e2e;

/** Every octet below this is CR, LF or a control character; a word without one needs no closer look. */
const BELOW_SO = 0x0e0e0e0e;

/** What the next octet stands behind. */
export type Before = 'line-start' | 'cr' | 'other';

/** Exact mask of the zero octets of `word`. */
function zeroOctets(word: number): number {
  return ~(((word & LOW_BITS) + LOW_BITS) | word | LOW_BITS);
}

/**
 * Finds the dots that begin a line, and notices line ends that are none. State lives from chunk to chunk, octets do not.
 *
 * A line begins behind CRLF and nowhere else: what follows a bare LF is the same line, or a message could end where
 * another server sees none (SMTP smuggling, CVE-2023-51764 and its kin).
 */
export class LineScanner {
  /** What stands before the first octet of the next chunk. DATA begins at the start of a line. */
  before: Before = 'line-start';

  /** Whether a CR without LF or a LF without CR was seen (RFC 5321 §2.3.8 forbids both). */
  bareNewline = false;

  /**
   * Looks for the next dot at the start of a line.
   *
   * @param view - over the same octets as the chunk
   * @param from - the first octet not looked at
   * @returns its index; -1 where the chunk holds no more, all of it looked at. After a dot `before` is `'other'`.
   */
  nextLeadingDot(view: DataView, from: number): number {
    const end = view.byteLength;
    const lastPair = end - 8;
    let afterCr = this.before === 'cr' ? 0x80 : 0;
    let atLineStart = this.before === 'line-start' ? 0x80 : 0;
    let at = from;
    while (at <= lastPair) {
      const low = view.getInt32(at, true);
      const high = view.getInt32(at + 4, true);
      const needsLook = ((low - BELOW_SO) & ~low) | ((high - BELOW_SO) & ~high);
      if (((needsLook & TOP_BITS) | afterCr | atLineStart) === 0) {
        at += 8;
        continue;
      }
      for (let word = low, next = high, half = 0; half < 2; word = next, half++) {
        const cr = zeroOctets(word ^ CRS);
        const lf = zeroOctets(word ^ LFS);
        const behindCr = (cr << 8) | afterCr;
        const bare = behindCr ^ lf;
        const dots = (((lf & behindCr) << 8) | atLineStart) & zeroOctets(word ^ DOTS);
        if (dots !== 0) {
          const first = dots & -dots;
          if ((bare & (first - 1)) !== 0) this.bareNewline = true;
          this.before = 'other';
          return at + ((31 - Math.clz32(first)) >> 3);
        }
        if (bare !== 0) this.bareNewline = true;
        afterCr = cr >>> 24;
        atLineStart = (lf & behindCr) >>> 24;
        at += 4;
      }
    }
    this.before = afterCr !== 0 ? 'cr' : atLineStart !== 0 ? 'line-start' : 'other';
    return this.#oneByOne(view, at);
  }

  /** The same rules for the fewer than eight octets at the end of a chunk. */
  #oneByOne(view: DataView, from: number): number {
    for (let at = from; at < view.byteLength; at++) {
      const octet = view.getUint8(at);
      const { before } = this;
      if (before === 'line-start' && octet === 0x2e) {
        this.before = 'other';
        return at;
      }
      if ((before === 'cr') !== (octet === 0x0a)) this.bareNewline = true;
      this.before = octet === 0x0d ? 'cr' : before === 'cr' && octet === 0x0a ? 'line-start' : 'other';
    }
    return -1;
  }
}
