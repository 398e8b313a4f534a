import { OptionError, TlsSmtpError } from '../errors.js';

/** What a message says about the system's or OpenSSL's own error: its code, never its text (which may hold paths). */
export function causeCode(cause: unknown): string {
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'no further code';
}

/** Something is wrong with the material that an option names. `option` and `source` say where; never any key material. */
export abstract class CredentialError extends TlsSmtpError {
  readonly phase = 'credentials' as const;
  readonly fault = 'operator' as const;
  abstract override readonly temporary: boolean;
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
  readonly temporary = true;
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
  readonly temporary = false;
}

/** The private key is not that of the certificate. */
export class KeyMismatchError extends CredentialError {
  readonly code = 'ERR_TLS_SMTP_KEY_MISMATCH' as const;
  readonly temporary = false;
}

/** TLS is asked for and no certificate is configured. */
export class CredentialMissingError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_CREDENTIAL_MISSING' as const;
  readonly phase = 'credentials' as const;
  readonly fault = 'operator' as const;
  readonly temporary = false;

  /** @param because - the option that needs it */
  constructor(because?: string) {
    const needed = because === undefined ? '' : `, which ${because} needs`;
    super(`tls.certificate is not set${needed}: give an absolute path to a PEM file, or PEM text`);
  }
}

/** The key is too short for OpenSSL's security level; what it refuses differs between versions of Node. */
export class KeyTooSmallError extends CredentialError {
  readonly code = 'ERR_TLS_SMTP_KEY_TOO_SMALL' as const;
  readonly temporary = false;
}

/** `strictKeyFiles` is set, and others than the owner can read or change the file of a private key. */
export class KeyFileExposedError extends CredentialError {
  readonly code = 'ERR_TLS_SMTP_KEY_FILE_EXPOSED' as const;
  readonly temporary = false;
}

/** A callback made a file name out of a name that the peer chose, and it does not lie below `credentialsRoot`. */
export class CredentialPathError extends CredentialError {
  readonly code = 'ERR_TLS_SMTP_CREDENTIAL_PATH' as const;
  readonly temporary = false;

  constructor(option: string, problem: string) {
    super(option, 'expanded file name', problem); // the name itself is the peer's text
  }
}

/** A callback of an option did not give an answer that can be used. */
export abstract class ExpansionError extends TlsSmtpError {
  readonly phase = 'credentials' as const;
  readonly fault = 'caller' as const;
  readonly temporary = true;
  /** `tls.certificate` */
  readonly option: string;

  constructor(option: string, problem: string, cause?: unknown) {
    super(`${option}: the expansion ${problem}`, cause === undefined ? undefined : { cause });
    this.option = option;
  }
}

/** The callback threw; what it threw is the `cause`. */
export class ExpansionFailedError extends ExpansionError {
  readonly code = 'ERR_TLS_SMTP_EXPANSION_FAILED' as const;

  constructor(option: string, cause: unknown) {
    super(option, 'failed', cause);
  }
}

/** The callback did not answer in time. */
export class ExpansionTimeoutError extends ExpansionError {
  readonly code = 'ERR_TLS_SMTP_EXPANSION_TIMEOUT' as const;
  readonly timeoutMs: number;

  constructor(option: string, timeoutMs: number) {
    super(option, `did not answer within ${timeoutMs} ms`);
    this.timeoutMs = timeoutMs;
  }
}

/** What OpenSSL says where it does not take what parsed well, in our words. */
export function refusedByOpenSsl(cause: unknown): TlsSmtpError {
  if (cause instanceof TlsSmtpError) return cause;
  const code = causeCode(cause);
  if (/KEY_TOO_SMALL|MODULUS_TOO_SMALL/.test(code)) {
    const option = code.includes('DH_KEY') ? 'tls.dhparam' : 'tls.certificate';
    return new KeyTooSmallError(option, 'key', `is too small for this version of Node (${code})`);
  }
  if (code === 'ERR_SSL_NO_CIPHER_MATCH' || code === 'ERR_SSL_INVALID_COMMAND') {
    return new OptionError('tls.requireCiphers', 'names no cipher suite that OpenSSL knows');
  }
  return new CredentialInvalidError('tls', 'certificate, key and ciphers', `OpenSSL refuses them (${code})`);
}
