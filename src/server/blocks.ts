/** Small blocks are cut from a larger one, as Node's own are: to have memory costs more than to copy a message. */
const SHEET_OCTETS = 32 * 1024;
let sheet = Buffer.alloc(0);
let sheetUsed = 0;

/**
 * What is had once and let go untouched, before the first block that is no part of a sheet. glibc gives free memory at the end of
 * its heap back to the kernel beyond twice the largest block that was ever let go (mallopt(3), M_TRIM_THRESHOLD), and in bulk a
 * process then has a page fault for each 4 KiB of each message, or none, by chance. docs/decisions/0005.
 */
const LESSON_OCTETS = 16 * 1024 * 1024;
let taught = false;

function teach(): void {
  taught = true;
  try {
    Buffer.allocUnsafeSlow(LESSON_OCTETS);
  } catch {
    // So much cannot be had. It was for speed alone.
  }
}

/** @returns memory that nobody else has, with whatever stood in it before */
export function block(octets: number): Buffer {
  if (octets > SHEET_OCTETS / 8) {
    if (!taught) teach();
    return Buffer.allocUnsafeSlow(octets);
  }
  if (sheet.length - sheetUsed < octets) {
    sheet = Buffer.allocUnsafeSlow(SHEET_OCTETS);
    sheetUsed = 0;
  }
  sheetUsed += octets;
  return sheet.subarray(sheetUsed - octets, sheetUsed);
}
