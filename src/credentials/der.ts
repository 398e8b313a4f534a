/** One element of DER (X.690): as much as is needed to look into DH parameters and revocation lists. */
export interface DerElement {
  readonly tag: number;
  readonly content: Buffer;
}

const DER = { integer: 0x02, sequence: 0x30, utcTime: 0x17, generalizedTime: 0x18 } as const;

/** @throws {RangeError} where the octets are not a row of complete elements */
export function derElements(der: Buffer): DerElement[] {
  const found: DerElement[] = [];
  for (let at = 0; at < der.length; ) {
    const tag = der.readUInt8(at);
    let length = der.readUInt8(at + 1);
    let start = at + 2;
    if (length > 0x80) {
      const octets = length & 0x7f;
      if (octets > 4) throw new RangeError('an element is too long');
      length = der.readUIntBE(start, octets);
      start += octets;
    }
    if (start + length > der.length) throw new RangeError('an element is cut short');
    found.push({ tag, content: der.subarray(start, start + length) });
    at = start + length;
  }
  return found;
}

/** How many bits the prime of DH parameters has (PKCS#3: SEQUENCE { prime INTEGER, base INTEGER, … }). */
export function dhPrimeBits(der: Buffer): number {
  const prime = derElements(derElements(der)[0]?.content ?? Buffer.alloc(0))[0];
  if (prime?.tag !== DER.integer) throw new RangeError('no DH parameters');
  const first = prime.content.findIndex((octet) => octet !== 0);
  if (first < 0) return 0;
  return (prime.content.length - first) * 8 - Math.clz32(prime.content.readUInt8(first)) + 24;
}

/**
 * When a revocation list is due to be replaced (RFC 5280 §5.1.2.5); behind that time OpenSSL trusts nobody by it.
 * @returns `null` where the list does not say
 */
export function crlNextUpdate(der: Buffer): Date | null {
  const toBeSigned = derElements(derElements(der)[0]?.content ?? Buffer.alloc(0))[0];
  if (toBeSigned?.tag !== DER.sequence) throw new RangeError('no revocation list');
  const parts = derElements(toBeSigned.content);
  const at = parts[0]?.tag === DER.integer ? 4 : 3; // version?, signature, issuer, thisUpdate, nextUpdate?
  const next = parts[at];
  return next === undefined ? null : derTime(next);
}

function derTime({ tag, content }: DerElement): Date | null {
  const text = content.toString('latin1');
  const digits = tag === DER.utcTime ? century(text) : tag === DER.generalizedTime ? text : '';
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(digits);
  if (parts === null) return null;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts.slice(1).map(Number);
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second));
}

/** RFC 5280 §4.1.2.5.1: 50 to 99 are of the last century. */
function century(text: string): string {
  return `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}`;
}
