/** Small blocks are cut from a larger one, as Node's own are: to have memory costs more than to copy a message. */
const SHEET_OCTETS = 32 * 1024;
let sheet = Buffer.alloc(0);
let sheetUsed = 0;

/**
 * What is had once and let go untouched, for glibc: free memory at the top of its heap goes back to the kernel beyond twice
 * the largest block that was ever let go (mallopt(3), M_TRIM_THRESHOLD), and in bulk each message then has a page fault for each
 * 4 KiB, or none, by the chance of what lies above it. V8 lets go of as much as this at once. docs/decisions/0005.
 */
const LESSON_OCTETS = 16 * 1024 * 1024;
let taught = false;

/** @returns memory that nobody else has, with whatever stood in it before */
export function block(octets: number): Buffer {
  if (octets > SHEET_OCTETS / 8) {
    if (!taught) Buffer.allocUnsafeSlow(LESSON_OCTETS);
    taught = true;
    return Buffer.allocUnsafeSlow(octets);
  }
  if (sheet.length - sheetUsed < octets) {
    sheet = Buffer.allocUnsafeSlow(SHEET_OCTETS);
    sheetUsed = 0;
  }
  sheetUsed += octets;
  return sheet.subarray(sheetUsed - octets, sheetUsed);
}
