/** The header field in which a message of the soak says how many octets it has, itself included. */
export const OCTETS_FIELD: RegExp = /^X-Octets: (\d{8})\r\n/;

/** A message of so many lines, without the final dot; no line begins with one. */
export function messageOf(lines: number): string {
  const rest = `Subject: soak\r\n\r\n${`${'lorem ipsum '.repeat(6)}\r\n`.repeat(lines)}`;
  const octets = 'X-Octets: 00000000\r\n'.length + rest.length;
  return `X-Octets: ${String(octets).padStart(8, '0')}\r\n${rest}`;
}
