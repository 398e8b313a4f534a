import { TlsSmtpError } from '../errors.js';

/** What a message says about the system's or OpenSSL's own error: its code, never its text (which may hold paths). */
export function causeCode(cause: unknown): string {
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'no further code';
}

/** Something is wrong with the material that an option names. `option` and `source` say where; never any key material. */
export abstract class CredentialError extends TlsSmtpError {
  readonly phase = 'credentials' as const;
  readonly fault = 'operator' as const;
  readonly temporary: boolean = false;
  /** `tls.certificate` */
  readonly option: string;
  /** The file, or `PEM text` where the option holds it. */
  readonly source: string;

  constructor(option: string, source: string, problem: string, cause?: unknown) {
    super(`${option}: ${source}: ${problem}`, cause === undefined ? undefined : { cause });
    this.option = option;
    this.source = source;
  }
}

/** A file cannot be read. `systemError` is the system's code: ENOENT, EACCES. */
export class CredentialUnreadableError extends CredentialError {
  readonly code = 'ERR_TLS_SMTP_CREDENTIAL_UNREADABLE' as const;
  override readonly temporary = true;
  readonly systemError: string;

  constructor(option: string, file: string, cause: unknown) {
    const systemError = causeCode(cause);
    super(option, file, `cannot be read (${systemError})`, cause);
    this.systemError = systemError;
  }
}

/** What was read is no certificate or no key, or not one that can be used. */
export class CredentialInvalidError extends CredentialError {
  readonly code = 'ERR_TLS_SMTP_CREDENTIAL_INVALID' as const;
}

/** The private key is not that of the certificate. */
export class KeyMismatchError extends CredentialError {
  readonly code = 'ERR_TLS_SMTP_KEY_MISMATCH' as const;
}

/** TLS is asked for and no certificate is configured. */
export class CredentialMissingError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_CREDENTIAL_MISSING' as const;
  readonly phase = 'credentials' as const;
  readonly fault = 'operator' as const;
  readonly temporary = false;

  constructor() {
    super('tls.certificate is not set: give an absolute path to a PEM file, or PEM text');
  }
}
