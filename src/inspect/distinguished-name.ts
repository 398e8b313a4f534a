import { printable } from './printable.js';

/** One `type=value`; `value` is plain, its escapes undone. */
interface Attribute {
  readonly type: string;
  readonly value: string;
}

/** A longer name is cut: two hundred parts make 12 kB, and it stands in log lines. */
const MAX_LENGTH = 1_024;

/** The name of a certificate's subject or issuer, as attributes, in the order of the certificate. */
export class DistinguishedName {
  readonly #parts: readonly (readonly Attribute[])[];

  private constructor(parts: readonly (readonly Attribute[])[]) {
    this.#parts = parts;
  }

  /** @param text - what `X509Certificate.subject` says: one part per line, `+` between attributes of one part, escaped */
  static fromX509(text: string): DistinguishedName {
    const lines = text === '' ? [] : text.split('\n');
    return new DistinguishedName(lines.map((line) => line.split(/(?<!\\)(?:\\\\)* \+ /).map(parseAttribute)));
  }

  /**
   * OpenSSL's form on one line, Exim's `$tls_peerdn`: `/C=EE/O=Acme, Inc./OU=Mail+UID=42/CN=client one`.
   * A slash in a value is escaped, so that no value reads as a further part. For people and logs, never for decisions.
   */
  toOneline(): string {
    const text = this.#parts.map((part) => `/${this.#join(part, (value) => shown(value).replaceAll('/', '\\/'))}`);
    return cut(text.join(''));
  }

  /** RFC 4514: the last part first, `CN=client one,OU=Mail+UID=42,O=Acme\, Inc.,C=EE`. */
  toRfc4514(): string {
    return cut(
      this.#parts
        .toReversed()
        .map((part) => this.#join(part, escape4514))
        .join(','),
    );
  }

  /** @returns every value of an attribute, plain and unescaped: the peer's bytes, not fit for printing as they stand */
  get(attribute: string): readonly string[] {
    const type = attribute.toUpperCase();
    return this.#parts
      .flat()
      .filter((one) => one.type.toUpperCase() === type)
      .map((one) => one.value);
  }

  #join(part: readonly Attribute[], write: (value: string) => string): string {
    return part.map(({ type, value }) => `${printable(type, 64)}=${write(value)}`).join('+');
  }
}

function parseAttribute(text: string): Attribute {
  const equals = text.indexOf('=');
  if (equals === -1) return { type: '', value: plain(text) };
  return { type: text.slice(0, equals).trim(), value: plain(text.slice(equals + 1)) };
}

/** OpenSSL escapes with `\` and a character, or `\` and two hexadecimal digits for an octet. */
function plain(text: string): string {
  return text.replace(/\\([0-9A-F]{2})|\\(.)/gs, (_all, hex: string | undefined, character: string | undefined) =>
    hex === undefined ? (character ?? '') : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function shown(value: string): string {
  return printable(value, MAX_LENGTH);
}

/** RFC 4514 §2.4. Controls are escaped as we escape them everywhere, which no reader of RFC 4514 can take for a separator. */
function escape4514(value: string): string {
  return shown(value)
    .replace(/[",+;<>=]/g, '\\$&')
    .replace(/^[ #]| $/g, '\\$&');
}

function cut(text: string): string {
  return text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH - 3)}...`;
}
