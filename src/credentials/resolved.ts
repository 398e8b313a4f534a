import type { X509Certificate } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import { inspect } from 'node:util';

/** Credentials for one connection, ready for a context. The same content is the same object, as long as it is in use. */
export interface ResolvedCredentials {
  /** A hash over the content: equal ids need one engine. */
  readonly id: string;
  /** For `tls.createSecureContext`. Whom nobody is told to trust is not trusted: `ca` is empty and not absent then. */
  readonly tls: Readonly<SecureContextOptions>;
  /** The first leaf's subject, as OpenSSL writes it, one part a line; empty where there is no certificate. */
  readonly subject: string;
  /** When the first of the leaves ends. */
  readonly notAfter: Date;
}

/** One of our certificates, for reports and events. */
export interface IdentityFacts {
  /** `tls.certificate` */
  readonly option: string;
  /** The file, or `PEM text`. */
  readonly source: string;
  readonly subject: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** The last moment that a Date can hold. */
const NEVER_MS = 8_640_000_000_000_000;

/** Holds a private key, and shows it to nobody who only prints it. */
export class Credentials implements ResolvedCredentials {
  readonly id: string;
  readonly tls: Readonly<SecureContextOptions>;
  readonly identities: readonly IdentityFacts[];
  /** What was found when it was read, but for what depends on the day. */
  readonly warnings: readonly string[];
  readonly subject: string;
  readonly notAfter: Date;

  constructor(
    id: string,
    tls: SecureContextOptions,
    identities: readonly IdentityFacts[],
    warnings: readonly string[] = [],
  ) {
    Object.defineProperty(this, inspect.custom, { value: () => this.toJSON() });
    this.id = id;
    this.warnings = warnings;
    this.tls = Object.freeze(tls);
    this.identities = identities;
    this.subject = identities[0]?.subject ?? '';
    this.notAfter = new Date(Math.min(NEVER_MS, ...identities.map((one) => one.notAfter.getTime())));
  }

  /** What there is to say about the validity of its certificates at a time. */
  expiryWarnings(now: number): readonly string[] {
    return this.identities.flatMap(({ option, source, notBefore, notAfter }) => {
      if (notAfter.getTime() < now) {
        return [`${option}: ${source}: the certificate has expired on ${notAfter.toISOString()}`];
      }
      if (notBefore.getTime() <= now) return [];
      return [`${option}: ${source}: the certificate is not valid before ${notBefore.toISOString()}`];
    });
  }

  toJSON(): object {
    const { id, subject, notAfter } = this;
    return { id, subject, notAfter };
  }
}

export function factsOf(option: string, source: string, leaf: X509Certificate): IdentityFacts {
  const { subject, validFrom, validTo } = leaf;
  return { option, source, subject, notBefore: new Date(validFrom), notAfter: new Date(validTo) };
}
