/** DH parameters of a prime and the base 2 (PKCS#3), in DER and PEM. */
export function dhParameters(prime: Buffer): { readonly der: Buffer; readonly pem: string } {
  const signed = (prime[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.alloc(1), prime]) : prime;
  const der = element(0x30, Buffer.concat([element(0x02, signed), element(0x02, Buffer.from([2]))]));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return { der, pem: `-----BEGIN DH PARAMETERS-----\n${lines.join('\n')}\n-----END DH PARAMETERS-----\n` };
}

function element(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const head =
    length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}
