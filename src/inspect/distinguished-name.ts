import { OptionError } from '../errors.js';
import { cut, harmless, printable } from './printable.js';

/** One `type=value`; `value` is plain, its escapes undone. */
interface Attribute {
  readonly type: string;
  readonly value: string;
}

/** A longer name is cut: two hundred parts make 12 kB, and it stands in log lines. */
const MAX_LENGTH = 1_024;
const MAX_TYPE_LENGTH = 64;

/**
 * The name of a certificate's subject or issuer, as attributes, in the order of the certificate. Immutable.
 *
 * Both printed forms are safe to print and at most 1,024 characters long. They are for people and logs: to decide who
 * somebody is, compare `fingerprint256`.
 */
export class DistinguishedName {
  readonly #parts: readonly (readonly Attribute[])[];

  private constructor(text: string) {
    if (typeof text !== 'string') throw new OptionError('text', 'must be the subject or issuer of an X509Certificate');
    const lines = text === '' ? [] : text.split('\n');
    this.#parts = lines.map((line) => line.split(' + ').map(parseAttribute));
    Object.freeze(this);
  }

  /**
   * Reads what `X509Certificate.subject` and `.issuer` say: one part per line, ` + ` between the attributes of one part.
   * OpenSSL escapes a line end or a plus in a value, so that both divide here without a look at what stands before them.
   * (The legacy object of `getPeerCertificate()` does not: CVE-2021-44533.)
   *
   * @throws {OptionError} `ERR_TLS_SMTP_OPTION` for what is no text, as that legacy object is none
   */
  static fromX509(text: string): DistinguishedName {
    return new DistinguishedName(text);
  }

  /**
   * OpenSSL's form on one line, Exim's `$tls_peerdn`: `/C=EE/O=Acme, Inc./OU=Mail+UID=42/CN=client one`.
   * A slash or a quote in a value is escaped with a backslash, a control character as `\u{a}`: no value reads as a
   * further part, or ends the quotes of a log line.
   */
  toOneline(): string {
    const text = this.#parts.map((part) => `/${joined(part, escapeOneline)}`);
    return cut(text.join(''), MAX_LENGTH);
  }

  /** RFC 4514: the last part first, `CN=client one,OU=Mail+UID=42,O=Acme\, Inc.,C=EE`; a control character is `\0A`. */
  toRfc4514(): string {
    const text = this.#parts.toReversed().map((part) => joined(part, escape4514));
    return cut(text.join(','), MAX_LENGTH);
  }

  /**
   * @param attribute - OpenSSL's short name, in any case (`CN`, `O`, `emailAddress`), or the number of one without (`1.2.3.4`)
   * @returns every value of it, plain and unescaped: the peer's characters, not fit for printing as they stand
   * @throws {OptionError} `ERR_TLS_SMTP_OPTION` for what is no text
   */
  get(attribute: string): readonly string[] {
    if (typeof attribute !== 'string') throw new OptionError('attribute', "must be text such as 'CN'");
    const type = attribute.toUpperCase();
    return this.#parts
      .flat()
      .filter((one) => one.type.toUpperCase() === type)
      .map((one) => one.value);
  }

  toString(): string {
    return this.toRfc4514();
  }

  toJSON(): string {
    return this.toRfc4514();
  }
}

function joined(part: readonly Attribute[], write: (value: string) => string): string {
  return part.map(({ type, value }) => `${type}=${write(value)}`).join('+');
}

function parseAttribute(text: string): Attribute {
  const equals = text.indexOf('=');
  if (equals === -1) return { type: '', value: unescaped(text) };
  return { type: typeName(text.slice(0, equals)), value: unescaped(text.slice(equals + 1)) };
}

/** OpenSSL's own words, or dotted numbers; nothing else may stand in that place. */
function typeName(text: string): string {
  return text.slice(0, MAX_TYPE_LENGTH).replace(/[^A-Za-z0-9.-]/g, '_');
}

/** OpenSSL escapes with `\` and a character, or `\` and two hexadecimal digits for an octet below 128. */
function unescaped(text: string): string {
  return text.replace(/\\([0-9A-F]{2})|\\(.)/gs, (_all, hex: string | undefined, character: string | undefined) =>
    hex === undefined ? (character ?? '') : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function escapeOneline(value: string): string {
  return printable(value, MAX_LENGTH).replace(/["/]/g, '\\$&');
}

/** RFC 4514 §2.4: a special with a backslash, anything else that is better not printed as the octets of its UTF-8. */
function escape4514(value: string): string {
  const specials = value
    .slice(0, MAX_LENGTH)
    .replace(/[",+;<>=\\]/g, '\\$&')
    .replace(/^[ #]| $/g, '\\$&');
  return harmless(specials, (character) => Buffer.from(character).toString('hex').toUpperCase().replace(/../g, '\\$&'));
}
